"""The event loop of every command that has one: uvloop where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end in a loop of its own."""

    async def awaiting() -> T:
        return await main()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(awaiting())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - 40 ms that other commands need not wait for
    except ImportError:
        return None
    return uvloop.new_event_loop
