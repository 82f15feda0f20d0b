"""Adds the metrics of worker processes to those of the daemon.

A worker reports its counts now and then. When it dies, its counters stay in the sum (a counter must
not fall), and its gauges leave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from bridge.metrics.declaring import PREFIX
from bridge.metrics.metric_table import MetricTable

# Families that workers count; only one process counts each of the others.
_HELD = {
    PREFIX + "subscribers",
    "process_resident_memory_bytes",
    "process_open_fds",
}
_COUNTED = {
    PREFIX + "deliveries",
    PREFIX + "subscriber_disconnects",
    PREFIX + "subscriber_lag_records",
    PREFIX + "http_requests",
    PREFIX + "event_loop_lag_seconds",
    "process_cpu_seconds",
}

_SERIES = [
    name + part
    for name in _HELD | _COUNTED
    if name.startswith(PREFIX)  # the others have a collector that names none
    for part in ("", "_total", "_bucket", "_count", "_sum")
]

Count = tuple[str, list[tuple[str, str]], float]  # of a sample: name, labels in order, value
Key = tuple[str, tuple[tuple[str, str], ...]]


def counts_of(metrics: MetricTable) -> list[Count]:
    """Return the counts that one worker reports: all that are not 0."""
    reported = metrics.registry.restricted_registry(_SERIES)
    return [
        (sample.name, sorted(sample.labels.items()), sample.value)
        for metric in chain(reported.collect(), metrics.of_process.collect())
        if metric.name in _HELD | _COUNTED
        for sample in metric.samples
        if sample.value
    ]


class Sums:
    """The counts of all workers, dead ones included, as a registry for the renderer."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._now: dict[int, dict[Key, float]] = {}  # by worker
        self._gone: dict[Key, float] = {}

    def tell(self, worker: int, counts: Iterable[Sequence[object]]) -> None:
        """Store the newest counts of a worker since its start, as `counts_of` returned them."""
        self._now[worker] = {
            (str(name), tuple((str(k), str(v)) for k, v in labels)): float(value)  # type: ignore[attr-defined, arg-type]
            for name, labels, value in counts
        }

    def forget(self, worker: int) -> None:
        """Note that a worker died: its counters stay."""
        for key, value in self._now.pop(worker, {}).items():
            if key[0] not in _HELD:
                self._gone[key] = self._gone.get(key, 0.0) + value

    def collect(self) -> Iterator[Metric]:
        """Return all families, summed, as `prometheus_client` collects from a registry."""
        more = dict(self._gone)
        for counts in self._now.values():
            for key, value in counts.items():
                more[key] = more.get(key, 0.0) + value
        for metric in self._own.collect():
            if metric.name in _HELD | _COUNTED:
                metric.samples = [
                    sample._replace(value=sample.value + more.pop(_key(sample), 0.0))
                    for sample in metric.samples
                ]
            yield metric


def _key(sample: Sample) -> Key:
    return sample.name, tuple(sorted(sample.labels.items()))
