"""When a refused token is really dead.

Upstream answers 401 also when its own look-up fails (mogplex.md 1.3), so one 401 proves nothing:
three in a row over at least thirty seconds do.
"""

from __future__ import annotations

from dataclasses import dataclass

REFUSALS = 3  # in a row
SPAN_S = 30.0  # from the first to the last of them
CONFIRM_S = 15.0  # between two tries; three of them span 30 s


@dataclass(slots=True)
class Credential:
    """The standing of one token. Instants are monotonic seconds."""

    is_dead: bool = False
    refusals: int = 0
    _first: float = 0.0

    def accepted(self) -> None:
        self.refusals = 0

    def refused(self, now: float) -> float | None:
        """Return the instant of the next try, None when the token is dead."""
        if self.refusals == 0:
            self._first = now
        self.refusals += 1
        if self.refusals >= REFUSALS and now - self._first >= SPAN_S:
            self.is_dead = True
            return None
        return now + CONFIRM_S

    def replaced(self) -> None:
        """Another token was put in its place."""
        self.is_dead = False
        self.refusals = 0
