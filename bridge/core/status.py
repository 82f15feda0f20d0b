"""Six words for how a feed stands, the same for every system.

Upstream's own word is kept beside them as it came (`status`); these are for people, pages and
metrics that show several systems at once (`state`). Which word means which is known to the system.
"""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """How a feed stands. A word that upstream made anew is RUNNING: it is not known to be over."""

    PENDING = "pending"  # accepted, not begun
    RUNNING = "running"
    WAITING = "waiting"  # for a person or for another feed
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be expected. (A feed ends only when its last record is in.)"""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELLED)
