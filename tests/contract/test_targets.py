"""What every target promises (`outputs/sinks/port.py`), and what `Delivery` makes of it.

The list is a target of the tests: the least that one can be, and the model of one that is far away
(it fails by words of its own, takes part of a batch, and takes back what was not synced).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.core.errors import ConfigError
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from bridge.outputs.sinks.port import Found, Intervals, Known, Mark, Target, TargetError
from bridge.outputs.sinks.stdout import PipeTarget
from tests.unit.outputs.sinks.lines_world import drafts, output_files

FAST = Intervals(sync_s=0.0, checkpoint_s=0.0, idle_s=0.01)


class ListTarget:
    """Lines in a list; what is behind `durable` is lost by `crash`."""

    has_memory = False
    reasons = ("unreachable", "refused", "other")
    place = "a list"
    facts: Mapping[str, Any] = {"kind": "list"}
    intervals = FAST

    def __init__(self, kept: list[bytes] | None = None) -> None:
        self.lines: list[bytes] = [] if kept is None else kept
        self.durable = len(self.lines)
        self.faults: list[tuple[int, TargetError]] = []  # take so many lines, then fail
        self.opened: list[Known | None] = []
        self.refuses_to_open: TargetError | None = None
        self.is_open = False

    async def open(self, known: Known | None) -> Found:
        self.opened.append(known)
        if self.refuses_to_open is not None:
            raise self.refuses_to_open
        self.is_open = True
        return Found()

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        assert self.is_open, "a write to a target that is not open"
        await asyncio.sleep(0)
        if lines and self.faults:
            count, error = self.faults.pop(0)
            count = min(count, len(lines))
            self.lines += lines[:count]
            taken(count)
            self.is_open = False
            if error.is_undone:
                del self.lines[self.durable :]
            raise error
        self.lines += lines
        taken(len(lines))

    async def sync(self) -> Mark:
        self.durable = len(self.lines)
        return {"lines": self.durable}

    async def close(self) -> Mark:
        self.is_open = False
        return await self.sync()


class World:
    """One kind of target: how to make one on the same place again, and what arrived there."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.directory = directory
        self.metrics = Metrics()
        self.kept: list[bytes] = []
        self.read_fd, self.write_fd = os.pipe()
        self._read = b""

    def target(self) -> Target:
        clock = SystemClock()
        match self.kind:
            case "file":
                return FileTarget(Layout(self.directory / "events.ndjson"), clock, intervals=FAST)
            case "stdout":
                return PipeTarget(self.write_fd, intervals=FAST)
            case _:
                return ListTarget(self.kept)

    def delivery(self, journal: MemoryJournal, target: Target | None = None) -> Delivery:
        target = target or self.target()
        return Delivery("out", target, journal, metrics=self.metrics, clock=SystemClock())

    def lines(self) -> list[bytes]:
        match self.kind:
            case "file":
                data = b"".join(path.read_bytes() for path in output_files(self.directory))
                assert not data or data.endswith(b"\n")
                return data.splitlines(keepends=True)
            case "stdout":
                while select.select([self.read_fd], [], [], 0)[0]:
                    self._read += os.read(self.read_fd, 1 << 20)
                return self._read.splitlines(keepends=True)
            case _:
                return self.kept

    def sequences(self) -> list[int]:
        return [int(json.loads(line)["sequence"]) for line in self.lines()]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)


