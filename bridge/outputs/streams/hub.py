"""The one loop over all streams (0017-fan-out.md, 0016-design.md D5).

Each tick reads the new records once, encodes them once per distinct filter and format, and writes
them to each subscriber at the head with one call. A subscriber that reads too slowly leaves the
head and becomes a cursor, which the hub serves from the journal in slices between ticks.

H1 A subscriber gets every record that passes its filter, after its start, in order, once; or a
   `bridge.reset` that says where it continues.
H2 The buffer of one subscriber is limited to BUFFER_HIGH_BYTES plus one batch, and all buffers
   together to `buffered_bytes_max`.
H3 A slow subscriber delays the others only by its slices, and those wait for the ticks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol

from bridge.clock import Clock
from bridge.core.errors import JournalError
from bridge.core.event import Record
from bridge.core.position import Position
from bridge.journal.port import Reader
from bridge.metrics import Metrics
from bridge.outputs.streams.at_head import AtHead
from bridge.outputs.streams.formats import RETRY_MS, TRANSPORTS, Format, reset_facts
from bridge.outputs.streams.slices import BATCH_BYTES, Slices, batches
from bridge.outputs.streams.subscriber import State, Subscriber
from bridge.tasks import TaskGroup

WRITES_PER_TURN = 1000  # then other tasks get the loop: about 5 ms
TICK_S_MIN, TICK_S_MAX = 0.002, 0.010  # pause after a busy tick, so that records gather
HEARTBEAT_S = 12  # whole seconds; the promise is 15, and the loop may be busy
CURSOR_TURN_S = 0.002  # then ticks and clients get the loop
BUFFERED_BYTES_MAX = 256 * 1024 * 1024
RETRY_SPREAD_MS = 4000  # at shutdown clients reconnect spread over this time


class Tail(Reader, Protocol):
    """A journal that can wait for its own growth."""

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`."""
        ...


