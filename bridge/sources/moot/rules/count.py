"""Uses `event_count` as a check only: upstream does not define what it counts (moot.md 2.3).

AT EASE ──more than known──> SEARCHED ──still more at the next reading──> a gap, reported once
   ^                            │
   └──no longer more────────────┘   twice without news: the count is unreliable and ignored
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

FLAPS_MAX = 2  # false alarms until the count is ignored


class Verdict(enum.Enum):
    """The reaction to a reading of the count."""

    FINE = "fine"
    SEARCH = "search"  # read backward once: events may be missing
    MISSING = "missing"  # the search found nothing: report a gap


@dataclass(slots=True)
class CountCheck:
    """Compares readings with the number of known events; `deficit` is how many are missing now."""

    told: int = 0  # missing and reported: no reason for another search
    deficit: int = 0
    flaps: int = 0
    _count: int = 0  # the last reading
    _searched_at: int | None = None  # the number of known events at the last search

    @property
    def is_reliable(self) -> bool:
        """Whether the count is used at all."""
        return self.flaps < FLAPS_MAX

    def read(self, count: int | None, known: int, *, is_last: bool = False) -> Verdict:
        """Judge a reading. `is_last`: no other one follows, so report what is missing now."""
        self._count = count or 0
        self.deficit = 0 if count is None else max(0, count - known - self.told)
        if self.deficit == 0 or not self.is_reliable:
            if self._searched_at == known and count is not None:
                self.flaps += 1  # a search in vain, and then the count went back
            self._searched_at = None
            return Verdict.FINE
        if self._searched_at is None:
            self._searched_at = known
            return Verdict.SEARCH
        if not is_last and self._searched_at != known:
            self._searched_at = known  # events came meanwhile: the reading may be older
            return Verdict.FINE
        return Verdict.MISSING

    def searched(self, known: int) -> None:
        """Note that the search is over; it may have found the missing events."""
        if self._searched_at is not None:
            self._searched_at = known if self._count > known + self.told else None

    def tell(self) -> int:
        """Return how many events are reported missing now."""
        missing, self.deficit = self.deficit, 0
        self.told += missing
        self._searched_at = None
        return missing
