"""When a request of one token may leave, whatever it is for.

Polls keep an even pace, contacts take any place that is certainly free, interactive requests take
what the pace leaves; a refusal pauses all of them. Which run a place is for is `schedule.py`'s.
Pure: times are seconds of one monotonic clock, passed in as `now`, and never go back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from bridge.core.pace.budget import GIVE_UP_S, WINDOW_S, Budget
from bridge.core.pace.opening import Opening
from bridge.core.pace.others import ForeignUse

RESERVE = 3  # places in the window left to interactive calls and unknown others
SPARE_S = 0.25  # added to the pace, so that a usual answer time does not make the gate wait
FOREIGN_SPARE = 2  # places left free above the learnt foreign use (scheduler.md 3)
CAP_MIN = 6  # background places kept whatever is learnt: one request in 10 s still learns
SET_BACK_S = 1.0  # a wall clock that moved less is in step, or nearly so
RETRY_AFTER_S = 60.0  # assumed when a refusal names no time (mogplex.md 1.11)


class Pace:
    """The places of one token. Every place that is taken is given back by exactly one of
    `answered`, `refused` and `interactive_done`.
    """

    def __init__(self, *, limit: int, margin: float, ra_cap: float) -> None:
        """`limit` requests in a window; `margin`, seconds: see `Budget`; `ra_cap`: longest
        obedience to Retry-After, seconds.
        """
        self.budget = Budget(limit=limit, margin=margin)
        self.foreign = ForeignUse()
        self.cycle_s = WINDOW_S + margin + SPARE_S  # in which as many polls leave as `cap` says
        self.refused_count = 0
        self._ra_cap = ra_cap
        self._reserve = RESERVE
        self._opening = Opening()
        self._assumed_before = -math.inf  # what was answered before is only an assumption
        self._sent_at = -math.inf
        self._contact_at = -math.inf  # when the last one left
        self._refused_at = -math.inf
        self._refused_until = -math.inf
        self._held_until = -math.inf

    def set_limits(self, *, reserve: int = RESERVE, requests_per_minute: int | None = None) -> None:
        """Places that background requests leave free, said in one way or the other.

        Raises ValueError when no background request would ever be possible.
        """
        limit = self.budget.limit
        if requests_per_minute is not None:
            reserve = max(0, limit - requests_per_minute)
        if not 0 <= reserve < limit:
            raise ValueError(
                f"reserve: {reserve} of {limit} leaves nothing to poll with; give 0 to {limit - 1}"
            )
        self._reserve = reserve

    def start(self, now: float, log: Iterable[float] | None) -> None:
        """Begin; see `Scheduler.start`."""
        times = None if log is None else list(log)
        if times is None or any(t > now + GIVE_UP_S + SET_BACK_S for t in times):
            cap = self.budget.limit - self._reserve
            self.budget.assume_paced(now, cap, self.cycle_s / cap)
            self._assumed_before = now
            self._opening.begin(now)
            return
        self.budget.restore(now, times)
        self._assumed_before = -math.inf  # somebody may have looked before: nothing is assumed now
        self._opening = Opening()
        self._sent_at = max((t for t in times if t <= now), default=-math.inf)
        self._contact_at = self._sent_at  # there may be bursts among them

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`; a time that has passed ends the pause."""
        self._held_until = until

    # When

    def paused_until(self, now: float) -> tuple[float, Literal["retry_after"] | None]:
        """Until when nothing at all leaves, and what for."""
        if now < self._refused_until:
            return self.blocked_until, "retry_after"
        return self._held_until, None

    @property
    def blocked_until(self) -> float:
        """The end of all pauses; it may have passed."""
        return max(self._refused_until, self._held_until)

    def contact_free_at(self, now: float, contacts_out: int) -> float:
        """When a contact may leave: in any place that is certainly free, or worth a try."""
        cap = self.cap(now)
        if not self._opening.may_send(now, contacts_out):
            return math.inf
        if self._opening.is_open(now) and self.budget.own(now, self._assumed_before) < cap:
            return now
        return self.budget.free_at(now, cap)

    def may_repeat(self, now: float, runs: int) -> bool:
        """Whether what was heard before, of so many runs, may be contacted again off the pace.

        A process that dies every few seconds would spend the window on that, and then hear nothing
        for the rest of the minute. So once a third of the window is used all runs together get no
        more than the pace would give them, which few restarts ever notice.
        """
        cap = self.cap(now)
        if 3 * self.budget.used(now) < cap:
            return True
        span_s = min(runs * self.cycle_s / cap, WINDOW_S)
        return self.budget.own(now, now - span_s) < min(runs, cap)

    def tick_at(self, now: float) -> tuple[float, Literal["budget"] | None]:
        """When the next poll may leave, and what it waits for."""
        cap = self.cap(now)
        gap_s = self.cycle_s / cap
        if now < self._contact_at + self.cycle_s:  # a burst is in the window: share what it left
            gap_s = max(gap_s, self.budget.even_gap(now, cap, self._sent_at))
        until = max(self.budget.free_at(now, cap), self._sent_at + gap_s)
        if until <= now:
            return now, None
        return min(until, self.foreign.changes_at(now)), "budget"

    def cap(self, now: float) -> int:
        """Places that background requests may fill."""
        limit = self.budget.limit
        cap = limit - self._reserve
        foreign = self.foreign.estimate(now)
        if foreign > 0.0:
            cap = min(cap, max(CAP_MIN, limit - math.ceil(foreign) - FOREIGN_SPARE))
        return cap

    def assumed(self, now: float) -> int:
        """Of the places that are taken: those of a predecessor that nobody has seen."""
        return self.budget.used(now) - self.budget.own(now, self._assumed_before)

    # What happens to a place

    def sent(self, now: float, *, is_contact: bool) -> None:
        """A background request leaves."""
        self.budget.send()
        self._sent_at = now
        if is_contact:
            self._contact_at = now

    def answered(self, now: float, *, is_contact: bool) -> None:
        """It was not refused; the server may have counted it as late as now."""
        self.budget.charge(now)
        if is_contact:
            self._opening.taken()
            # More than the assumed predecessor had left were taken: those it sent were not there.
            if self.budget.used(now) > self.budget.limit:
                self.budget.forget_before(self._assumed_before)

    def refused(self, now: float, retry_after: float | None, sent_at: float | None) -> None:
        """The server refused a request that left at `sent_at`, None for one that is not ours to
        give a place back for (interactive). Pause, and learn how much of the window is foreign.
        """
        if sent_at is not None:
            self.budget.release()
        self.refused_count += 1
        wait_s = RETRY_AFTER_S if retry_after is None else max(0.0, retry_after)
        self._refused_until = max(self._refused_until, now + min(wait_s, self._ra_cap))
        # Requests on the wire when the first refusal came tell nothing that it did not.
        if sent_at is None or sent_at >= self._refused_at:
            if not self._opening.is_open(now) or self._opening.was_refused:
                self.foreign.refused(now, self.budget.limit - self.budget.used(now))
            self._opening.begin(self._refused_until, after_refusal=True)
            self._refused_at = now

    # Requests of people: commands, the gateway

    def try_interactive(self, now: float) -> bool:
        """Take a place for a request that somebody waits for; False when there is none."""
        if now < self._refused_until or now < self._held_until:
            return False
        limit = self.budget.limit
        room = max(limit - math.ceil(self.foreign.estimate(now)), self.cap(now) + 1)
        if self.budget.used(now) >= min(limit, room):
            return False
        self.budget.send()
        return True

    def interactive_done(self, now: float, *, counted: bool) -> None:
        """`counted`: the server may have counted it (False: refused)."""
        if counted:
            self.budget.charge(now)
        else:
            self.budget.release()
