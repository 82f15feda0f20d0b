"""Time is brought to whoever needs it; this is the only file that reads it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one for waiting, one for people."""

    def monotonic(self) -> float:
        """Seconds that never jump; compare only with each other."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class ProcessorClock(SystemClock):
    """Seconds that this thread has computed: what others do on the machine does not count."""

    def monotonic(self) -> float:
        return time.thread_time()
