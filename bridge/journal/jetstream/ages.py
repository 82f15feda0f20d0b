"""Measures the age of checkpoints without the wall clock of the process that stored them.

A checkpoint that the tail brings was stored a moment before, on the own clock. One that existed at
the start has the engine's timestamp, and the engine says what time it is: one clock, read twice.
"""

from __future__ import annotations

from datetime import datetime

from bridge.clock import Clock


class Ages:
    """Ages by name; too low rather than too high, as the bridge waits for young ones."""

    def __init__(self, clock: Clock, engine_now: str) -> None:
        """`engine_now`: the present time of the engine's clock, RFC 3339."""
        self._clock = clock
        self._shift_s = clock.monotonic() - _seconds(engine_now)
        self._stored_s: dict[str, float] = {}  # monotonic

    def note(self, name: str, at: str) -> None:
        """Note a checkpoint; `at` is by the engine's clock, empty for one stored just now."""
        now = self._clock.monotonic()
        self._stored_s[name] = min(_seconds(at) + self._shift_s, now) if at else now

    def age_s(self, name: str) -> float | None:
        """Return the age in seconds; None: never stored."""
        stored_s = self._stored_s.get(name)
        return None if stored_s is None else self._clock.monotonic() - stored_s


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
