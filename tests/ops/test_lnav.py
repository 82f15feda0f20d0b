"""The format for lnav fits the names and the records that the bridge writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORMAT = json.loads((ROOT / "deploy/tailers/lnav/mogplex_bridge.json").read_text())[
    "bridge_records"
]


@pytest.mark.parametrize("name", ["events.ndjson", "events.000001.ndjson"])
def test_it_is_found_by_the_names_of_our_files(name: str) -> None:
    assert re.search(FORMAT["file-pattern"], name)


@pytest.mark.parametrize(
    ("type_", "level"),
    [
        ("com.mogplex.run.event.failed", "error"),
        ("bridge.follow.failed", "error"),
        ("bridge.gap", "warning"),
        ("bridge.run.ended", "info"),
        ("com.mogplex.run.event.log", "debug"),
    ],
)
def test_each_type_has_its_level(type_: str, level: str) -> None:
    assert [name for name, pattern in FORMAT["level"].items() if re.search(pattern, type_)] == [
        level
    ]


def test_every_field_it_shows_is_one_of_a_record() -> None:
    record = json.loads(FORMAT["sample"][0]["line"])
    shown = {part["field"] for part in FORMAT["line-format"] if isinstance(part, dict)}
    top = {field.split("/")[0] for field in shown if not field.startswith("__")}
    assert top <= set(record)
    assert {FORMAT["timestamp-field"], FORMAT["opid-field"], FORMAT["level-field"]} <= set(record)
