"""What somebody wants of a feed, and what was seen of it: two things with two writers.

A wish is written by whoever is asked (a PUT at any replica, a list, discovery); a state by the one
that follows the feed. They are stored apart, so that neither can overwrite the other.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bridge.core.event import Feed
from bridge.core.status import State


class By(enum.StrEnum):
    """Who wants it. What an operator stopped, discovery does not take up again."""

    OPERATOR = "operator"  # PUT, DELETE, --run
    LISTED = "listed"  # the configuration, or a file of ids
    DISCOVERY = "discovery"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whether a feed is to be followed."""

    feed: Feed
    followed: bool = True  # False: stopped, and to stay so
    by: By = By.OPERATOR  # who said so last
    added_at_s: float = 0.0  # when it was first asked for: wall clock, seconds since the epoch
    asked: int = 1  # grows when a follow is asked for anew: what was given up is then tried again


@dataclass(frozen=True, slots=True)
class FeedState:
    """What was seen of a feed; committed with the records it follows from."""

    feed: Feed
    status: str | None = None  # upstream's raw word, None before the first reply
    state: State = State.PENDING  # the same in the words of all systems
    ended: bool = False  # `bridge.<kind>.ended` is in the journal
    failed: str | None = None  # error code of the follow that was given up, else None
    asked: int = 0  # the `Wish.asked` it answers: what was given up waits until that is more
    events: int = 0  # upstream events in the journal
    gaps: int = 0  # `bridge.gap` records in the journal
    marks: int = 0  # records made by the bridge itself so far; numbers their ids
    cursor: str = ""  # the source's own resume state; opaque to everybody else
    last_event_at_s: float | None = None  # upstream's time of the newest event, since the epoch
    row: bytes = b""  # upstream's object about the feed as seen last: JSON, redacted; empty: none
    notes: bytes = b""  # what its kind keeps of the events for people: JSON, redacted; empty: none
