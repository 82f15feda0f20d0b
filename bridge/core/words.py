"""The closed sets of one system's words: what its metrics may be labelled with. Pure."""

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
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the others, with words


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemWords:
    """Every known word is a series at 0 from the start; what is not here is counted as `other`."""

    kinds: tuple[str, ...] = ()  # of feeds
    event_types: tuple[str, ...] = ()  # what stands behind ".event." in a record's type
    endpoints: tuple[str, ...] = ()  # `Failure.operation`
    failures: Mapping[str, tuple[Retry, ...]] = field(default_factory=dict)  # code -> its classes
    gap_reasons: tuple[str, ...] = ()  # `Gap.reason`
    # Upstream's words for how a run stands, for the `runs...` metrics; the first is also that of a
    # run that was not read yet. A system that is counted by state alone (`feeds...`) leaves both
    # empty.
    statuses: tuple[str, ...] = ()
    ended_statuses: tuple[str, ...] = ()
    # Codes of follows that were given up and are tried again by themselves: when the account gets
    # another token, and when the program starts, for somebody may have mended the cause.
    mended_by_token: frozenset[str] = frozenset()
    mended_by_restart: frozenset[str] = frozenset()
    metrics: tuple[OwnMetric, ...] = ()
