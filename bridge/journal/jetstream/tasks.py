"""The tasks of one journal: errors of all are reported, and all end with the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN_S = 0.1  # between two cancellations


class Tasks:
    """Owns the tasks that it starts. Belongs to one event loop."""

    def __init__(self) -> None:
        self._all: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start a task; if nobody awaits it, the loop reports its error."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._all.add(task)
        task.add_done_callback(self._all.discard)
        return task

    async def settle(self, seconds: float) -> None:
        """Wait for all tasks to end, for at most so long."""
        if self._all:
            await asyncio.wait(self._all, timeout=seconds)

    async def close(self) -> None:
        """Cancel the remaining tasks."""
        for task in (left := tuple(self._all)):
            task.cancel()
        if left:
            await asyncio.wait(left)


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a task of its own, for at most `seconds`.

    It is cancelled until it has ended: before Python 3.12 `asyncio.wait_for`, which nats-py uses,
    ignores a cancellation that comes in the moment of an answer, and the client retries for ever.

    Raises:
        TimeoutError: The work took longer.
    """
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=_AGAIN_S)
