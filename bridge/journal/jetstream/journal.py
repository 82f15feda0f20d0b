"""A journal in a JetStream stream, for several replicas that follow, serve and write together."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self

from bridge.clock import Clock, SystemClock
from bridge.core.errors import JournalError, JournalUnavailableError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream import retention, stream
from bridge.journal.jetstream.address import Address
from bridge.journal.jetstream.ages import Ages
from bridge.journal.jetstream.engine import Engine, Stored
from bridge.journal.jetstream.identity import Identity
from bridge.journal.jetstream.ids import Ids
from bridge.journal.jetstream.lease import Contender, StreamLease
from bridge.journal.jetstream.messages import ROLLUP, Outgoing, Subjects, name_token
from bridge.journal.jetstream.older import Older
from bridge.journal.jetstream.tables import Tables
from bridge.journal.jetstream.tail import Tail, load
from bridge.journal.jetstream.tasks import Tasks
from bridge.journal.jetstream.writer import Append, Lane
from bridge.journal.port import (
    RECORD_BYTES_MAX,
    Fence,
    FencedError,
    Page,
    RecordTooLargeError,
    Retained,
    Stats,
)
from bridge.journal.recent import BYTES_MAX, Recent
from bridge.journal.wake_ups import Growth

CONNECT_S = 10.0  # at the start: longer than the election of a leader
_LOOK_S = 10.0  # between two reads of the stream's size


class StreamJournal:
    """`Journal`, `Upkeep` and `Leases` on one stream. Belongs to the event loop that opened it.

    J1 holds as far as the engine syncs: with `sync_interval: always`, or three copies.
    J2 Sequences are the stream's; they increase, with holes.
    J6 holds for the newest 20,000 ids of each feed, for who holds the fence of its account.
    """

    def __init__(
        self,
        engine: Engine,
        tables: Tables,
        identity: Identity,
        *,
        head: int,
        after: int,
        recent_bytes_max: int,
        record_bytes_max: int | None,
        clock: Clock,
    ) -> None:
        """Use `open`. `after`: where the tail continues."""
        self._engine = engine
        self._subjects = subjects = tables.subjects
        self._tables = tables
        self._clock = clock
        self._epoch = tables.meta.epoch
        wanted = record_bytes_max or RECORD_BYTES_MAX
        self._record_bytes_max = min(wanted, engine.message_bytes_max)
        # Without any record yet, memory holds all records from the first one on.
        self._recent = Recent(after + 1 if head else tables.meta.floor, recent_bytes_max)
        self._growth = Growth(min(head, after))
        self._applied = Growth(after)
        self._arrived: list[Record] = []
        self._is_flushing = False
        self._ids = Ids(engine, subjects)
        self._older = Older(engine, subjects, tables)
        self._lanes: dict[Fence | None, Lane] = {}
        self._contender = Contender(engine, clock)
        self._cursor = subjects.of("cur", f"p{secrets.token_hex(8)}")
        self._lanes[None] = self._lane(self._cursor, 0)
        self._bytes, self._bytes_seen_s = 0, 0.0
        self._is_closed = False
        self._gone: JournalError | None = None  # why this journal ended for good
        self._tail = Tail(engine, clock, identity, after, self._take)
        self._tasks, self._appending = Tasks(), Tasks()
        self._tasks.start(self._run_tail(), "journal tail")
        self._tasks.start(self._look_at_size(), "journal size")

    @classmethod
    async def open(
        cls,
        address: Address,
        *,
        recent_bytes_max: int = BYTES_MAX,
        record_bytes_max: int | None = None,
        clock: Clock | None = None,
        may_create: bool = True,
        patience_s: float | None = None,
    ) -> Self:
        """Connect, check or create the stream, and read its small values.

        Raises:
            ConfigError: The stream does not fit, or the server refused the credentials.
            JournalUnavailableError: The engine does not answer.
        """
        engine, clock = Engine(address), clock or SystemClock()
        await engine.connect(CONNECT_S if patience_s is None else patience_s)
        try:
            subjects = Subjects(address.stream)
            found = await stream.ensure(engine, subjects, may_create=may_create)
            ages = Ages(clock, (await retention.size(engine)).now)
            tables = Tables(subjects, found.meta, ages)
            after = await load(engine, subjects.tables, tables.take)
            newest = await engine.last_of(subjects.records)
        except BaseException:
            await engine.close()
            raise
        journal = cls(
            engine,
            tables,
            Identity(engine, subjects, clock, found),
            head=0 if newest is None else newest.seq,
            after=after,
            recent_bytes_max=recent_bytes_max,
            record_bytes_max=record_bytes_max,
            clock=clock,
        )
        if newest is not None:
            await journal._applied.wait_above(newest.seq - 1)
        return journal

    # Reading

    @property
    def epoch(self) -> str:
        """Drawn when the stream was made (J5)."""
        return self._epoch

    @property
    def head(self) -> int:
        """The newest record that this process has seen."""
        return max(self._growth.head, self.floor - 1)

    @property
    def floor(self) -> int:
        """See `Reader.floor`."""
        return self._tables.meta.floor

    def records_between(self, after: int, through: int) -> int | None:
        """Return None: sequences count other messages too."""
        return 0 if through <= after else None

    async def catch_up(self) -> None:
        """See `Reader.catch_up`."""
        newest = await self._engine.last_of(self._subjects.records)
        if newest is not None:
            await self._applied.wait_above(newest.seq - 1)

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """See `Reader.read`; what is not in memory comes from the stream, up to 4 MiB."""
        self._require_open()
        after = max(after, self.floor - 1)
        page = self._recent.maybe_after(after, limit, only)
        if page is not None:
            return page
        return await self._older.page(after, limit, only, self._growth.head)

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """See `Reader.read_last`."""
        self._require_open()
        found = self._recent.last(count, only)
        if len(found) < count:
            missing = count - len(found)
            head = self._growth.head
            found = await self._older.last(missing, only, self._recent.first, head) + found
        return found

    async def wait_above(self, seq: int) -> None:
        """See `Journal.wait_above`."""
        await self._growth.wait_above(seq)

    def add_listener(self, on_growth: Callable[[int], None]) -> Callable[[], None]:
        """See `Journal.add_listener`."""
        return self._growth.add_listener(on_growth)

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`; states of other replicas are as new as the tail."""
        return self._tables.states()

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        return self._tables.wishes()

    async def event_ids(self, feed: Feed, limit: int) -> Sequence[str]:
        """The newest `limit` record ids of one feed, oldest first."""
        await self._ids.load({feed.source: feed})
        return self._ids.newest(feed, limit)

    async def checkpoint(self, name: str) -> bytes | None:
        """A value stored by `append`, or None."""
        return self._tables.checkpoint(name)

    def checkpoint_age_s(self, name: str) -> float | None:
        """See `Journal.checkpoint_age_s`."""
        return self._tables.ages.age_s(name)

    def watch(self, on_wish: Callable[[Wish], None], on_state: Callable[[FeedState], None]) -> None:
        """See `Journal.watch`; also reports what this process stored."""
        self._tables.on_wish, self._tables.on_state = on_wish, on_state

    async def _run_tail(self) -> None:
        try:
            await self._tail.run()
        except JournalError as error:
            self._give_up(error)

    def _give_up(self, why: JournalError) -> None:
        """End all waiting and later calls with an error; the process then ends."""
        self._gone = self._gone or why
        self._growth.close(self._gone)
        self._applied.close(self._gone)

    def _take(self, message: Stored) -> None:
        """Take a message from the tail, in order."""
        kind, token = self._subjects.split(message.subject)
        if kind == "ev":
            if (record := self._older.maybe_record(message, token)) is not None:
                self._ids.note(token, record.id)
                self._arrived.append(record)
        elif kind == "lease":
            self._contender.note(message)
        else:
            self._tables.take(message)
            if self._tables.meta.epoch != self._epoch:
                self._give_up(stream.changed(self._engine))
        if not self._is_flushing:  # messages that arrive together are announced once
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._recent.extend(arrived)
            self._recent.drop_below(self.floor)
            self._growth.announce(arrived[-1].seq)
        self._applied.announce(self._tail.last)

    # Writing

    async def append(
        self,
        drafts: Sequence[Draft],
        *,
        states: Sequence[FeedState] = (),
        wishes: Sequence[Wish] = (),
        checkpoints: Sequence[tuple[str, bytes]] = (),
        fence: Fence | None = None,
    ) -> Sequence[int | None]:
        """See `Journal.append`; over 400 drafts go in several batches, states with the last."""
        self._require_open()
        for draft in drafts:
            size = len(draft.head) + 20 + len(draft.tail)
            if size > self._record_bytes_max:
                raise RecordTooLargeError(
                    f"a record of {draft.feed.source} has {size} bytes; NATS accepts"
                    f" {self._record_bytes_max}"
                )
        lane = self._lanes.get(fence)
        if lane is None:
            assert fence is not None
            raise FencedError(f'lease "{fence.name}": is not held here; nothing was stored')
        append = Append(drafts, states, wishes, checkpoints)
        # A separate task: cancelling the caller does not leave half a batch unsent.
        return await asyncio.shield(self._appending.start(self._append(lane, append), "append"))

    async def _append(self, lane: Lane, append: Append) -> Sequence[int | None]:
        result, last = await lane.append(append)
        await self._applied.wait_above(last - 1)  # `read` shows the records when `append` returns
        return result

    def _lane(self, cursor: str, fence_seq: int, lost: Callable[[], None] | None = None) -> Lane:
        return Lane(
            self._engine, self._subjects, self._tables, self._ids,
            cursor=cursor, fence_seq=fence_seq, lost=lost,
        )  # fmt: skip

    # Leases

    async def acquire(self, name: str) -> StreamLease | None:
        """See `Leases.acquire`."""
        self._require_open()
        token = name_token(name)
        cursor = self._subjects.of("cur", token)

        async def fenced() -> int:
            found = await self._engine.last_of(cursor)
            expected = 0 if found is None else found.seq
            return await self._engine.store(
                Outgoing(cursor, secrets.token_hex(12).encode(), ROLLUP), expected=expected
            )

        def given_up(lease: StreamLease) -> None:
            self._lanes.pop(lease.fence, None)

        lease = await self._contender.take(
            name, self._subjects.of("lease", token), fenced, given_up, self._tasks
        )
        if lease is None:
            return None
        try:
            # The replica must know what the previous holder stored last before it stores more.
            if not await lease.outlasts(self._applied.wait_above(lease.fence.number - 1)):
                return None
        except BaseException:
            await lease.release()
            raise
        self._lanes[lease.fence] = self._lane(cursor, lease.fence.number, lease.lose)
        return lease

    # Upkeep

    @property
    def record_bytes_max(self) -> int:
        """The engine's limit of a message, less what its headers take."""
        return self._record_bytes_max

    @property
    def trouble(self) -> str | None:
        """Why the journal can store nothing at present."""
        if self._engine.is_connected or self._is_closed:
            return None
        return f"NATS is unreachable: {self._engine.last_error}"

    @property
    def is_serving(self) -> bool:
        """Always serving: memory serves readers while the engine is away."""
        return not self._is_closed

    def stats(self) -> Stats:
        """Sizes of some seconds ago."""
        return Stats(None, self._bytes, 0, len(self._recent), self._recent.bytes)

    async def _look_at_size(self) -> None:
        while True:
            with suppress(JournalUnavailableError):
                self._bytes = (await retention.size(self._engine)).bytes
            await asyncio.sleep(_LOOK_S)

    async def retain(
        self, *, older_than_s: float | None, bytes_max: int | None, now_s: float
    ) -> Retained:
        """See `Upkeep.retain`. Ages are by the engine's clock alone; any replica may do it."""
        del now_s
        before = self.floor
        size = await retention.size(self._engine)
        cut = before
        if older_than_s is not None:
            oldest = datetime.fromisoformat(size.now).timestamp() - older_than_s
            cut = await retention.cut_by_age(
                self._engine, self._subjects, before, size.last, oldest
            )
        if bytes_max is not None and size.bytes > bytes_max:
            cut = max(cut, retention.cut_by_bytes(before, size, bytes_max))
        if cut > before:
            meta = self._tables.meta._replace(floor=cut)
            # The floor moves before records are dropped, so a reader beside it sees that they were.
            await self._engine.store(Outgoing(self._subjects.meta, meta.payload(), ROLLUP))
            await retention.purge(self._engine, self._subjects.records, cut)
            await self._older.see_floor()
            self._recent.drop_below(self.floor)
        return Retained(0, self.floor, size.bytes)

    async def close(self) -> None:
        """Finish running work, release leases, disconnect. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._appending.settle(CONNECT_S)
        await self._appending.close()
        await self._tasks.close()
        with suppress(JournalError):
            await retention.purge(self._engine, self._cursor, None)
        await self._engine.close()
        closed = JournalError(f"journal {self._engine.address}: is closed")
        self._growth.close(closed)
        self._applied.close(closed)

    def _require_open(self) -> None:
        if self._gone is not None:
            raise self._gone
        if self._is_closed:
            raise JournalError(f"journal {self._engine.address}: is closed")
