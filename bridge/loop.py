"""The event loop of every command that has one: uvloop where it is installed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bridge.tasks import first_of

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end in a loop of its own.

    The first SIGINT cancels it, and becomes KeyboardInterrupt at its end; the second ends the
    process at once, because the coroutine may wait for ever, such as for the reader of a full pipe.
    SIGTERM does the same for process 1, which the kernel does not end (it becomes SystemExit).

    An error group becomes the one error that ended it: commands end with one line.
    """
    asked: signal.Signals | None = None

    async def awaiting() -> T:
        task = asyncio.current_task()
        assert task is not None

        def ask(number: signal.Signals) -> None:
            nonlocal asked
            if asked is not None:
                os._exit(128 + number)
            asked = number
            task.cancel()

        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGINT, ask, signal.SIGINT)
            if os.getpid() == 1:
                loop.add_signal_handler(signal.SIGTERM, ask, signal.SIGTERM)
        return await main()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(awaiting())
    except asyncio.CancelledError:
        if asked is signal.SIGTERM:
            raise SystemExit(128 + asked) from None
        if asked is not None:
            raise KeyboardInterrupt from None
        raise
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - 40 ms that other commands need not wait for
    except ImportError:
        return None
    return uvloop.new_event_loop
