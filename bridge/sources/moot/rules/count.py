"""`event_count` as a check, not as the truth (moot.md 2.3: what it counts is written nowhere).

AT EASE ──more than known──> SEARCHED ──still more at the next reading──> a gap, told once
   ^                            │
   └──no longer more────────────┘   seen twice without news: it flaps, and is believed no more
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

FLAPS_MAX = 2  # alarms that passed by themselves, until the count is not believed


class Verdict(enum.Enum):
    """What a reading of the count asks for."""

    FINE = "fine"
    SEARCH = "search"  # walk back once: something may have been passed over
    MISSING = "missing"  # it was searched for, and is told


@dataclass(slots=True)
class CountCheck:
    """Compares readings with what is known. `deficit` is how many are missing now."""

    told: int = 0  # missing, and told: no reason for alarm again
    deficit: int = 0
    flaps: int = 0
    _count: int = 0  # of the last reading
    _searched_at: int | None = None  # what was known when it was searched for the last time

    def read(self, count: int | None, known: int, *, is_last: bool = False) -> Verdict:
        """One reading. `is_last`: there will be no other, so what is missing now is told."""
        self._count = count or 0
        self.deficit = 0 if count is None else max(0, count - known - self.told)
        if self.deficit == 0 or self.flaps >= FLAPS_MAX:
            if self._searched_at == known and count is not None:
                self.flaps += 1  # it was searched for in vain, and then the count went back
            self._searched_at = None
            return Verdict.FINE
        if self._searched_at is None:
            self._searched_at = known
            return Verdict.SEARCH
        if not is_last and self._searched_at != known:
            self._searched_at = known  # events came meanwhile: the reading may be of before
            return Verdict.FINE
        return Verdict.MISSING

    def searched(self, known: int) -> None:
        """The walk is over; it may have brought what was missing."""
        if self._searched_at is not None:
            self._searched_at = known if self._count > known + self.told else None

    def tell(self) -> int:
        """How many are told as missing now."""
        missing, self.deficit = self.deficit, 0
        self.told += missing
        self._searched_at = None
        return missing