class Hub:
    """Run `run` in a task group; `attach` adds a subscriber whose response head is sent."""

    def __init__(
        self,
        journal: Tail,
        metrics: Metrics,
        clock: Clock,
        *,
        buffered_bytes_max: int = BUFFERED_BYTES_MAX,
        heartbeat_s: int = HEARTBEAT_S,
        on_lost: Callable[[Subscriber], None] = lambda _: None,
    ) -> None:
        """`on_lost` is called once for every subscriber that has gone."""
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._buffered_bytes_max = buffered_bytes_max
        self._position = journal.head  # everything up to here was delivered
        self._live = AtHead()
        self._queued: deque[Subscriber] = deque()
        self._has_queued = asyncio.Event()
        self._ahead: list[Subscriber] = []
        self._waiting: set[Subscriber] = set()
        self._is_delivering = False
        self._slow_meanwhile: list[Subscriber] = []
        self._wheel: list[set[Subscriber]] = [set() for _ in range(heartbeat_s)]
        self._beat = 0
        self._count = 0
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._slices = Slices(journal)
        self._delivered = {
            name: metrics.deliveries_total.labels(transport=name) for name in TRANSPORTS
        }
        self._on_lost = on_lost

    @property
    def count(self) -> int:
        """Open streams."""
        return self._count

    @property
    def position(self) -> int:
        """The sequence up to which subscribers at the head have everything."""
        return self._position

    async def run(self) -> None:
        """Serve until cancelled."""
        async with TaskGroup() as tasks:
            tasks.create_task(self._follow_head(), name="hub.head")
            tasks.create_task(self._serve_cursors(), name="hub.cursors")
            tasks.create_task(self._beat_hearts(), name="hub.heartbeats")

    # Joining and leaving

    def attach(self, subscriber: Subscriber) -> None:
        """Serve a subscriber from its position. Its transport must be set."""
        self._count += 1
        self._all_gone.clear()
        subscriber.beat = self._beat
        self._wheel[self._beat].add(subscriber)
        self._metrics.subscribers.labels(transport=subscriber.format.transport).inc()
        if subscriber.position == self._position and not self._is_delivering:
            self._live.join(subscriber)
        else:
            self._enqueue(subscriber)

    def note_lost(self, subscriber: Subscriber) -> None:
        """See `Owner.note_lost`; may be called again."""
        if subscriber.state is State.CLOSED:
            return
        if subscriber.state is State.LIVE:
            self._live.leave(subscriber, self._position)
        subscriber.state = State.CLOSED
        subscriber.rest = None
        self._waiting.discard(subscriber)
        self._wheel[subscriber.beat].discard(subscriber)
        self._count -= 1
        if not self._count:
            self._all_gone.set()
        transport = subscriber.format.transport
        self._metrics.subscribers.labels(transport=transport).dec()
        self._metrics.subscriber_disconnects_total.labels(
            transport=transport, reason=subscriber.reason
        ).inc()
        self._on_lost(subscriber)

    def note_slow(self, subscriber: Subscriber) -> None:
        """See `Owner.note_slow`."""
        if self._is_delivering:
            self._slow_meanwhile.append(subscriber)  # it gets the whole batch first
        else:
            self._set_aside(subscriber)

    def note_drained(self, subscriber: Subscriber) -> None:
        """See `Owner.note_drained`."""
        if subscriber.state is State.WAITING:
            self._waiting.discard(subscriber)
            self._enqueue(subscriber)

    def note_ending(self, subscriber: Subscriber) -> None:
        """See `Owner.note_ending`."""
        if subscriber.state is State.LIVE:
            self._live.leave(subscriber, self._position)
        self._waiting.discard(subscriber)
        subscriber.state = State.ENDING

    def _set_aside(self, subscriber: Subscriber) -> None:
        if subscriber.state is not State.LIVE or not subscriber.is_slow:
            return  # a cursor: its next turn notices
        self._live.leave(subscriber, self._position)
        self._wait_for_drain(subscriber)

    def _wait_for_drain(self, subscriber: Subscriber) -> None:
        subscriber.state = State.WAITING
        self._waiting.add(subscriber)

    def _enqueue(self, subscriber: Subscriber) -> None:
        subscriber.state = State.QUEUED
        self._queued.append(subscriber)
        self._has_queued.set()

    # The head

    async def _follow_head(self) -> None:
        while True:
            await self._journal.wait_above(self._position)
            started_s = self._clock.monotonic()
            await self._tick()
            busy_s = self._clock.monotonic() - started_s
            await asyncio.sleep(min(max(busy_s, TICK_S_MIN), TICK_S_MAX))

    async def _tick(self) -> None:
        """Deliver new records, up to one read."""
        if not self._live:
            self._advance(self._journal.head)
            return
        wished = self._slices.records_for(4 * BATCH_BYTES)
        try:
            page = await self._journal.read(self._position, wished)
        except JournalError:
            self._disperse(self._journal.head)  # each cursor reads, or rejoins, by itself
            return
        if self._journal.floor > self._position + 1:
            self._disperse(self._journal.floor - 1)  # retention was faster: resets follow
            return
        for batch, upto in batches(page):
            await self._deliver(batch, upto)

    def _disperse(self, position: int) -> None:
        """Turn all subscribers at the head into cursors, and move the head on."""
        for subscriber in self._live:
            self._live.leave(subscriber, self._position)
            self._enqueue(subscriber)
        self._advance(position)

    def _advance(self, position: int) -> None:
        self._position = position
        if self._ahead:
            ahead, self._ahead = self._ahead, []
            for subscriber in ahead:
                if subscriber.state is State.AHEAD:
                    self._enqueue(subscriber)

    async def _deliver(self, records: Sequence[Record], upto: int) -> None:
        """Write one batch to every subscriber at the head that wants part of it."""
        self._is_delivering = True  # no subscriber may join the head now
        too_long: list[Subscriber] = []
        epoch = self._journal.epoch.encode()
        frames: dict[tuple[Format, int], bytes] = {}
        for format_, members, wanted in self._live.wanting(records):
            for record in wanted:
                if (key := (format_, record.seq)) not in frames:
                    frames[key] = format_.frame(record, epoch)
            payload = format_.join([frames[format_, record.seq] for record in wanted])
            if len(payload) > 2 * BATCH_BYTES:
                too_long.extend(members)  # one huge record: in pieces, as a cursor
                continue
            await self._write_all(members, payload)
            self._delivered[format_.transport].inc(len(wanted) * len(members))
            if format_.is_last(wanted[-1]):
                self._finish(members)
        for subscriber in too_long:
            if subscriber.state is State.LIVE:
                self._live.leave(subscriber, self._position)  # at the position before this batch
                self._enqueue(subscriber)
        self._advance(upto)
        self._is_delivering = False
        slow, self._slow_meanwhile = self._slow_meanwhile, []
        for subscriber in slow:
            self._set_aside(subscriber)

    @staticmethod
    def _finish(some: Iterable[Subscriber]) -> None:
        for subscriber in list(some):
            subscriber.end("ended", subscriber.format.farewell(RETRY_MS, "ended"))

    async def _write_all(self, members: set[Subscriber], payload: bytes) -> None:
        if len(members) <= WRITES_PER_TURN:
            for subscriber in members:
                subscriber.transport.write(payload)
            return
        everybody = iter(list(members))
        while turn := list(islice(everybody, WRITES_PER_TURN)):
            for subscriber in turn:
                if subscriber.state is State.LIVE:
                    subscriber.transport.write(payload)
            await asyncio.sleep(0)

    # Cursors

    async def _serve_cursors(self) -> None:
        while True:
            await self._has_queued.wait()
            turn_ends_s = self._clock.monotonic() + CURSOR_TURN_S
            while self._queued:
                subscriber = self._queued.popleft()
                if subscriber.state is State.QUEUED:
                    await self._serve_one(subscriber)
                if self._clock.monotonic() >= turn_ends_s:
                    await asyncio.sleep(0)
                    turn_ends_s = self._clock.monotonic() + CURSOR_TURN_S
            self._has_queued.clear()

    async def _serve_one(self, subscriber: Subscriber) -> None:
        """Write one slice, or let the subscriber join the head."""
        while self._is_delivering:  # noqa: ASYNC110 - a delivery yields but never waits
            await asyncio.sleep(0)
        if subscriber.state is not State.QUEUED:
            return
        if subscriber.rest is None and not subscriber.is_slow:
            if subscriber.position == self._position:
                self._live.join(subscriber)
                return
            if subscriber.position > self._position:
                subscriber.state = State.AHEAD
                self._ahead.append(subscriber)
                return
            if not await self._next_slice(subscriber):
                return
        if subscriber.rest is not None and not subscriber.is_slow:
            self._write_rest(subscriber)
        if subscriber.is_over and subscriber.rest is None:
            self._finish((subscriber,))
        elif subscriber.is_slow:
            self._wait_for_drain(subscriber)
        else:
            self._enqueue(subscriber)

    async def _next_slice(self, subscriber: Subscriber) -> bool:
        """Put the next slice into `rest` and advance the position; False if the subscriber left."""
        only, format_, after = subscriber.only, subscriber.format, subscriber.position
        try:
            piece = await self._slices.get(only, format_, after)
        except JournalError:
            subscriber.cut("error")  # it reconnects and resumes; the others continue
            return False
        if subscriber.state is not State.QUEUED:
            return False
        if self._journal.floor > after + 1:
            self._reset(subscriber)
            return True
        subscriber.position = piece.next_after
        subscriber.is_over = piece.is_last
        if piece.payload:
            subscriber.rest = memoryview(piece.payload)
            self._delivered[format_.transport].inc(piece.records)
        return True

    def _write_rest(self, subscriber: Subscriber) -> None:
        assert subscriber.rest is not None
        piece, rest = subscriber.rest[:BATCH_BYTES], subscriber.rest[BATCH_BYTES:]
        subscriber.rest = rest if len(rest) else None
        subscriber.transport.write(piece)

    def _reset(self, subscriber: Subscriber) -> None:
        floor = self._journal.floor
        facts = reset_facts(
            self._journal, str(Position(self._journal.epoch, subscriber.position)), "dropped"
        )
        subscriber.position = floor - 1
        subscriber.transport.write(
            subscriber.format.reset(facts, str(Position(self._journal.epoch, floor - 1)))
        )

    # Once a second

    async def _beat_hearts(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._beat = (self._beat + 1) % len(self._wheel)
            for subscriber in self._wheel[self._beat].copy():
                subscriber.note_beat()
                if subscriber.state is State.ENDING:
                    subscriber.cut(subscriber.reason)  # a whole round without reading its farewell
                elif not subscriber.is_slow and subscriber.rest is None:
                    subscriber.transport.write(subscriber.format.heartbeat)
            self._look_at_lag(self._wheel[self._beat])
            self._shed()

    def _look_at_lag(self, some: Iterable[Subscriber]) -> None:
        head = self._journal.head
        for subscriber in some:
            at = self._position if subscriber.state is State.LIVE else subscriber.position
            self._metrics.subscriber_lag_records.observe(max(head - at, 0))

    def _shed(self) -> None:
        """Keep H2: cut the largest buffers when all slow subscribers hold too much."""
        held = {
            s: s.transport.get_write_buffer_size() + (len(s.rest) if s.rest is not None else 0)
            for s in self._waiting
        }
        excess = sum(held.values()) - self._buffered_bytes_max
        for subscriber in sorted(held, key=held.__getitem__, reverse=True):
            if excess <= 0:
                return
            excess -= held[subscriber]
            subscriber.cut("slow")

    # The end

    async def drain(self, deadline_s: float) -> None:
        """Deliver committed records, say goodbye to all, cut the rest at the deadline."""
        try:
            async with asyncio.timeout(deadline_s):
                head = self._journal.head
                while self._live and self._position < head:  # noqa: ASYNC110 - a few ms
                    await asyncio.sleep(TICK_S_MIN)
                everybody = [s for bucket in self._wheel for s in bucket]
                for n, subscriber in enumerate(everybody):
                    retry_ms = RETRY_MS // 2 + RETRY_SPREAD_MS * n // len(everybody)
                    subscriber.end("shutdown", subscriber.format.farewell(retry_ms))
                await self._all_gone.wait()
        except TimeoutError:
            self.cut_all()

    def end_those(self, is_over: Callable[[Subscriber], bool], reason: str) -> None:
        """End the streams for which `is_over` is true."""
        for subscriber in [s for bucket in self._wheel for s in bucket if is_over(s)]:
            subscriber.end(reason, subscriber.format.farewell(RETRY_MS, reason))

    def cut_all(self) -> None:
        """Drop every connection now."""
        for subscriber in [s for bucket in self._wheel for s in bucket]:
            subscriber.cut("shutdown")
