"""Work with an end: also where a library forgets that it was cancelled."""

from __future__ import annotations

import asyncio

import pytest

from bridge.journal.jetstream.tasks import within
from tests.virtual_clock import run_virtually


def test_work_that_forgets_a_cancellation_is_cancelled_again() -> None:
    """A start with refused credentials went on for ever, once in some tries."""
    forgot = 0

    async def connects() -> None:
        nonlocal forgot
        while True:
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                forgot += 1
                if forgot > 2:
                    raise

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await within(5, connects())

    run_virtually(scenario())
    assert forgot == 3


def test_work_that_ends_in_time_gives_its_result_or_its_error() -> None:
    async def answers() -> int:
        await asyncio.sleep(1)
        return 7

    async def fails() -> int:
        raise OSError("refused")

    async def scenario() -> None:
        assert await within(5, answers()) == 7
        with pytest.raises(OSError, match="refused"):
            await within(5, fails())

    run_virtually(scenario())
