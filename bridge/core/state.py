"""A wish to follow a feed, and the state of the follow: two values with two writers.

Whoever receives a request writes the wish (a PUT at any replica, a list, discovery); the replica
that follows the feed writes the state. They are stored apart, so neither overwrites the other.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bridge.core.event import Feed
from bridge.core.status import State


class By(enum.StrEnum):
    """Who asked to follow the feed. Discovery does not restart what an operator stopped."""

    OPERATOR = "operator"  # PUT, DELETE, --run
    LISTED = "listed"  # the configuration, or a file of ids
    DISCOVERY = "discovery"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whether a feed is to be followed."""

    feed: Feed
    followed: bool = True  # False: stopped until somebody asks again
    by: By = By.OPERATOR  # who changed it last
    added_at_s: float = 0.0  # when it was first requested: wall clock, seconds since the epoch
    asked: int = 1  # grows with each request to follow; a failed follow is then tried again


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a feed; committed with the records that led to it."""

    feed: Feed
    status: str | None = None  # upstream's raw word, None before the first reply
    state: State = State.PENDING  # the same in the words of all systems
    ended: bool = False  # `bridge.<kind>.ended` is in the journal
    failed: str | None = None  # error code of a follow that failed for good, else None
    asked: int = 0  # the `Wish.asked` at that time; a failed follow waits for a higher one
    events: int = 0  # upstream events in the journal
    gaps: int = 0  # `bridge.gap` records in the journal
    marks: int = 0  # records made by the bridge itself so far; the next one's id contains it
    cursor: str = ""  # the source's own resume state; opaque to all other code
    last_event_at_s: float | None = None  # upstream's time of the newest event, since the epoch
    row: bytes = b""  # upstream's latest object about the feed: JSON, redacted; empty: none
    notes: bytes = b""  # what `Kind.note` keeps of the events: JSON, redacted; empty: none
