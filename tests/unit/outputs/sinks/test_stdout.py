"""stdout: at least once, in order, whole lines, quiet when nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import threading
import time

import pytest

from bridge.clock import SystemClock
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.stdout import PipeTarget, PipeWriter
from tests.unit.outputs.sinks.lines_world import drafts

PIPE_BYTES = 64 * 1024


class Pipe:
    """A pipe with a reader in the test's hand."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        self.received = b""
        self._ends = {self.read_fd, self.write_fd}

    def read(self) -> int:
        """Take what is there; returns how much."""
        if not select.select([self.read_fd], [], [], 0)[0]:
            return 0
        data = os.read(self.read_fd, 1 << 20)
        self.received += data
        return len(data)

    def close(self, *fds: int) -> None:
        for fd in fds or list(self._ends):
            self._ends.discard(fd)
            os.close(fd)

    def sequences(self) -> list[int]:
        assert self.received.endswith(b"\n")
        found = []
        for line in self.received.splitlines():
            assert line.startswith(b"{"), line[:40]
            assert line.endswith(b"}"), line[-40:]
            found.append(int(line.split(b'"sequence":"')[1][:20]))
        return found


@pytest.fixture
def pipe():
    made = Pipe()
    yield made
    made.close()


def sink_on(journal, pipe, lines=None) -> Delivery:
    return Delivery(
        "stdout", PipeTarget(pipe.write_fd), journal, lines or LineSettings(),
        metrics=Metrics(), clock=SystemClock(),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def running(sink):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sink.run())
        yield task
        task.cancel()


@contextlib.contextmanager
def reading(pipe):
    """Read on in a thread until the end of the block, and then what is left."""
    stop = threading.Event()

    def read_on():
        while not stop.is_set():
            pipe.read()
            time.sleep(0.001)

    reader = threading.Thread(target=read_on)
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()
        pipe.read()


async def until(condition, within_s=5.0):
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


async def test_lines_come_in_order_and_the_place_survives_a_restart(pipe):
    journal = MemoryJournal()
    for round_ in range(3):
        await journal.append(drafts(round_ * 10, 10))
        sink = sink_on(journal, pipe)
        await sink.open()
        await sink.close()
    pipe.read()
    assert pipe.sequences() == list(range(1, 31))


async def test_a_kill_repeats_a_little_and_loses_nothing(pipe):
    journal = MemoryJournal()
    await journal.append(drafts(0, 10))
    sink = sink_on(journal, pipe)
    await sink.open()
    await sink.close()
    await journal.append(drafts(10, 10))
    sink = sink_on(journal, pipe)
    await sink.open()
    sink._saved_s = time.monotonic() + 100  # killed before the next checkpoint
    await sink._copy_once()
    sink.target._thread.shutdown()
    sink = sink_on(journal, pipe)
    await sink.open()
    await sink.close()
    pipe.read()
    assert pipe.sequences() == [*range(1, 21), *range(11, 21)]


async def test_a_reader_that_sleeps_holds_the_output_and_costs_no_memory(pipe):
    journal = MemoryJournal(records_max=50_000)
    await journal.append(drafts(0, 2000))
    sink = sink_on(journal, pipe)
    await sink.open()
    async with running(sink):
        await until(lambda: sink.position > 0)
        await asyncio.sleep(0.1)
        held = sink.position
        assert held < 512  # one page at most, and of it what a pipe takes
        assert sink.lag == 2000 - held
        while sink.lag:
            pipe.read()
            await asyncio.sleep(0.001)
    await sink.close()
    pipe.read()
    assert pipe.sequences() == list(range(1, 2001))


@pytest.mark.slow
async def test_the_place_is_what_the_pipe_took_when_closing_meets_a_sleeping_reader(pipe):
    journal = MemoryJournal()
    await journal.append(drafts(0, 2000))
    sink = sink_on(journal, pipe)
    await sink.open()
    async with asyncio.timeout(30):
        await sink.close(0.2)
    pipe.read()
    first = pipe.sequences()
    sink = sink_on(journal, pipe)
    await sink.open()
    assert sink.position == first[-1] > 0
    with reading(pipe):
        await sink.close()
    assert pipe.sequences() == list(range(1, 2001))


