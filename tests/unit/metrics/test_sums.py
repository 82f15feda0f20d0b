"""Counters of workers are added once, stay when a worker dies, and what it held goes with it."""

from __future__ import annotations

import json
import re

from prometheus_client import CollectorRegistry, Counter, Histogram

from bridge.metrics import Metrics
from bridge.metrics.histogram import BatchHistogram
from bridge.metrics.sums import Sums, counts_of


def value(text: bytes, series: str) -> float:
    found = [line for line in text.decode().splitlines() if line.startswith(series + " ")]
    assert len(found) == 1, series
    return float(found[0].rpartition(" ")[2])


def told(metrics: Metrics) -> list:
    """As it comes over the socket."""
    return json.loads(json.dumps(counts_of(metrics)))


def test_counts_are_summed_over_processes_that_come_and_go() -> None:
    own, first, second = Metrics(), Metrics(), Metrics()
    sums = Sums(own.registry)
    for worker, metrics in enumerate((first, second), 1):
        metrics.deliveries_total.labels("sse").inc(10 * worker)
        metrics.subscribers.labels("sse").inc(worker)
        metrics.subscriber_lag_records.observe(3)
        sums.tell(worker, told(metrics))
        sums.tell(worker, told(metrics))  # the newest counts, not more of them
    own.http_requests_total.labels("runs", "2xx").inc()
    text, _ = own.render(None, sums)
    assert value(text, 'mogplex_bridge_deliveries_total{transport="sse"}') == 30
    assert value(text, 'mogplex_bridge_subscribers{transport="sse"}') == 3
    assert value(text, "mogplex_bridge_subscriber_lag_records_count") == 2
    assert value(text, 'mogplex_bridge_http_requests_total{code="2xx",group="runs"}') == 1
    assert value(text, "mogplex_bridge_journal_head_sequence") == 0
    sums.forget(1)
    text, _ = own.render(None, sums)
    assert value(text, 'mogplex_bridge_deliveries_total{transport="sse"}') == 30
    assert value(text, 'mogplex_bridge_subscribers{transport="sse"}') == 2
    sums.tell(1, told(Metrics()))  # its successor begins at 0
    text, openmetrics = own.render("application/openmetrics-text", sums)
    assert value(text, 'mogplex_bridge_deliveries_total{transport="sse"}') == 30
    assert openmetrics.startswith("application/openmetrics-text")


def test_a_counter_that_nobody_listed_is_summed() -> None:
    """Also under labels that the daemon never counted under, and none is counted twice."""
    own, worker = Metrics(), Metrics()
    sums = Sums(own.registry)
    own.gateway_reads_total.labels("journal").inc(2)
    worker.gateway_reads_total.labels("journal").inc(3)
    worker.redactions_total.labels("a-new-rule").inc(4)
    worker.journal_writable.set(1)  # a gauge of the daemon
    sums.tell(1, told(worker))
    text, _ = own.render(None, sums)
    assert value(text, 'mogplex_bridge_gateway_reads_total{source="journal"}') == 5
    assert value(text, 'mogplex_bridge_redactions_total{rule="a-new-rule"}') == 4
    assert value(text, "mogplex_bridge_journal_writable") == 1
    sums.forget(1)
    text, _ = own.render(None, sums)
    assert value(text, 'mogplex_bridge_redactions_total{rule="a-new-rule"}') == 4


def test_no_counter_or_histogram_of_the_table_is_lost() -> None:
    """What a list in sums.py did not name was lost without an error."""
    own, worker = Metrics(), Metrics()
    for metric in vars(worker).values():
        if isinstance(metric, BatchHistogram):
            metric.labels(**{metric._label: "x"}).observe(1)
        elif isinstance(metric, Counter | Histogram):
            series = metric.labels(*"x" * len(metric._labelnames)) if metric._labelnames else metric
            series.inc() if isinstance(series, Counter) else series.observe(1)
    sums = Sums(own.registry)
    sums.tell(1, told(worker))
    counted = counts(worker.registry)
    assert {name for name, kind, *_ in worker.catalogue if kind != "gauge"} == {
        re.sub("_(bucket|count|sum)$", "", name) for name, _ in counted
    }
    assert counted.items() <= counts(sums).items()


def counts(registry: CollectorRegistry | Sums) -> dict[tuple[str, str], float]:
    """What is not 0, of our counters and histograms."""
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        if metric.type != "gauge" and metric.name.startswith("mogplex_bridge_")
        for sample in metric.samples
        if sample.value and not sample.name.endswith("_created")
    }


def test_all_parts_of_a_histogram_are_summed() -> None:
    """A family of which a part was left out would be too low for good.

    The last is one under a label that the daemon never had: its empty buckets belong to it.
    """
    own, worker = Metrics(), Metrics()
    worker.subscriber_lag_records.observe(3)
    worker.run_duration_seconds.labels("failed").observe(90)
    worker.event_loop_lag_seconds.observe(0.2)
    sums = Sums(own.registry)
    sums.tell(1, told(worker))
    summed, _ = own.render(None, sums)
    alone, _ = worker.render(None)
    for name in ("subscriber_lag_records", "event_loop_lag_seconds", "run_duration_seconds"):
        lines = [
            line
            for line in alone.decode().splitlines()
            if line.startswith(f"mogplex_bridge_{name}_")
        ]
        assert lines
        assert set(lines) <= set(summed.decode().splitlines())
