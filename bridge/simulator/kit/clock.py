"""The simulator's own time: real, faster than real, or moved by hand.

Everything in the simulator that waits or stamps goes through a `SimClock`, so that a test can let
the limiter's 60 seconds or a stream's 800 pass without sleeping.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that has not run yet."""

    def cancel(self) -> None:
        """Forget the callback; harmless when it has run."""
        ...


class SimClock(Protocol):
    """The simulator's time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC as the simulated service sees them; never goes back."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` in the event loop after `delay_s` simulated seconds."""
        ...


class RealClock:
    """Starts at the machine's wall clock and runs `speed` times as fast.

    After the start it follows the monotonic clock, so a jump of the machine's date does not affect
    the limiter.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"clock speed must be above 0, got {speed}")
        self.speed = speed
        self._wall_s = time.time()
        self._started_s = time.monotonic()

    def now(self) -> float:
        """See `SimClock.now`."""
        return self._wall_s + (time.monotonic() - self._started_s) * self.speed

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """See `SimClock.call_later`. The real wait is `delay_s / speed`."""
        return asyncio.get_running_loop().call_later(max(0.0, delay_s) / self.speed, callback)


class _ManualTimer:
    def __init__(self, due_s: float, callback: Callable[[], None]) -> None:
        self.due_s = due_s
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """Stands still until `advance` is called, which runs the due callbacks in order of time."""

    def __init__(self, start_s: float = 1_785_769_200.0) -> None:
        """`start_s`: seconds since the epoch; the default is 2026-08-03T15:00:00Z."""
        self._now_s = start_s
        self._order = itertools.count()
        self._timers: list[tuple[float, int, _ManualTimer]] = []

    def now(self) -> float:
        """See `SimClock.now`. Changes only in `advance`."""
        return self._now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """See `SimClock.call_later`. The callback runs in `advance`, never at once."""
        timer = _ManualTimer(self._now_s + max(0.0, delay_s), callback)
        heapq.heappush(self._timers, (timer.due_s, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Advance the time. A callback sees its due time, and may set timers that run too."""
        if seconds < 0:
            raise ValueError(f"time cannot go back, got {seconds} s")
        until_s = self._now_s + seconds
        while self._timers and self._timers[0][0] <= until_s:
            due_s, _, timer = heapq.heappop(self._timers)
            self._now_s = max(self._now_s, due_s)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._now_s = until_s


async def sleep(clock: SimClock, seconds: float) -> None:
    """Wait so many simulated seconds."""
    done = asyncio.Event()
    timer = clock.call_later(seconds, done.set)
    try:
        await done.wait()
    finally:
        timer.cancel()
