"""Decides when a run is over (mogplex.md 1.7, completion rule).

Neither a terminal status nor a terminal event alone is enough: upstream writes them in either
order, sometimes writes only the row, and sometimes writes events after both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TERMINAL_STATUSES = frozenset({"success", "failed", "cancelled"})
# after these statuses a stream shows nothing more
RESTING_STATUSES = TERMINAL_STATUSES | {"awaiting_input"}
TERMINAL_EVENTS = frozenset({"finished", "failed", "cancelled"})  # upstream's event types

QUIET_POLLS = 2  # reads in a row that bring nothing new
GRACE_S = 5.0  # least time after the terminal status was seen
GRACE_AFTER_EVENT_S = 2.0  # the same, and one quiet read, when a terminal event came before it
CAP_S = 30.0  # then the run is over even if events still arrive
ASK_S = 2.0  # between two reads: two of them fill GRACE_S, more only cost budget


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either `is_over`, or the instant before which another read is useless."""

    is_over: bool
    ask_at: float = 0.0


@dataclass(slots=True)
class Completion:
    """Watches one run. All instants are monotonic seconds of one clock."""

    event_seen: bool = False  # a terminal event of the current segment has been seen
    _since: float | None = None  # when the status was first terminal
    _event_first: bool = False  # the terminal event came before that
    _quiet: int = 0

    @property
    def in_grace(self) -> bool:
        """Whether the status is terminal, so that the wait for late events runs."""
        return self._since is not None

    def saw_events(self, types: Iterable[str]) -> None:
        """Note new events that came without a status, by their upstream types."""
        if not TERMINAL_EVENTS.isdisjoint(types):
            self.event_seen = True

    def new_segment(self) -> None:
        """Note a new aiCallId: a terminal event of the old segment does not count any more."""
        self.event_seen = False
        self._since = None

    def saw_read(self, now: float, status: str | None, fresh_types: Iterable[str]) -> Verdict:
        """Note the outcome of one whole read of the events, received at `now`."""
        known_before = self.event_seen
        fresh = list(fresh_types)
        self.saw_events(fresh)
        if status not in TERMINAL_STATUSES:
            self._since = None  # the status is not terminal, or no longer: cancel the completion
            return Verdict(is_over=False)
        if self._since is None:
            self._since = now
            self._event_first = known_before
            self._quiet = 0
            return Verdict(is_over=False, ask_at=now + ASK_S)
        self._quiet = 0 if fresh else self._quiet + 1
        age_s = now - self._since
        quiet_polls, grace_s = (
            (1, GRACE_AFTER_EVENT_S) if self._event_first else (QUIET_POLLS, GRACE_S)
        )
        if age_s >= CAP_S or (self._quiet >= quiet_polls and age_s >= grace_s):
            return Verdict(is_over=True)
        is_last = self._quiet >= quiet_polls - 1
        return Verdict(
            is_over=False, ask_at=max(now + 1.0, self._since + grace_s) if is_last else now + ASK_S
        )
