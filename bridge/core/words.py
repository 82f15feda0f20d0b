"""The closed sets of one system's words: the possible labels of its metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.core.errors import Retry


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric that only accounts of one system have. Its first label is `account`."""

    name: str  # without the prefix: "stream_connects_total"
    kind: Literal["counter", "gauge"]
    meaning: str  # one sentence, as /metrics shows it
    # further labels and their values
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemWords:
    """Every known word is a series at 0 from the start; an unknown one is counted as `other`."""

    kinds: tuple[str, ...] = ()  # of feeds
    event_types: tuple[str, ...] = ()  # the part after ".event." in a record's type
    endpoints: tuple[str, ...] = ()  # `Failure.operation`
    failures: Mapping[str, tuple[Retry, ...]] = field(default_factory=dict)  # code -> its classes
    gap_reasons: tuple[str, ...] = ()  # `Gap.reason`
    # Upstream's statuses of a run, for the `runs...` metrics; the first one also counts runs that
    # were not read yet. A system that is counted by state alone (`feeds...`) leaves both empty.
    statuses: tuple[str, ...] = ()
    ended_statuses: tuple[str, ...] = ()
    # Codes of failed follows that the bridge retries when the account gets another token, and when
    # the program starts, because somebody may have fixed the cause.
    mended_by_token: frozenset[str] = frozenset()
    mended_by_restart: frozenset[str] = frozenset()
    metrics: tuple[OwnMetric, ...] = ()
