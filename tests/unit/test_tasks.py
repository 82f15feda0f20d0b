"""A group of tasks from which no cancellation gets lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bridge.core.errors import ConfigError
from bridge.loop import run
from bridge.tasks import TaskGroup, first_of


class CutError(Exception):
    """What ends a connection."""


async def cancelled_as_it_fails(owner: asyncio.Task[None] | None, group: TaskGroup) -> None:
    """The owner is cancelled and a member fails in one turn of the loop."""
    assert owner is not None

    async def fail() -> None:
        owner.cancel()
        raise CutError

    group.create_task(fail())
    await asyncio.Event().wait()


async def test_a_cancel_that_meets_a_failure_is_not_forgotten() -> None:
    """At SIGTERM a follow whose stream was cut at that moment went on for ever."""
    went_on = False

    async def follow() -> None:
        nonlocal went_on
        with suppress(ExceptionGroup):  # a cut is expected: the loop of the follow goes on
            async with TaskGroup() as group:
                await cancelled_as_it_fails(asyncio.current_task(), group)
        went_on = True

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow())
        await asyncio.wait((task,))
    assert task.cancelled()
    assert not went_on


async def fail_beside_a_long_task() -> None:
    async with TaskGroup() as group:
        group.create_task(asyncio.sleep(3600))
        raise CutError


async def test_a_failure_alone_is_told_as_it_is() -> None:
    with pytest.raises(ExceptionGroup) as told:
        await fail_beside_a_long_task()
    assert [type(error) for error in told.value.exceptions] == [CutError]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def end_with_a_member_that_fails() -> None:
    async with TaskGroup() as group:
        group.create_task(fail_at_once())


async def fail_at_once() -> None:
    raise CutError


async def test_a_member_that_fails_while_its_group_ends_cancels_nobody_else() -> None:
    """Before 3.13 asyncio forgot to take back what it had asked of the owner."""
    with pytest.raises(ExceptionGroup):
        await end_with_a_member_that_fails()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def fail_when_the_time_is_over() -> None:
    async with asyncio.timeout(0.0), TaskGroup():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise CutError from None


async def test_a_failure_as_the_time_runs_out_is_a_timeout() -> None:
    """To the group, the cancellation of `asyncio.timeout` is one from outside."""
    with pytest.raises(TimeoutError):
        await fail_when_the_time_is_over()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


def test_an_error_of_ours_is_the_reason_before_any_other() -> None:
    inner = ExceptionGroup("b", [ConfigError("ours")])
    found = first_of(ExceptionGroup("a", [ValueError("first"), inner]))
    assert isinstance(found, ConfigError)
    assert isinstance(first_of(ExceptionGroup("a", [ValueError("x"), OSError()])), ValueError)
    assert isinstance(first_of(OSError()), OSError)


def test_a_group_of_errors_ends_a_command_as_the_one_error_that_it_means() -> None:
    """A journal that broke ended serve with a traceback of several errors."""

    async def main() -> None:
        raise ExceptionGroup("outputs", [ExceptionGroup("closing", [ConfigError("ours")])])

    with pytest.raises(ConfigError, match="ours"):
        run(main)
