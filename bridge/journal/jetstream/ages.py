"""How old checkpoints are, without the wall clock of whoever stored them.

One that comes by the tail was stored a moment before it came, on the own clock. One that was there
at the start has the engine's stamp, and the engine says what time it is: two readings of one clock.
"""

from __future__ import annotations

from datetime import datetime

from bridge.clock import Clock


class Ages:
    """By name. Rather too little than too much: what is believed to be new is waited for."""

    def __init__(self, clock: Clock, engine_now: str) -> None:
        """`engine_now`: what the engine's clock just said, RFC 3339."""
        self._clock = clock
        self._shift_s = clock.monotonic() - _seconds(engine_now)
        self._stored_s: dict[str, float] = {}  # monotonic

    def note(self, name: str, at: str) -> None:
        """It was stored; `at`: by the engine's clock, empty when that was just now."""
        now = self._clock.monotonic()
        self._stored_s[name] = min(_seconds(at) + self._shift_s, now) if at else now

    def age_s(self, name: str) -> float | None:
        """None: never stored."""
        stored_s = self._stored_s.get(name)
        return None if stored_s is None else self._clock.monotonic() - stored_s


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
