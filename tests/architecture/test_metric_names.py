"""Every metric that a document, dashboard or rule names is in the catalogue."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from bridge.metrics.__main__ import _everything
from bridge.metrics.sums import _HELD
from tests.architecture.tree import ROOT

PREFIX = "mogplex_bridge_"
NAME = re.compile(rf"\b{PREFIX}[a-z0-9_]+")
SUFFIXES = ("_bucket", "_sum", "_count", "_created")
PLACES = ("docs", "grafana", "deploy", "README.md", "CHANGELOG.md")
# Recording rules name series of their own: `level:metric:operation` has no prefix of ours.


@cache
def known() -> frozenset[str]:
    return frozenset(PREFIX + name.removeprefix(PREFIX) for name, *_ in _everything().catalogue)


def unknown_names(text: str) -> set[str]:
    """Names in a text that are no metric, nor a series of a histogram or counter."""
    names = known()
    bad = set()
    for name in NAME.findall(text):
        plain = next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)
        if name.rstrip("_") not in names and plain not in names and not name.endswith("_"):
            bad.add(name)
    return bad


def files() -> list[Path]:
    found: list[Path] = []
    for place in PLACES:
        path = ROOT / place
        found += [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return [file for file in found if "__pycache__" not in file.parts]


@pytest.mark.parametrize("place", PLACES)
def test_every_metric_named_exists(place: str) -> None:
    for file in files():
        if file.relative_to(ROOT).parts[0] == place:
            text = file.read_text(errors="replace")
            assert unknown_names(text) == set(), file.relative_to(ROOT)


# What a worker process runs; the daemon sets all other gauges.
OF_WORKERS = ("bridge/outputs/http", "bridge/outputs/streams", "bridge/daemon/workers/worker.py")


def gauges_set(text: str) -> set[str]:
    """Full names of the gauges that a module reaches through `metrics`."""
    gauges = {name for name, kind, *_ in _everything().catalogue if kind == "gauge"}
    return gauges & {PREFIX + name for name in re.findall(r"metrics\.([a-z0-9_]+)", text)}


def test_every_gauge_that_a_worker_sets_is_in_the_sum() -> None:
    """Counters and histograms are summed without a list; a gauge that it lacked was lost."""
    found: set[str] = set()
    for place in OF_WORKERS:
        path = ROOT / place
        for file in [path] if path.is_file() else path.rglob("*.py"):
            found |= gauges_set(file.read_text())
    assert found  # `subscribers`, at least
    assert found <= _HELD


def test_a_gauge_that_is_set_is_seen_and_a_counter_is_not() -> None:
    text = "self._metrics.journal_bytes.set(1); metrics.deliveries_total.inc()"
    assert gauges_set(text) == {f"{PREFIX}journal_bytes"}


def test_an_unknown_name_is_seen_and_the_series_of_a_known_one_are_not() -> None:
    assert unknown_names(f"rate({PREFIX}evnts_total[5m])") == {f"{PREFIX}evnts_total"}
    assert unknown_names(f"{PREFIX}events_total {PREFIX}event_lag_seconds_bucket") == set()
