"""The dashboard: importable anywhere, and every expression names what the catalogue has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bridge.metrics import PREFIX, Metrics
from tests.architecture.tree import ROOT

FILES = sorted((ROOT / "grafana").glob("*.json"))


def _panels(file: Any) -> list[dict[str, Any]]:
    return [p for p in json.loads(file.read_text())["panels"] if p["type"] != "row"]


def test_there_is_a_dashboard() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_panel_explains_itself_and_asks_any_prometheus(file: Any) -> None:
    panels = _panels(file)
    ids = [panel["id"] for panel in json.loads(file.read_text())["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_expression_names_metrics_and_labels_of_the_catalogue(file: Any) -> None:
    labels = {name: set(names) for name, _, names, _ in Metrics().catalogue}
    kinds = {name: kind for name, kind, _, _ in Metrics().catalogue}
    for panel in _panels(file):
        for target in panel["targets"]:
            expression = target["expr"]
            for name in re.findall(rf"{PREFIX}\w+", expression):
                base = re.sub(r"_(bucket|sum|count)$", "", name)
                base = base if base in labels else name
                assert base in labels, f"{panel['title']}: {name}"
                if kinds[base] == "counter" or name != base:
                    assert re.search(rf"(rate|increase)\({name}\{{", expression), panel["title"]
            for group in re.findall(r"by \(([^)]*)\)", expression):
                known = {"le", "job", "instance"}.union(
                    *(labels[n] for n in labels if n in expression)
                )
                assert {word.strip() for word in group.split(",")} <= known, panel["title"]
            assert "run_id" not in expression
