"""The event loop of every command that has one: uvloop where it is installed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end in a loop of its own.

    The first SIGINT cancels it, and becomes KeyboardInterrupt when it is done; the second ends the
    process at once, for what is waited for may never come: the reader of a full pipe, say.
    """
    was_asked = False

    async def awaiting() -> T:
        task = asyncio.current_task()
        assert task is not None

        def interrupted() -> None:
            nonlocal was_asked
            if was_asked:
                os._exit(128 + signal.SIGINT)
            was_asked = True
            task.cancel()

        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted)
        return await main()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(awaiting())
    except asyncio.CancelledError:
        if was_asked:
            raise KeyboardInterrupt from None
        raise


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - 40 ms that other commands need not wait for
    except ImportError:
        return None
    return uvloop.new_event_loop