@pytest.mark.slow
async def test_cancelling_in_the_middle_of_a_write_repeats_nothing(pipe):
    journal = MemoryJournal()
    await journal.append(drafts(0, 1500))
    for round_ in range(8):
        sink = sink_on(journal, pipe)
        await sink.open()
        async with running(sink):
            await asyncio.sleep(0.0005 * round_)
            pipe.read()
        await sink.close(0.0)
        pipe.read()
    sink = sink_on(journal, pipe)
    await sink.open()
    async with running(sink):
        while sink.lag:
            pipe.read()
            await asyncio.sleep(0.001)
    await sink.close()
    pipe.read()
    assert pipe.sequences() == list(range(1, 1501))


@pytest.mark.slow
async def test_closing_while_a_cancelled_write_still_goes_on_repeats_nothing(pipe):
    journal = MemoryJournal()
    with reading(pipe):
        for round_ in range(6):
            sink = sink_on(journal, pipe)
            await sink.open()
            await journal.append(drafts(round_ * 500, 500, size=2000))
            async with running(sink):
                await until(lambda: sink.position > round_ * 500)  # noqa: B023 - used at once
            await sink.close()
    assert pipe.sequences() == list(range(1, 3001))


@pytest.mark.slow
async def test_no_short_line_is_ever_torn_by_a_pipe_that_is_nearly_full(pipe):
    journal = MemoryJournal()
    await journal.append(drafts(0, 300, size=500))
    sink = sink_on(journal, pipe)
    await sink.open()
    async with running(sink):
        await until(lambda: sink.position > 0)
        await asyncio.sleep(0.05)
        pipe.read()  # whatever is in the pipe at any moment ends in a newline
        assert pipe.received.endswith(b"}\n")
    await sink.close(0.0)


async def test_a_closed_pipe_ends_quietly_and_is_told(pipe):
    journal = MemoryJournal()
    sink = sink_on(journal, pipe)
    await sink.open()
    pipe.close(pipe.read_fd)
    async with asyncio.timeout(5):
        await journal.append(drafts(0, 3))
        await sink.run()
    assert sink.is_abandoned
    assert sink.position == 0
    await sink.close()


async def test_a_closed_pipe_is_noticed_without_a_record_to_write(pipe):
    sink = sink_on(MemoryJournal(), pipe)
    await sink.open()
    pipe.close(pipe.read_fd)
    async with asyncio.timeout(5):
        await sink.run()
    assert sink.is_abandoned
    await sink.close()


async def test_a_closed_stdout_is_as_good_as_a_closed_pipe(pipe):
    journal = MemoryJournal()
    sink = sink_on(journal, pipe)
    await sink.open()
    pipe.close()
    async with asyncio.timeout(5):
        await sink.run()
    assert sink.is_abandoned
    await sink.close()


async def test_another_journal_is_told_in_the_stream(pipe):
    old, new = MemoryJournal(), MemoryJournal()
    checkpoint = b'{"epoch":"%b","seq":7,"segment":0}' % old.epoch.encode()
    await new.append(drafts(0, 2), checkpoints=[("sink/stdout", checkpoint)])
    sink = sink_on(new, pipe)
    await sink.open()
    await sink.close()
    pipe.read()
    assert b'"type":"bridge.reset"' in pipe.received.splitlines()[0]
    assert f'"asked":"{old.epoch}-7"'.encode() in pipe.received.splitlines()[0]


def test_lines_longer_than_a_pipe_go_through_in_pieces(pipe):
    fcntl.fcntl(pipe.write_fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    long = b"x" * 300_000 + b"\n"
    writer = PipeWriter(pipe.write_fd)
    done: list[int] = []
    thread = threading.Thread(target=writer.write, args=([long, b"y\n"], done.append))
    thread.start()
    while thread.is_alive():
        pipe.read()
        time.sleep(0.001)
    pipe.read()
    assert pipe.received == long + b"y\n"
    assert done == [1, 2]


def test_pieces_are_as_large_as_a_pipe_takes_at_once(pipe, monkeypatch):
    sizes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: sizes.append(len(data)) or real(fd, data))
    PipeWriter(pipe.write_fd).write([b"x" * 999 + b"\n"] * 10, lambda _: None)
    assert sizes == [4000, 4000, 2000]
