"""What a source and the intake promise each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.core.errors import Failure
from bridge.core.event import Event, Feed
from bridge.core.state import FeedState
from bridge.core.status import State


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole that is known and could not be filled."""

    reason: str  # "window_exhausted", "window_jumped", ...: a closed set, it is a metric label
    after: str | None  # id of the last event before the hole, if known
    before: str | None  # id of the first event after it, if known
    missing: int | None  # how many, if known


@dataclass(frozen=True, slots=True)
class Batch:
    """What one reply taught about one feed. Written in this order: gap, events, status, end."""

    feed: Feed
    events: Sequence[Event] = ()
    gap: Gap | None = None
    status: str | None = None  # upstream's raw word; None leaves it as it was
    state: State | None = None  # what that word means; None leaves it as it was
    run: Mapping[str, Any] | None = None  # upstream's run object, for the status record
    ended: bool = False  # the run is over and complete: write `bridge.run.ended`
    failure: Failure | None = None  # the follow is given up: write `bridge.follow.failed`
    cursor: str | None = None  # the source's resume state; None leaves it as it was


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: it is durable when this exists."""

    state: FeedState
    fresh: Sequence[Event]  # the events that had not been seen before, in order


class Intake(Protocol):
    """The single writer, as a source sees it."""

    def is_known(self, feed: Feed, event_id: str) -> bool:
        """Whether an event of this feed was taken already, as far as memory reaches."""
        ...

    async def take(self, batch: Batch) -> Receipt:
        """Return when the batch is durable. Waiting here is the back-pressure: ask for no more
        of this feed before it returns.
        """
        ...


@dataclass(slots=True)
class Progress:
    """How a follow is going, for people; its source keeps it current, nobody decides by it."""

    followed_by: str | None = None  # "poll", "stream", None before the first reply
    failure: Failure | None = None  # of the latest request; None after a good one
    failures_in_row: int = 0
    read_at: float | None = None  # monotonic instant up to which everything visible is known
    retry_at: float | None = None  # monotonic instant before which nothing is asked


class Source(Protocol):
    """One account of one upstream system."""

    def feed(self, id_: str) -> Feed:
        """Name a feed of this account. Raises ValueError when upstream cannot know such an id."""
        ...

    def expect(self, states: Sequence[FeedState]) -> None:
        """These feeds are about to be followed, all at once: whom to hear first is decided among
        all of them.
        """
        ...

    def ask_again(self) -> None:
        """Somebody may have mended what was wrong with the token: find out now."""
        ...

    async def follow(self, state: FeedState, intake: Intake, progress: Progress) -> None:
        """Follow one feed from its stored state until it ended or was given up.

        S1 Returns after the batch with `ended` or `failure` is durable; never before.
        S2 Cancelling leaves nothing half done: what `take` returned for is kept, the rest is
           asked for again after a restart.
        S3 Every request passes the account's gate.
        """
        ...
