"""Two rings of named tasks, and the order in which they stop.

The inner ring writes records, the outer ring delivers them. A stop cancels the inner ring first;
the outer ring then delivers the committed records within a deadline.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from bridge.log import get_logger
from bridge.tasks import TaskGroup, first_of

log = get_logger()

Task = Callable[[], Awaitable[None]]


def stop_on_signals(
    stop: asyncio.Event, *, on_hangup: Callable[[], None], on_reopen: Callable[[], None]
) -> None:
    """Stop in order on SIGTERM or SIGINT; a second one ends the process at once.

    SIGHUP calls `on_hangup`, SIGUSR1 `on_reopen`.
    """
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        if stop.is_set():
            os._exit(128 + number)  # no loss: acknowledged records are on disk
        log.info("bridge.stopping", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    loop.add_signal_handler(signal.SIGUSR1, on_reopen)


class Crew:
    """Named tasks of a ring that start and stop while it runs: accounts and outputs.

    `run` is one task of the ring. It fails when a member fails, and forgets a member that returns.
    Members added before `run` start with it.
    """

    def __init__(self) -> None:
        self._group: TaskGroup | None = None
        self._waiting: dict[str, Task] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run the members until cancelled, or until one fails."""
        async with TaskGroup() as group:
            self._group = group
            for name, task in self._waiting.items():
                self._start(group, name, task)
            self._waiting.clear()
            await asyncio.Event().wait()

    def add(self, name: str, task: Task) -> None:
        """Start a task, at once or with `run`. Its name must not be in use."""
        assert name not in self._running, name
        assert name not in self._waiting, name
        if self._group is None:
            self._waiting[name] = task
        else:
            self._start(self._group, name, task)

    async def remove(self, name: str) -> None:
        """Cancel a task and wait until it has ended; without such a task, do nothing."""
        self._waiting.pop(name, None)
        running = self._running.get(name)
        if running is not None:
            running.cancel()
            await asyncio.wait((running,))

    def _start(self, group: TaskGroup, name: str, task: Task) -> None:
        running = group.create_task(_named(task), name=name)
        self._running[name] = running
        running.add_done_callback(lambda _: self._running.pop(name, None))


async def run_rings(
    inner: Mapping[str, Task],
    outer: Mapping[str, Task],
    stop: asyncio.Event,
    *,
    drain: Callable[[], Awaitable[None]],
) -> None:
    """Run both rings until `stop` is set or a task fails, then stop them in order.

    The inner ring stops first, then `drain` runs while the outer ring still delivers, then the
    outer ring stops. `drain` enforces its own deadline.

    Raises:
        Exception: The error of the task that failed.
    """
    crash: BaseException | None = None
    try:
        async with TaskGroup() as group:
            handing_out = [group.create_task(_named(t), name=n) for n, t in outer.items()]
            try:
                async with TaskGroup() as sources:
                    bringing = [sources.create_task(_named(t), name=n) for n, t in inner.items()]
                    await stop.wait()
                    for task in bringing:
                        task.cancel()
            except* Exception as failed:  # noqa: BLE001 - a crashed source must not skip the drain
                crash = first_of(failed)
            await drain()
            for task in handing_out:
                task.cancel()
    except* Exception as failed:  # noqa: BLE001 - raised again below
        crash = crash or first_of(failed)
    if crash is not None:
        raise crash


async def _named(task: Task) -> None:
    await task()
