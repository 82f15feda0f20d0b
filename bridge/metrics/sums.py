"""The metrics of several processes as one: what workers count is added to what the daemon counts.

A worker tells its counts now and then. When it dies, what it counted stays counted (a counter must
not fall), and what it held is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from bridge.metrics.declaring import PREFIX

# Families that a worker counts; of all others there is one process that knows.
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

Count = tuple[str, list[tuple[str, str]], float]  # of a sample: name, labels in order, value
Key = tuple[str, tuple[tuple[str, str], ...]]


def counts_of(registry: CollectorRegistry) -> list[Count]:
    """What one worker has to tell: all that is not 0."""
    return [
        (sample.name, sorted(sample.labels.items()), sample.value)
        for metric in registry.collect()
        if metric.name in _HELD | _COUNTED
        for sample in metric.samples
        if sample.value
    ]


class Sums:
    """The counts of all workers there are and were. A registry for who renders metrics."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own
        self._now: dict[int, dict[Key, float]] = {}  # by worker
        self._gone: dict[Key, float] = {}

    def tell(self, worker: int, counts: Iterable[Sequence[object]]) -> None:
        """The newest counts of a worker, as `counts_of` made them, from its start on."""
        self._now[worker] = {
            (str(name), tuple((str(k), str(v)) for k, v in labels)): float(value)  # type: ignore[attr-defined, arg-type]
            for name, labels, value in counts
        }

    def forget(self, worker: int) -> None:
        """It is gone: what it counted stays."""
        for key, value in self._now.pop(worker, {}).items():
            if key[0] not in _HELD:
                self._gone[key] = self._gone.get(key, 0.0) + value

    def collect(self) -> Iterator[Metric]:
        """All families, summed. See `CollectorRegistry.collect`."""
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
