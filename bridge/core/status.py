"""Six words for the state of a feed, the same for every system.

Upstream's own word stays beside them unchanged (`status`); these (`state`) are for people, pages
and metrics that show several systems at once. Each system maps its words to them.
"""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """The state of a feed. An unknown word of upstream is RUNNING: it may not be over."""

    PENDING = "pending"  # accepted, not begun
    RUNNING = "running"
    WAITING = "waiting"  # for a person or for another feed
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether upstream has finished; the feed ends later, with its last record."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)
