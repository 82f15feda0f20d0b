"""The loop over the subscribers, on virtual time, with transports that a test fills and drains."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from bridge.core.errors import JournalError
from bridge.core.filter import Filter
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.streams.formats import (
    NDJSON_RAW,
    RESET_TYPE,
    SSE_CHUNKED,
    SSE_RAW,
    WEBSOCKET,
    Format,
)
from bridge.outputs.streams.hub import HEARTBEAT_S, Hub
from bridge.outputs.streams.subscriber import (
    BUFFER_HIGH_BYTES,
    State,
    Subscriber,
    WebSocketSubscriber,
)
from tests.journal_records import draft, drafts
from tests.virtual_clock import VirtualClock

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]


class Pipe(asyncio.Transport):
    """A transport whose client reads what it is told to, and everything at first."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.read = bytearray()
        self.writes = 0
        self.at_s: list[float] = []
        self._held = bytearray()
        self._window = 2**62
        self._high = self._low = 0
        self._is_paused = self._is_closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high, self._low = high or 0, low or 0

    def get_write_buffer_size(self) -> int:
        return len(self._held)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._is_closing, "written after the end"
        self.writes += 1
        self.at_s.append(asyncio.get_running_loop().time())
        self._held += data
        self._move()
        if len(self._held) > self._high and not self._is_paused:
            self._is_paused = True
            self.protocol.pause_writing()

    def reads(self, more_bytes: int) -> None:
        """The client takes so many bytes more, now or when they come; 0 stops it."""
        self._window = more_bytes
        self._move()
        if self._is_paused and len(self._held) <= self._low:
            self._is_paused = False
            self.protocol.resume_writing()

    def _move(self) -> None:
        taken = min(self._window, len(self._held))
        self._window -= taken
        self.read += self._held[:taken]
        del self._held[:taken]
        if self._is_closing and not self._held:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._move()

    def abort(self) -> None:
        self._is_closing = True
        self._held.clear()
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Bench:
    def __init__(self, journal: MemoryJournal, hub: Hub, metrics: Metrics) -> None:
        self.journal, self.hub, self.metrics = journal, hub, metrics

    def join(
        self, after: int | None = None, format_: Format = NDJSON_RAW, only: Filter | None = None
    ) -> tuple[Subscriber, Pipe]:
        start = self.journal.head if after is None else after
        subscriber = Subscriber(self.hub, only or Filter(), format_, start, "")
        pipe = Pipe(subscriber)
        subscriber.connection_made(pipe)
        return subscriber, pipe


@asynccontextmanager
async def bench(
    *, records_max: int = 100_000, buffered_bytes_max: int = 2**28
) -> AsyncIterator[Bench]:
    journal = MemoryJournal(records_max=records_max)
    metrics = Metrics()
    clock = VirtualClock(asyncio.get_running_loop())
    hub = Hub(journal, metrics, clock, buffered_bytes_max=buffered_bytes_max)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(hub.run())
        try:
            yield Bench(journal, hub, metrics)
        finally:
            running.cancel()


def sequences(pipe: Pipe) -> list[int]:
    return [
        int(value["sequence"])
        for line in bytes(pipe.read).splitlines()
        if (value := json.loads(line))["type"] != RESET_TYPE
    ]


async def settle() -> None:
    """Long against every tick, short against a heartbeat."""
    await asyncio.sleep(0.5)


