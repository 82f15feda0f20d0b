"""Adds the metrics of worker processes to those of the daemon.

A worker reports its counts now and then. When it dies, its counters stay in the sum (a counter must
not fall), and its gauges leave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from bridge.metrics.declaring import PREFIX
from bridge.metrics.metric_table import MetricTable

# Gauges of which each process holds a part. The others are of the daemon alone. Counters and
# histograms are summed whoever counts.
_HELD = {
    PREFIX + "subscribers",
    "process_resident_memory_bytes",
    "process_open_fds",
}

Count = tuple[str, list[tuple[str, str]], float]  # of a sample: name, labels in order, value
Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
_PARTS = ("", "_total", "_bucket", "_count", "_sum")  # of a family's name


def counts_of(metrics: MetricTable) -> list[Count]:
    """Return the counts that one worker reports: histograms whole, of the others what is not 0."""
    return [
        (sample.name, sorted(sample.labels.items()), sample.value)
        for metric in metrics.registry.collect()
        if metric.type != "gauge" or metric.name in _HELD
        for sample in metric.samples
        if (sample.value or metric.type == "histogram") and not sample.name.endswith("_created")
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
        more: dict[str, dict[Labels, float]] = {}  # by name of the sample
        for counts in (self._gone, *self._now.values()):
            for (name, labels), value in counts.items():
                of_name = more.setdefault(name, {})
                of_name[labels] = of_name.get(labels, 0.0) + value
        for metric in self._own.collect():
            metric.samples = [
                sample._replace(value=sample.value + _taken(more, sample))
                for sample in metric.samples
            ]
            # What has labels that this process has not counted under.
            for name in (metric.name + part for part in _PARTS):
                for labels, value in more.pop(name, {}).items():
                    metric.samples.append(Sample(name, dict(labels), value))
            yield metric


def _taken(more: dict[str, dict[Labels, float]], sample: Sample) -> float:
    return more.get(sample.name, {}).pop(tuple(sorted(sample.labels.items())), 0.0)
