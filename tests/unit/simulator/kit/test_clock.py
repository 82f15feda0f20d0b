"""Time that stands still until it is moved."""

from __future__ import annotations

import asyncio

import pytest

from bridge.simulator.kit.clock import ManualClock, RealClock, sleep


def test_callbacks_run_in_order_of_time_and_see_their_own() -> None:
    clock = ManualClock(100.0)
    seen: list[tuple[str, float]] = []
    clock.call_later(2.0, lambda: seen.append(("b", clock.now())))
    clock.call_later(1.0, lambda: seen.append(("a", clock.now())))
    clock.call_later(2.0, lambda: seen.append(("c", clock.now())))
    clock.advance(1.5)
    assert seen == [("a", 101.0)]
    clock.advance(10.0)
    assert seen == [("a", 101.0), ("b", 102.0), ("c", 102.0)]
    assert clock.now() == 111.5


def test_a_callback_may_set_timers_that_are_due_too() -> None:
    clock = ManualClock(0.0)
    seen: list[float] = []

    def again() -> None:
        seen.append(clock.now())
        if len(seen) < 3:
            clock.call_later(1.0, again)

    clock.call_later(1.0, again)
    clock.advance(10.0)
    assert seen == [1.0, 2.0, 3.0]


def test_a_cancelled_timer_does_not_run() -> None:
    clock = ManualClock()
    seen: list[int] = []
    clock.call_later(1.0, lambda: seen.append(1)).cancel()
    clock.advance(2.0)
    assert seen == []


def test_time_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        ManualClock().advance(-1.0)


async def test_sleep_ends_when_the_clock_says_so() -> None:
    clock = ManualClock()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(sleep(clock, 60.0))
        await asyncio.sleep(0)
        clock.advance(59.0)
        await asyncio.sleep(0)
        assert not task.done()
        clock.advance(1.0)


async def test_a_fast_clock_runs_fast() -> None:
    clock = RealClock(speed=1_000.0)
    began_s = clock.now()
    async with asyncio.timeout(5):
        await sleep(clock, 20.0)
    assert 19.9 <= clock.now() - began_s < 4_000.0


def test_a_speed_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RealClock(0.0)