def test_everything_new_is_one_write_of_the_same_bytes(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            pipes = [b.join()[1] for _ in range(50)]
            await b.journal.append(drafts("r", 0, 20))
            await settle()
            assert {pipe.writes for pipe in pipes} == {1}
            assert sequences(pipes[0]) == list(range(1, 21))
            assert all(pipe.read == pipes[0].read for pipe in pipes)

    virtually(main())


@pytest.mark.parametrize("format_", [SSE_CHUNKED, SSE_RAW, NDJSON_RAW, WEBSOCKET])
def test_an_idle_stream_shows_life_at_least_every_15_s(
    virtually: Virtually, format_: Format
) -> None:
    async def main() -> None:
        async with bench() as b:
            await asyncio.sleep(0.7)
            _, pipe = b.join(format_=format_)
            start_s = asyncio.get_running_loop().time()
            await asyncio.sleep(100)
            times = [start_s, *pipe.at_s]
            assert all(later - earlier < 15 for earlier, later in pairwise(times))
            assert pipe.writes >= 6
            beat = {
                SSE_CHUNKED: b"2\r\n:\n\r\n",
                SSE_RAW: b":\n",
                NDJSON_RAW: b" ",
                WEBSOCKET: b"\x89\0",
            }
            assert bytes(pipe.read) == beat[format_] * pipe.writes

    virtually(main())


def test_heartbeats_of_ndjson_leave_every_line_a_record(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            _, pipe = b.join()
            for n in range(3):
                await asyncio.sleep(2.5 * HEARTBEAT_S)
                await b.journal.append([draft("r", f"e{n}")])
            await settle()
            lines = bytes(pipe.read).splitlines()
            assert [json.loads(line)["sequence"][-1] for line in lines] == ["1", "2", "3"]
            assert lines[0].startswith(b"  {")

    virtually(main())


def test_the_first_record_after_silence_goes_out_at_once(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            _, pipe = b.join()
            await asyncio.sleep(5)
            await b.journal.append([draft("r", "e")])
            for _ in range(10):
                await asyncio.sleep(0)
            assert pipe.at_s == [5.0]

    virtually(main())


def test_records_of_one_tick_gather(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            _, pipe = b.join()
            for n in range(1000):  # one a millisecond
                await b.journal.append([draft("r", f"e{n}")])
                await asyncio.sleep(0.001)
            await settle()
            assert sequences(pipe) == list(range(1, 1001))
            assert pipe.writes <= 510  # a tick lasts 2 ms at least

    virtually(main())


@pytest.mark.slow
def test_h1_h2_a_slow_reader_holds_little_and_misses_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            slow, pipe = b.join()
            _, brisk = b.join()
            pipe.reads(0)
            for n in range(100):
                await b.journal.append(drafts("r", n * 10, 10, pad=5000))
                await asyncio.sleep(0.01)
            assert slow.state is State.WAITING
            assert pipe.get_write_buffer_size() < BUFFER_HIGH_BYTES + 2 * 64 * 1024
            assert sequences(brisk) == list(range(1, 1001))
            while len(sequences_of_whole(pipe)) < 1000:
                pipe.reads(50_000)
                await asyncio.sleep(0.001)
            pipe.reads(2**62)
            await settle()
            assert slow.state is State.LIVE
            await b.journal.append([draft("r", "last")])
            await settle()
            assert sequences(pipe) == list(range(1, 1002))

    virtually(main())


def sequences_of_whole(pipe: Pipe) -> list[bytes]:
    return bytes(pipe.read).split(b"\n")[:-1]


@pytest.mark.parametrize("format_", [SSE_CHUNKED, NDJSON_RAW])
def test_a_huge_record_goes_out_in_pieces(virtually: Virtually, format_: Format) -> None:
    async def main() -> None:
        async with bench() as b:
            slow, pipe = b.join(format_=format_)
            _, brisk = b.join(format_=format_)
            pipe.reads(0)
            await b.journal.append([draft("r", "small"), draft("r", "huge", pad=3_000_000)])
            await b.journal.append([draft("r", "after")])
            await asyncio.sleep(3 * HEARTBEAT_S)  # no heartbeat may fall between the pieces
            assert slow.state is State.WAITING
            assert pipe.get_write_buffer_size() < BUFFER_HIGH_BYTES + 64 * 1024 + 1000
            await b.journal.append([draft("r", "last")])
            pipe.reads(2**62)
            await settle()
            # the brisk one got heartbeats after the records, the slow one before or not at all
            beat = format_.heartbeat
            records = [r.body for r in (await b.journal.read(0, 9)).records]
            for p in (pipe, brisk):
                got = bytes(p.read).replace(beat, b"") if format_ is SSE_CHUNKED else bytes(p.read)
                assert all(body in got for body in records)
                assert len(got) < sum(map(len, records)) + 1000

    virtually(main())


def test_h3_one_slow_reader_does_not_delay_a_cursor_behind_it(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            await b.journal.append(drafts("r", 0, 2000, pad=500))
            await settle()  # or they would all be at the head
            stalled = [b.join(after=0) for _ in range(20)]
            for _, pipe in stalled:
                pipe.reads(0)
            _, brisk = b.join(after=0)
            await settle()
            assert sequences(brisk) == list(range(1, 2001))
            assert all(s.state is State.WAITING for s, _ in stalled)

    virtually(main())


@pytest.mark.slow
def test_cursors_at_the_same_place_share_one_read(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            await b.journal.append(drafts("r", 0, 1000, pad=500))
            await settle()
            reads = 0
            read = b.journal.read

            async def counted(*args: Any) -> Any:
                nonlocal reads
                reads += 1
                return await read(*args)

            b.journal.read = counted  # type: ignore[method-assign]
            pipes = [b.join(after=0)[1] for _ in range(100)]
            await settle()
            assert all(sequences(pipe) == list(range(1, 1001)) for pipe in pipes)
            assert reads < 40

    virtually(main())


@pytest.mark.parametrize("failures", [1, 2])
def test_a_journal_that_fails_to_read_ends_no_hub(virtually: Virtually, failures: int) -> None:
    async def main() -> None:
        async with bench() as b:
            subscriber, pipe = b.join()
            read, left = b.journal.read, failures

            async def failing(*args: Any) -> Any:
                nonlocal left
                left -= 1
                if left >= 0:
                    raise JournalError("disk I/O error")
                return await read(*args)

            b.journal.read = failing  # type: ignore[method-assign]
            await b.journal.append(drafts("r", 0, 3))
            await settle()
            if failures > 1:  # the cursor met it too: it is cut, and comes back where it was
                assert (subscriber.state, subscriber.reason) == (State.CLOSED, "error")
                _, pipe = b.join(after=0)
            await b.journal.append(drafts("r", 3, 2))
            await settle()
            assert sequences(pipe) == [1, 2, 3, 4, 5]

    virtually(main())


def test_h1_a_subscriber_that_joined_ahead_of_the_hub_gets_each_record_once(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        async with bench() as b:
            b.join()
            await b.journal.append(drafts("r", 0, 1))
            while b.hub.position < 1:
                await asyncio.sleep(0)
            # The hub now pauses after its tick, and the cursors do not.
            await b.journal.append(drafts("r", 1, 4))
            joined, pipe = b.join()
            while joined.state is State.QUEUED:
                await asyncio.sleep(0)
            assert (joined.state, b.hub.position) == (State.AHEAD, 1)
            await b.journal.append(drafts("r", 5, 5))
            await settle()
            assert sequences(pipe) == [6, 7, 8, 9, 10]

    virtually(main())


def test_h1_filters_split_a_batch_and_all_get_theirs(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            filters = {
                Filter(ids=frozenset({"a"})): [1, 4],
                Filter(ids=frozenset({"a", "b"})): [1, 2, 4],
                Filter(types=("x.*",)): [1, 3],
                Filter(types=("!x.*",)): [2, 4],
                Filter(ids=frozenset({"a"}), types=("x.*",)): [1],
                Filter(accounts=frozenset({"default"})): [1, 2, 3, 4],
                Filter(accounts=frozenset({"other"})): [],
                Filter(): [1, 2, 3, 4],
            }
            pipes = {only: b.join(only=only)[1] for only in filters}
            made = [("a", "x.1"), ("b", "y.1"), ("c", "x.2"), ("a", "y.2")]
            await b.journal.append([draft(r, f"e{n}", t) for n, (r, t) in enumerate(made)])
            await settle()
            for only, expected in filters.items():
                assert sequences(pipes[only]) == expected, only
            _, late = b.join(only=Filter(types=("*.1",)))  # after such a record was seen
            await b.journal.append([draft("d", "e9", "x.1")])
            await settle()
            assert sequences(late) == [5]
            late.close()
            for pipe in pipes.values():
                pipe.close()
            await settle()
            assert b.hub.count == 0
            assert not b.hub._live
            assert not b.hub._live._index._by_id
            assert not b.hub._live._index._without_id

    virtually(main())


def test_h2_slow_readers_together_are_bounded(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench(buffered_bytes_max=1_000_000) as b:
            pipes = [b.join()[1] for _ in range(30)]
            for pipe in pipes:
                pipe.reads(0)
            await b.journal.append(drafts("r", 0, 1000, pad=1000))
            await asyncio.sleep(3)
            open_pipes = [pipe for pipe in pipes if not pipe.is_closing()]
            assert sum(pipe.get_write_buffer_size() for pipe in open_pipes) <= 1_000_000
            assert 5 <= len(open_pipes) < 20
            cut = b.metrics.registry.get_sample_value(
                "mogplex_bridge_subscriber_disconnects_total",
                {"transport": "ndjson", "reason": "slow"},
            )
            assert cut == 30 - len(open_pipes)

    virtually(main())


def test_the_drain_hands_out_what_is_committed_then_says_goodbye(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            pipes = [b.join(format_=SSE_RAW)[1] for _ in range(4)]
            _, stalled = b.join(format_=SSE_RAW)
            stalled.reads(0)
            await b.journal.append(drafts("r", 0, 10))
            await b.hub.drain(2.0)
            assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.1)
            for pipe in pipes:
                assert bytes(pipe.read).count(b"data: ") == 10
                assert b"\n\nretry: " in pipe.read
            await settle()
            assert b.hub.count == 0

    virtually(main())


def test_a_client_that_does_not_take_its_end_is_cut(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            subscriber, pipe = b.join()
            pipe.reads(0)
            await b.journal.append(drafts("r", 0, 5))
            await settle()
            subscriber.end("error")
            await b.journal.append(drafts("r", 5, 5))
            await asyncio.sleep(2.1 * HEARTBEAT_S)
            assert b.hub.count == 0

    virtually(main())


def test_h1_more_writes_than_one_turn_reach_everybody_once(virtually: Virtually) -> None:
    async def main() -> None:
        async with bench() as b:
            pipes = [b.join()[1] for _ in range(2500)]
            await b.journal.append(drafts("r", 0, 3))
            await asyncio.sleep(0)
            _, late = b.join(after=0)  # while the delivery is under way
            await settle()
            assert all(sequences(pipe) == [1, 2, 3] for pipe in [*pipes, late])

    virtually(main())


@pytest.mark.parametrize(("per_second", "is_kept"), [(1, True), (7, True), (12, False)])
def test_a_client_may_say_a_little_for_ever_and_much_never(
    virtually: Virtually, per_second: int, is_kept: bool
) -> None:
    """Ten minutes of pings: what counts is how many there are between two beats."""

    async def main() -> None:
        async with bench() as b:
            subscriber = WebSocketSubscriber(b.hub, Filter(), WEBSOCKET, b.journal.head, "")
            pipe = Pipe(subscriber)
            subscriber.connection_made(pipe)
            for _ in range(600):
                await asyncio.sleep(1)
                for _ in range(per_second):
                    if not pipe.is_closing():
                        subscriber.data_received(b"\x89\x80\0\0\0\0")
            assert pipe.is_closing() != is_kept
            if not is_kept:
                assert b"\x03\xf0too many frames" in pipe.read  # 1008

    virtually(main())
