"""Declares metrics: name, meaning, labels, and the series that exist from the start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bridge.metrics.histogram import BatchHistogram

PREFIX = "mogplex_bridge_"

Metric = Counter | Gauge | Histogram | BatchHistogram
# Returns the values of the labels after the first one, one sequence per series, for one value of
# the first label. It gets an account's words, or an output's reasons of failures.
Fill = Callable[[Any], Iterable[Sequence[str]]]


def alone(_of: Any) -> Iterable[Sequence[str]]:
    """Return one series: the first label is the only one."""
    return [()]


class Declaring:
    """Metrics in a registry of their own; `catalogue` lists them in the order of declaration."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.catalogue: list[tuple[str, str, tuple[str, ...], str]] = []
        self._filled: dict[str, list[tuple[Metric, Fill]]] = {}  # by first label

    def _add(self, label: str, name: str, of: Any) -> None:
        """Create every series of one value of a first label at 0. Idempotent."""
        for metric, fill in self._filled.get(label, ()):
            for values in fill(of):
                if isinstance(metric, BatchHistogram):
                    metric.labels(**{label: name})
                else:
                    metric.labels(name, *values)

    def _remove(self, label: str, name: str) -> None:
        """Remove every series of one value of a label."""
        for metric in self.__dict__.values():
            if isinstance(metric, BatchHistogram):
                metric.remove(label, name)
            elif isinstance(metric, Counter | Gauge | Histogram) and label in metric._labelnames:
                metric.remove_by_labels({label: name})

    def _counter(
        self, name: str, meaning: str, *labels: str, fill: Fill | Iterable[Sequence[str]] = alone
    ) -> Counter:
        metric = Counter(PREFIX + name, meaning, labels, registry=self.registry)
        self._list(metric, name, "counter", labels, meaning, fill)
        return metric

    def _gauge(
        self, name: str, meaning: str, *labels: str, fill: Fill | Iterable[Sequence[str]] = alone
    ) -> Gauge:
        metric = Gauge(PREFIX + name, meaning, labels, registry=self.registry)
        self._list(metric, name, "gauge", labels, meaning, fill)
        return metric

    def _histogram(
        self,
        name: str,
        meaning: str,
        bounds: Sequence[float],
        *labels: str,
        fill: Fill | Iterable[Sequence[str]] = alone,
    ) -> Histogram:
        metric = Histogram(PREFIX + name, meaning, labels, registry=self.registry, buckets=bounds)
        self._list(metric, name, "histogram", labels, meaning, fill)
        return metric

    def _batch_histogram(
        self, name: str, meaning: str, bounds: Sequence[float], label: str
    ) -> BatchHistogram:
        metric = BatchHistogram(PREFIX + name, meaning, label, bounds)
        self.registry.register(metric)
        self._list(metric, name, "histogram", (label,), meaning, alone)
        return metric

    def _list(
        self,
        metric: Metric,
        name: str,
        kind: str,
        labels: Sequence[str],
        meaning: str,
        fill: Fill | Iterable[Sequence[str]],
    ) -> None:
        self.catalogue.append((PREFIX + name, kind, tuple(labels), meaning))
        if callable(fill):
            if labels:
                self._filled.setdefault(labels[0], []).append((metric, fill))
        elif not isinstance(metric, BatchHistogram):
            for values in fill:
                metric.labels(*values)
