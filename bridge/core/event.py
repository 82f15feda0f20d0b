"""The nouns: feed, event, draft, record. Each has one maker; all are immutable.

bytes -> `Event` (sources) -> `Draft` (intake) -> `Record` (journal) -> bytes (outputs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

# Types of the records the bridge makes itself (interface.md section 2).
RUN_STATUS = "com.mogplex.run.status"
RUN_ENDED = "bridge.run.ended"
GAP = "bridge.gap"
FOLLOW_FAILED = "bridge.follow.failed"


@dataclass(frozen=True, slots=True)
class Feed:
    """One followable ordered thing of one account; on Mogplex a run."""

    account: str  # name of the [[accounts]] entry
    id: str  # upstream's id, opaque: the run id; `subject` of every record
    source: str  # CloudEvents source, "/mogplex/<account>/runs/<id>"; unique per feed


@dataclass(frozen=True, slots=True)
class Event:
    """One fact from upstream, normalised, not yet redacted."""

    id: str  # upstream's event id, opaque
    type: str  # CloudEvents type, "com.mogplex.run.event.<upstream type>"
    time: str | None  # RFC 3339 in UTC with `Z`; None when upstream gave none that parses
    created_at_s: float | None  # the same instant, seconds since the epoch
    data: Mapping[str, Any]  # upstream's object as it came


class Draft(NamedTuple):
    """A record before it has a sequence: redacted, stamped, encoded.

    The encoded record is `head + <20-digit sequence> + tail`. Only the journal knows the sequence,
    and encoding must happen once, so the bytes come in two halves.
    """

    feed: Feed
    id: str
    type: str
    head: bytes
    tail: bytes


class Record(NamedTuple):
    """What the journal keeps. `body` is one CloudEvents object in JSON, without a newline."""

    seq: int
    feed: Feed
    id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class FeedState:
    """What must survive a restart about one feed; committed with the records it follows from."""

    feed: Feed
    followed: bool = True  # False after DELETE /v1/runs/{id}
    status: str | None = None  # upstream's raw word, None before the first reply
    ended: bool = False  # `bridge.run.ended` is in the journal
    failed: str | None = None  # error code of the follow that was given up, else None
    events: int = 0  # upstream events in the journal
    gaps: int = 0  # `bridge.gap` records in the journal
    marks: int = 0  # records made by the bridge itself so far; numbers their ids
    added_at_s: float = 0.0  # wall clock, seconds since the epoch
    cursor: str = ""  # the source's own resume state; opaque to everybody else
