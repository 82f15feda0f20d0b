"""What a gate hands to a successor on another machine, and what leaves before it is stored."""

from __future__ import annotations

import asyncio

import pytest

from bridge.core.pace.line import Line, Rank
from bridge.metrics import Metrics
from bridge.sources.key_gate import KeyGate
from tests.unit.daemon.parts import HandClock

LIMIT = 60


def gate_on(clock: HandClock, *, is_shared: bool = False, store: object = None) -> KeyGate:
    return KeyGate("a", Line(LIMIT), clock, Metrics(), store, is_shared=is_shared)  # type: ignore[arg-type]


def asked(gate: KeyGate, clock: HandClock, count: int) -> None:
    """That many requests, one a second, until now."""
    gate.recall(b'{"saved":0,"log":[]}')
    gate.line.budget.restore(clock.now_s, [clock.now_s - n for n in range(count)])


@pytest.mark.parametrize("skew_s", [-3600.0, -20.0, 5.0, 300.0, 86400.0])
def test_a_successor_with_another_wall_clock_counts_what_was_asked(skew_s: float) -> None:
    """By its own wall clock all of it was asked an hour ago, or will be asked tomorrow."""
    here, there = HandClock(), HandClock(5.0)
    there.wall_s = here.wall_s + 3.0 + skew_s
    before, after = gate_on(here), gate_on(there)
    asked(before, here, 30)
    after.recall(before.memory(), age_s=3.0)
    unsaved = LIMIT // 10 + 1
    assert after.requests().used == 30 + unsaved
    there.now_s += 60.25 - 3.0 - 10.0  # the first twenty of them were asked so long ago
    assert after.requests().used == 10 + unsaved


async def test_nothing_leaves_before_it_is_stored_where_another_may_take_over() -> None:
    stored: list[int] = []
    clock = HandClock()

    async def store(account: str) -> None:
        assert account == "a"
        stored.append(gate.line.budget.in_flight)

    gate = gate_on(clock, is_shared=True, store=store)
    gate.recall(b'{"saved":0,"log":[]}')
    async with asyncio.TaskGroup() as group:
        driving = group.create_task(gate.drive())
        for _ in range(3):
            async with gate.turn("f", Rank.PERSON) as turn:
                turn.sent()
                assert stored[-1] == 1
        driving.cancel()
    assert stored == [1, 1, 1]


async def test_a_turn_that_was_never_given_frees_its_place() -> None:
    """The lease was lost while it was being stored."""
    storing = asyncio.Event()

    async def store(account: str) -> None:
        storing.set()
        await asyncio.Event().wait()

    gate = gate_on(HandClock(), is_shared=True, store=store)
    gate.recall(b'{"saved":0,"log":[]}')

    async def ask() -> None:
        async with gate.turn("f", Rank.PERSON):
            raise AssertionError("it may not ask")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gate.drive()), group.create_task(ask())]
        await storing.wait()
        for task in tasks:
            task.cancel()
    assert gate.requests().used == 0
