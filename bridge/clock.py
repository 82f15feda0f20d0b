"""The clocks. Only this module reads the time; all others get a clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one to measure waits, one for people."""

    def monotonic(self) -> float:
        """Seconds that never jump; compare only with each other."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()


class ProcessorClock(SystemClock):
    """Seconds of CPU time of this thread; other threads and processes do not count."""

    def monotonic(self) -> float:
        """Return the CPU time in seconds that the calling thread has used."""
        return time.thread_time()
