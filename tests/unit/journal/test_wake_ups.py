"""Waiting for the head to move."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.core.errors import JournalError
from bridge.journal.wake_ups import Growth


async def test_nobody_is_kept_after_waiting() -> None:
    growth = Growth(0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(growth.wait_above(n % 3)) for n in range(30)]
        await asyncio.sleep(0)
        for task in tasks[:6]:
            task.cancel()
        await asyncio.sleep(0)
        growth.announce(1)
        await asyncio.sleep(0)
        growth.announce(3)
    assert growth._waiting == set()


async def test_a_waiter_cancelled_in_the_same_turn_as_the_growth_is_cancelled() -> None:
    growth = Growth(0)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(growth.wait_above(0))
        await asyncio.sleep(0)
        growth.announce(1)
        task.cancel()
    assert task.cancelled()


async def test_closing_tells_those_who_wait_and_not_those_who_need_not() -> None:
    growth = Growth(5)
    reason = JournalError("closed")
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(_error_of(growth.wait_above(5)))
        await asyncio.sleep(0)
        growth.close(reason)
    assert waiter.result() is reason
    assert await _error_of(growth.wait_above(5)) is reason
    await growth.wait_above(4)


async def test_a_listener_that_raises_does_not_starve_the_others() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    growth = Growth(0)
    heard: list[int] = []

    def broken(_: int) -> None:
        raise ValueError("a bug")

    growth.add_listener(broken)
    growth.add_listener(heard.append)
    growth.announce(7)
    assert heard == [7]
    assert [str(context["exception"]) for context in told] == ["a bug"]


async def test_a_listener_may_leave_while_it_is_called() -> None:
    growth = Growth(0)
    heard: list[int] = []

    def once(head: int) -> None:
        heard.append(head)
        remove()

    remove = growth.add_listener(once)
    growth.add_listener(heard.append)
    growth.announce(1)
    growth.announce(2)
    assert heard == [1, 1, 2]


async def _error_of(waiting: Any) -> JournalError | None:
    try:
        await waiting
    except JournalError as error:
        return error
    return None
