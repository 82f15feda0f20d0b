"""A batch in one call counts like its values one by one, against the library's own histogram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from bridge.metrics.histogram import BatchHistogram

BOUNDS = (0.1, 0.5, 1.0, 5.0)
values = st.floats(0.0, 10.0) | st.sampled_from(BOUNDS)


@pytest.mark.slow
@given(st.lists(st.lists(values, max_size=20), max_size=6))
def test_a_batch_counts_like_the_library_does(batches: list[list[float]]) -> None:
    registry = CollectorRegistry()
    theirs = Histogram("h", "m", ["account"], buckets=BOUNDS, registry=registry)
    ours = BatchHistogram("h", "m", "account", BOUNDS)
    theirs.labels("a")
    ours.labels(account="a")
    for batch in batches:
        ours.labels(account="a").observe_many(batch)
        for value in batch:
            theirs.labels("a").observe(value)
    (family,) = ours.collect()
    wanted = {
        (s.name, s.labels.get("le")): s.value
        for metric in registry.collect()
        for s in metric.samples
        if not s.name.endswith("_created")
    }
    counted = {(s.name, s.labels.get("le")): s.value for s in family.samples}
    assert counted.keys() == wanted.keys()
    for key, value in wanted.items():
        assert abs(counted[key] - value) <= 1e-9 * max(1.0, abs(value)), key


def test_the_exemplar_marks_the_largest_value_of_a_batch() -> None:
    ours = BatchHistogram("h", "m", "account", BOUNDS)
    ours.labels(account="a").observe_many((0.05, 0.7), {"run_id": "r"})
    (family,) = ours.collect()
    (marked,) = [s for s in family.samples if s.exemplar is not None]
    assert marked.labels["le"] == "1.0"
    assert marked.exemplar is not None
    assert marked.exemplar.value == 0.7


def test_a_removed_series_is_gone_and_another_label_removes_nothing() -> None:
    ours = BatchHistogram("h", "m", "account", BOUNDS)
    ours.labels(account="a").observe(1.0)
    ours.remove("sink", "a")
    assert any(s.labels.get("account") == "a" for m in ours.collect() for s in m.samples)
    ours.remove("account", "a")
    assert [s for m in ours.collect() for s in m.samples] == []