@pytest.fixture(params=["file", "stdout", "list"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    made = World(request.param, tmp_path)
    yield made
    os.close(made.read_fd)
    os.close(made.write_fd)


@contextlib.asynccontextmanager
async def running(sink: Delivery) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sink.run())
        yield
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


# The port, T1 to T4


async def test_t1_opening_leaves_what_is_there(world: World) -> None:
    target = world.target()
    await target.open(None)
    await target.write([b'{"id":"a","type":"log"}\n'], lambda _: None)
    mark = await target.close()
    before = list(world.lines())
    again = world.target()
    found = await again.open(Known(mark, is_repeatable=True))
    assert world.lines() == before
    assert found.has_lines == again.has_memory
    assert (found.last is not None) == again.has_memory
    await again.close()


async def test_t2_lines_come_whole_in_order_and_are_told(world: World) -> None:
    target, told = world.target(), []
    await target.open(None)
    lines = [b'{"id":"%d","type":"log","message":"%s"}\n' % (i, b"m" * 700) for i in range(40)]
    await target.write(lines, told.append)
    assert told[-1] == 40
    assert told == sorted(told)
    await target.close()
    assert world.lines() == lines


async def test_t2_nothing_written_is_nothing_taken(world: World) -> None:
    target, told = world.target(), []
    await target.open(None)
    await target.write((), told.append)
    await target.close()
    assert [count for count in told if count] == []
    assert world.lines() == []


async def test_t2_what_a_cancelled_write_took_is_told_by_the_next_verb(world: World) -> None:
    target, told = world.target(), [0]
    await target.open(None)
    lines = [b'{"id":"%d","type":"log","message":"%s"}\n' % (i, b"m" * 700) for i in range(40)]
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(target.write(lines, told.append))
        await asyncio.sleep(0)
        writing.cancel()
    await target.sync()
    await target.close()
    assert world.lines() == lines[: told[-1]]


async def test_t3_a_mark_is_plain_json(world: World) -> None:
    target = world.target()
    await target.open(None)
    await target.write([b'{"id":"a","type":"log"}\n'], lambda _: None)
    mark = await target.sync()
    assert json.loads(json.dumps(mark)) == mark
    assert len(json.dumps(mark)) < 200
    await target.close()


async def test_t4_closing_twice_is_closing_once(world: World) -> None:
    target = world.target()
    await target.open(None)
    await target.write([b'{"id":"a","type":"log"}\n'], lambda _: None)
    assert await target.close() == await target.close()
    assert len(world.lines()) == 1


def test_words_for_failures_are_a_closed_set_with_other_in_it(world: World) -> None:
    target = world.target()
    assert "other" in target.reasons
    world.delivery(MemoryJournal(), target)
    for reason in target.reasons:
        assert world.metric("sink_errors_total", sink="out", reason=reason) == 0


# The loop


async def test_every_record_comes_in_order_over_orderly_restarts(world: World) -> None:
    journal = MemoryJournal()
    for round_ in range(4):
        sink = world.delivery(journal)
        await sink.open()
        await journal.append(drafts(round_ * 10, 10))
        await sink.close()
    assert world.sequences() == list(range(1, 41))
    assert world.metric("sink_records_total", sink="out") == 40


async def test_cancelling_at_any_moment_repeats_and_loses_nothing(world: World) -> None:
    journal = MemoryJournal()
    for round_ in range(12):
        sink = world.delivery(journal)
        await sink.open()
        async with running(sink):
            await journal.append(drafts(round_ * 20, 20))
            await asyncio.sleep(round_ * 0.0005)
        await sink.close()
        world.lines()
    assert world.sequences() == list(range(1, 241))


async def test_another_journal_is_told_before_its_first_record(world: World) -> None:
    old, new = MemoryJournal(), MemoryJournal()
    stored = json.dumps({"epoch": old.epoch, "seq": 0, "segment": 0}).encode()
    await new.append(drafts(0, 2), checkpoints=[("sink/out", stored)])
    sink = world.delivery(new)
    await sink.open()
    await sink.close()
    assert json.loads(world.lines()[0])["type"] == "bridge.reset"
    assert len(world.lines()) == 3
    assert world.metric("sink_missed_records_total", sink="out", reason="epoch") == 1


async def test_what_retention_took_is_told_and_counted(world: World) -> None:
    journal = MemoryJournal(records_max=8)
    sink = world.delivery(journal)
    await sink.open()
    async with running(sink):
        await journal.append(drafts(0, 4))
        await until(lambda: sink.lag == 0)
    await journal.append(drafts(4, 8))
    await journal.append(drafts(12, 8))
    floor = journal.floor
    await sink.close()
    assert world.sequences() == [1, 2, 3, 4, floor - 1, *range(floor, 21)]
    missed = world.metric("sink_missed_records_total", sink="out", reason="retention")
    assert missed == floor - 5


# A target that fails by words of its own


async def delivered_through(
    faults: list[tuple[int, TargetError]], count: int = 30
) -> tuple[World, Delivery]:
    world = World("list", Path())
    target = ListTarget(world.kept)
    journal = MemoryJournal()
    sink = world.delivery(journal, target)
    await sink.open()
    async with running(sink):
        await journal.append(drafts(0, 5))
        await until(lambda: sink.lag == 0)
        target.faults = faults
        await journal.append(drafts(5, count - 5))
        await until(lambda: sink.lag == 0 and bool(sink.status()["ok"]))
    await sink.close()
    return world, sink


async def test_a_failure_that_no_errno_names_is_counted_by_its_own_word() -> None:
    world, _ = await delivered_through([(0, TargetError("unreachable", "no broker answers"))])
    assert world.sequences() == list(range(1, 31))
    assert world.metric("sink_errors_total", sink="out", reason="unreachable") == 1
    assert world.metric("sink_blocked", sink="out") == 0


async def test_lines_that_were_taken_before_a_failure_are_not_given_again() -> None:
    world, _ = await delivered_through([(7, TargetError("refused", "a line is refused"))])
    assert world.sequences() == list(range(1, 31))


async def test_lines_that_were_taken_back_are_given_again() -> None:
    undone = TargetError("other", "the batch was rolled back", is_undone=True)
    world, _ = await delivered_through([(7, undone)])
    assert world.sequences() == list(range(1, 31))


async def test_who_left_for_good_ends_the_output_and_is_no_fault_to_retry() -> None:
    world = World("list", Path())
    target, journal = ListTarget(world.kept), MemoryJournal()
    sink = world.delivery(journal, target)
    await sink.open()
    target.faults = [(3, TargetError("refused", "the topic is gone", is_gone=True))]
    await journal.append(drafts(0, 10))
    async with asyncio.timeout(10):
        await sink.run()
    assert sink.is_abandoned
    await sink.close()
    assert sink.position == 3
    assert len(target.opened) == 1
    again = world.delivery(journal)
    await again.open()
    assert again.position == 3


async def test_what_only_people_can_mend_refuses_the_start() -> None:
    world = World("list", Path())
    target = ListTarget(world.kept)
    target.refuses_to_open = TargetError("refused", "no such topic", complaint="create the topic")
    sink = world.delivery(MemoryJournal(), target)
    with pytest.raises(ConfigError, match="create the topic"):
        await sink.open()


async def test_what_may_pass_by_itself_is_waited_for_at_the_start() -> None:
    world = World("list", Path())
    target, journal = ListTarget(world.kept), MemoryJournal()
    target.refuses_to_open = TargetError("unreachable", "no broker answers")
    sink = world.delivery(journal, target)
    await sink.open()
    assert not sink.status()["ok"]
    async with running(sink):
        await journal.append(drafts(0, 3))
        target.refuses_to_open = None
        await until(lambda: sink.lag == 0)
    await sink.close()
    assert world.sequences() == [1, 2, 3]


async def test_an_output_without_anything_to_say_writes_no_checkpoint() -> None:
    """Each one is a commit of the journal."""
    world = World("list", Path())
    journal = MemoryJournal()
    sink = world.delivery(journal)
    await sink.open()
    async with running(sink):
        await journal.append(drafts(0, 3))
        await until(lambda: sink.lag == 0)
        await asyncio.sleep(0.05)
        commits = []
        append = journal.append
        journal.append = lambda *a, **k: (commits.append(k), append(*a, **k))[1]  # type: ignore[method-assign]
        await asyncio.sleep(0.1)
    assert commits == []
    await sink.close()
