"""A journal without a file, for `follow`: bounded, and lost with the process."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from bridge.clock import Clock
from bridge.core.errors import JournalError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.position import SEQUENCE_MAX
from bridge.core.state import FeedState, Wish
from bridge.journal.leases import LocalLease, LocalLeases
from bridge.journal.port import RECORD_BYTES_MAX, Fence, Page, RecordTooLargeError, Retained, Stats
from bridge.journal.recent import Recent
from bridge.journal.wake_ups import Growth

RECORDS_MAX = 20_000  # ten of the longest runs seen (2,000 events)
BYTES_MAX = 64 * 1024 * 1024
# Ids remembered per run that has not ended: upstream's windows hold 200, a run has 2,000 events.
IDS_PER_FEED_MAX = 20_000


class Pin:
    """A reader's position: the journal keeps what follows it. Release the pin when reading ends."""

    def __init__(self, after: int, moved: Callable[[], None]) -> None:
        self.after = after
        self.is_released = False
        self._moved = moved

    def move_to(self, after: int) -> None:
        """Release everything up to `after`."""
        self.after = max(self.after, after)
        self._moved()

    def release(self) -> None:
        """Give the position up, so that the journal may drop what the pin kept."""
        self.is_released = True
        self._moved()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class MemoryJournal:
    """`Journal` in memory.

    J1 does not hold: a stop of the process loses everything. J4 does not apply.
    At the limits the oldest records are dropped and `floor` moves, as with retention. Records that
    a `Pin` has not passed stay, and `append` waits instead: a slow pipe slows the sources, and
    nothing is lost. One append may exceed the limits.
    J6 holds while the record is kept, and for the newest 20,000 ids of each run that has not ended.
    """

    def __init__(
        self,
        *,
        records_max: int = RECORDS_MAX,
        bytes_max: int = BYTES_MAX,
        record_bytes_max: int = RECORD_BYTES_MAX,
        ids_per_feed_max: int = IDS_PER_FEED_MAX,
        sequences: Iterator[int] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Create an empty journal; `sequences` are given out instead of 1, 2, 3, and increase.

        `clock` measures the age of checkpoints.
        """
        self._clock = clock
        self._stored_s: dict[str, float] = {}  # by name of the checkpoint, monotonic
        self._epoch = secrets.token_hex(6)
        self._sequences = sequences
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._record_bytes_max = record_bytes_max
        self._ids_per_feed_max = ids_per_feed_max
        # this class applies the limits itself, because of the pins
        self._kept = Recent(1, bytes_max=2**63)
        self._growth = Growth(0)
        self._ids: dict[str, dict[str, int]] = {}  # source -> id -> sequence, oldest first
        self._states: dict[str, FeedState] = {}
        self._wishes: dict[str, Wish] = {}
        self._checkpoints: dict[str, bytes] = {}
        self._pins: list[Pin] = []
        self._turn = asyncio.Lock()  # appends that wait for room continue in their order
        self._moved = asyncio.Event()
        self._is_closed = False
        self._leases = LocalLeases()

    @property
    def epoch(self) -> str:
        """Drawn for each object, because nothing outlives it."""
        return self._epoch

    @property
    def head(self) -> int:
        """Newest sequence; 0 when empty."""
        return self._growth.head

    @property
    def floor(self) -> int:
        """See `Reader.floor`."""
        return self._kept.first

    def records_between(self, after: int, through: int) -> int | None:
        """See `Reader.records_between`."""
        return max(0, through - after) if self._sequences is None else None

    async def catch_up(self) -> None:
        """See `Reader.catch_up`: no other process writes."""

    def pin(self, after: int = 0) -> Pin:
        """Keep what follows `after` until the pin moves, for a reader that must miss nothing."""
        pin = Pin(after, self._moved.set)
        self._pins.append(pin)
        return pin

    async def append(
        self,
        drafts: Sequence[Draft],
        *,
        states: Sequence[FeedState] = (),
        wishes: Sequence[Wish] = (),
        checkpoints: Sequence[tuple[str, bytes]] = (),
        fence: Fence | None = None,
    ) -> Sequence[int | None]:
        """See `Journal.append`; waits while a pinned reader is a full journal behind."""
        for draft in drafts:
            size = len(draft.head) + 20 + len(draft.tail)
            if size > self._record_bytes_max:
                raise RecordTooLargeError(
                    f"a record of {draft.feed.source} has {size} bytes;"
                    f" the journal takes {self._record_bytes_max}"
                )
        async with self._turn:
            while drafts and not self._is_closed and not self._make_room():
                self._moved.clear()
                await self._moved.wait()
            if self._is_closed:
                raise JournalError("the journal in memory is closed")
            self._leases.check(fence)
            self._wishes.update((wish.feed.source, wish) for wish in wishes)
            return self._store(drafts, states, checkpoints)

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """See `Reader.read`."""
        page = self._kept.maybe_after(max(after, self.floor - 1), limit, only)
        assert page is not None, "nothing begins before the floor"
        return page

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """See `Reader.read_last`."""
        return self._kept.last(count, only)

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`.

        Raises:
            JournalError: The journal is closed.
        """
        await self._growth.wait_above(seq)

    def add_listener(self, on_growth: Callable[[int], None]) -> Callable[[], None]:
        """See `Journal.add_listener`."""
        return self._growth.add_listener(on_growth)

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`."""
        return list(self._states.values())

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        return list(self._wishes.values())

    def watch(self, on_wish: Callable[[Wish], None], on_state: Callable[[FeedState], None]) -> None:
        """See `Journal.watch`: no other process writes."""

    async def event_ids(self, feed: Feed, limit: int) -> Sequence[str]:
        """Return the newest `limit` remembered ids of one feed, oldest first."""
        return list(self._ids.get(feed.source, ()))[-limit:] if limit > 0 else []

    async def checkpoint(self, name: str) -> bytes | None:
        """Return a value stored by `append`, or None."""
        return self._checkpoints.get(name)

    def checkpoint_age_s(self, name: str) -> float | None:
        """See `Journal.checkpoint_age_s`."""
        if self._clock is None or name not in self._stored_s:
            return None
        return self._clock.monotonic() - self._stored_s[name]

    async def acquire(self, name: str) -> LocalLease | None:
        """See `Leases.acquire`."""
        return await self._leases.acquire(name)

    @property
    def record_bytes_max(self) -> int:
        """See `Journal.record_bytes_max`."""
        return self._record_bytes_max

    @property
    def is_serving(self) -> bool:
        """See `Upkeep.is_serving`."""
        return not self._is_closed

    @property
    def trouble(self) -> str | None:
        """Always None: at its limits the journal drops records."""
        return None

    def stats(self) -> Stats:
        """See `Upkeep.stats`."""
        kept = self._kept
        return Stats(len(kept), kept.bytes, 0, len(kept), kept.bytes)

    async def retain(
        self, *, older_than_s: float | None, bytes_max: int | None, now_s: float
    ) -> Retained:
        """Do nothing: every append applies the limits, and no age is known."""
        del older_than_s, bytes_max, now_s
        return Retained(0, self.floor, self._kept.bytes)

    async def close(self) -> None:
        """End waiting appends and readers with JournalError. Idempotent."""
        self._is_closed = True
        self._moved.set()
        self._growth.close(JournalError("the journal in memory is closed"))

    def _store(
        self,
        drafts: Sequence[Draft],
        states: Sequence[FeedState],
        checkpoints: Sequence[tuple[str, bytes]],
    ) -> Sequence[int | None]:
        records: list[Record] = []
        result: list[int | None] = []
        seq = self.head
        for feed, id_, type_, head, tail in drafts:
            ids = self._ids.setdefault(feed.source, {})
            if id_ in ids:
                result.append(None)
                continue
            seq = seq + 1 if self._sequences is None else next(self._sequences)
            ids[id_] = seq
            records.append(Record(seq, feed, id_, type_, b"%b%020d%b" % (head, seq, tail)))
            result.append(seq)
        self._checkpoints.update(checkpoints)
        if self._clock is not None:
            now = self._clock.monotonic()
            self._stored_s.update((name, now) for name, _ in checkpoints)
        for state in states:
            self._states[state.feed.source] = state
            if state.ended:
                self._forget_ids(state.feed.source, self.floor)
        if records:
            self._kept.extend(records)
            self._make_room()
            self._growth.announce(seq)
        return result

    def _make_room(self) -> bool:
        """Drop the oldest records while over the limits; False if a pin forbids it."""
        self._pins = [pin for pin in self._pins if not pin.is_released]
        lowest = min((pin.after for pin in self._pins), default=SEQUENCE_MAX)
        while self._is_over() and self._kept.oldest <= lowest:
            self._record_gone(self._kept.drop_oldest())
        return not self._is_over()

    def _is_over(self) -> bool:
        # The newest record stays, whatever its size: all readers are about to read it.
        return len(self._kept) > 1 and (
            len(self._kept) > self._records_max or self._kept.bytes > self._bytes_max
        )

    def _record_gone(self, record: Record) -> None:
        source = record.feed.source
        ids = self._ids[source]
        state = self._states.get(source)
        if state is not None and state.ended:
            self._forget_ids(source, record.seq + 1)
        elif len(ids) > self._ids_per_feed_max:
            del ids[next(iter(ids))]

    def _forget_ids(self, source: str, below: int) -> None:
        """Forget the ids of dropped records."""
        ids = self._ids.get(source, {})
        while ids and ids[oldest := next(iter(ids))] < below:
            del ids[oldest]
        if not ids:
            self._ids.pop(source, None)
