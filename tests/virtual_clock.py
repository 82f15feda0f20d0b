"""A loop whose time jumps to the next timer, so that an hour of waiting takes milliseconds.

Only for code without threads or processes; without sockets too, but for `ImpatientLoop`. When
nothing is ready and no timer is set, nothing can ever happen, and the test fails at once with the
word deadlock.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

ON_ITS_WAY_S = 0.001  # real; the shortest wait that epoll knows
STUCK_S = 5.0  # real: nothing is ready and no timer is set
START_S = 1_785_000_000.0  # the wall clock at virtual zero; July 2026


class _JumpSelector(selectors.DefaultSelector):
    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("deadlock: every task waits and no timer is set")
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """`asyncio.sleep(3600)` returns at once and an hour has passed."""

    _selector_type: type[_JumpSelector] = _JumpSelector

    def __init__(self) -> None:
        self._jump = self._selector_type()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s

    def run_in_executor(  # type: ignore[override]  # a future all the same
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """No time passes while a thread works: it is done before anybody else has their turn."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)
        return done


class _ImpatientSelector(_JumpSelector):
    """Lets what is on its way between two sockets of this process arrive before time jumps."""

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            limit_s = STUCK_S if timeout is None else ON_ITS_WAY_S
            if ready := selectors.DefaultSelector.select(self, limit_s):
                return ready
        return super().select(timeout)


class ImpatientLoop(VirtualClockLoop):
    """A virtual loop for code with sockets whose both ends are in this process.

    What is written to a loopback socket can be read at once, so nothing is under way when no
    socket is ready: it looks a millisecond longer all the same, then time jumps.
    """

    _selector_type = _ImpatientSelector


class VirtualClock:
    """The `Clock` port on a virtual loop: both times are the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return START_S + self._loop.time()


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a fresh virtual loop; left-over tasks are cancelled."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)
