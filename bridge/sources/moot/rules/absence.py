"""Decides when a space that was read counts as deleted: one refusal may be temporary."""

from __future__ import annotations

from dataclasses import dataclass

STRIKES = 3
SPAN_S = 30.0  # between the first and the last of them


@dataclass(slots=True)
class Absence:
    """Counts refusals in a row."""

    strikes: int = 0
    since: float = 0.0

    def struck(self, now: float) -> bool:
        """Note a refusal; True when the space counts as deleted."""
        if self.strikes == 0:
            self.since = now
        self.strikes += 1
        return self.strikes >= STRIKES and now - self.since >= SPAN_S

    def seen(self) -> None:
        """Note that upstream showed the space: earlier refusals no longer count."""
        self.strikes = 0
