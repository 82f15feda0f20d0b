"""One feed as the bridge knows it: the owner of its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bridge.core.dedupe import SeenIds
from bridge.core.event import Feed
from bridge.core.kind import Kind
from bridge.core.state import FeedState, Wish
from bridge.intake.writing import notes_of, row_of
from bridge.redact import Memory
from bridge.sources.port import Batch, Receipt
from bridge.wire.cloudevents import Encoder


class Writer(Protocol):
    """The way of one feed into the journal: `Intake`."""

    async def seen_ids(self, feed: Feed) -> SeenIds:
        """The newest ids of a feed that the journal has."""
        ...

    async def write(self, feed: OpenFeed, batch: Batch) -> Receipt:
        """See `OpenFeed.take`."""
        ...

    async def store(self, wish: Wish, state: FeedState) -> None:
        """See `OpenFeed.want`."""
        ...


class OpenFeed:
    """Implements `sources.port.OpenFeed`. Made by `Intake.feed`, for good.

    Everybody who asks how a feed stands reads `state`; it changes here, after what it says is
    durable, and nowhere else. Between `open` and `close` batches may be handed in.
    """

    __slots__ = (
        *("_lock", "_on_change", "_row", "_seen", "_told", "_writer"),
        *("encoder", "feed", "kind", "memory", "state"),
    )

    def __init__(
        self,
        writer: Writer,
        state: FeedState,
        kind: Kind,
        on_change: Callable[[FeedState], None],
    ) -> None:
        self.feed: Feed = state.feed
        self.kind = kind
        self.state = state
        self.encoder = Encoder(
            source=self.feed.source, subject=self.feed.id, account=self.feed.account
        )
        # Of the redactor, as of the last durable event; kept over a close: a call may be open.
        self.memory = Memory()
        self._writer = writer
        self._on_change = on_change
        self._seen: SeenIds | None = None  # None: closed
        self._row: Mapping[str, Any] | None = None  # upstream's object as it came last
        self._told: tuple[bytes, bytes, Mapping[str, Any]] = b"", b"", {}
        self._lock = asyncio.Lock()  # several tasks of one follow may hand in batches

    async def open(self) -> None:
        """Get ready for batches: the ids of its events are read back from the journal."""
        if self._seen is None:
            self._seen = await self._writer.seen_ids(self.feed)

    def close(self) -> None:
        """Forget what only a follow needs; the journal keeps everything."""
        self._seen = self._row = None
        if self.state.ended:
            self.memory = Memory()

    def unknown(self, ids: Sequence[str]) -> set[str]:
        """Return the ids that are not of its events, as far as memory reaches.

        A batch may wait for the journal while the feed is closed: all its ids are unknown then, and
        the journal drops the events that it has (J6).
        """
        return set(ids) if self._seen is None else self._seen.unknown(ids)

    def remember(self, ids: Sequence[str]) -> None:
        """Only the intake calls this: the journal has these ids now."""
        if self._seen is not None:
            self._seen.add(*ids)

    def is_known(self, event_id: str) -> bool:
        """Whether an event of this id was stored. Only while the feed is open."""
        assert self._seen is not None, f"{self.feed.source} is closed"
        return event_id in self._seen

    @property
    def told(self) -> Mapping[str, Any]:
        """What is known of the feed, for people (`Kind.tell`); read once for each change."""
        row, notes = self.state.row, self.state.notes
        if self._told[0] is not row or self._told[1] is not notes:
            self._told = row, notes, self.kind.tell(row_of(self.state), notes_of(self.state))
        return self._told[2]

    async def take(self, batch: Batch) -> Receipt:
        """Make a batch durable (`sources.port.OpenFeed`).

        Raises:
            JournalCorruptError: The journal is damaged.
        """
        async with self._lock:
            return await self._writer.write(self, batch)

    async def want(self, wish: Wish, state: FeedState) -> None:
        """Store what is wanted of the feed, and what became of its state by that.

        Somebody waits for the answer: a full journal is raised, not waited for.

        Raises:
            JournalUnavailableError: Nothing was stored and nothing has changed.
        """
        async with self._lock:
            await self._writer.store(wish, state)
            self.became(state)

    def retry(self) -> None:
        """Try again what was given up; durable with the next batch."""
        self.became(replace(self.state, failed=None))

    def has_moved(self, row: Mapping[str, Any] | None) -> bool:
        """Whether a row differs from the one that was seen last."""
        return row is not None and row != self._row

    def became(self, state: FeedState, row: Mapping[str, Any] | None = None) -> None:
        """Only the intake calls this: `state` is durable now."""
        if row is not None:
            self._row = row
        if state != self.state:
            self.state = state
            self._on_change(state)
