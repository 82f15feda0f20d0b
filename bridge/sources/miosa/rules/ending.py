"""Decides when a feed is over: its row says so, then two quiet looks and five seconds follow.

A row may be written before the last events are, and a failed sandbox may recover, so neither a row
nor an event alone ends a follow.
"""

from __future__ import annotations

from dataclasses import dataclass

QUIET_LOOKS = 2  # in a row that bring nothing new
GRACE_S = 5.0  # least time after the row first showed the end, and after the last news
CAP_S = 60.0  # then the feed is over even if events still arrive
ASK_S = 2.5  # between two looks: two of them fill GRACE_S


@dataclass(slots=True)
class Ending:
    """Watches one feed. Instants are monotonic seconds."""

    since: float | None = None  # when the row was first seen over
    quiet: int = 0
    _news_at: float = 0.0

    @property
    def is_near(self) -> bool:
        """Whether the row was last seen over, so that the wait for the end runs."""
        return self.since is not None

    def saw_row(self, now: float, *, is_end: bool) -> None:
        """Note a read of the row; a row that left the end again cancels it."""
        if not is_end:
            self.since = None
        elif self.since is None:
            self.since = self._news_at = now
            self.quiet = 0

    def saw_look(self, now: float, *, is_fresh: bool) -> None:
        """Note a look for events (a page, or a stream's silence), with or without news."""
        if self.since is None:
            return
        self.quiet = 0 if is_fresh else self.quiet + 1
        if is_fresh:
            self._news_at = now

    def is_over(self, now: float) -> bool:
        """Return whether the feed has ended: its row is over, and looks stay without news."""
        if self.since is None:
            return False
        if now - self.since >= CAP_S:
            return True
        is_quiet = self.quiet >= QUIET_LOOKS and now - self._news_at >= GRACE_S
        return is_quiet and now - self.since >= GRACE_S

    def ask_at(self, now: float) -> float:
        """When the next look is worth a request."""
        if self.since is None:
            return now
        if self.quiet >= QUIET_LOOKS - 1:
            return max(now + 1.0, max(self.since, self._news_at) + GRACE_S)
        return now + ASK_S
