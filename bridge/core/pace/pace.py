"""Decides when a request of one token may leave, whatever it is for.

Polls keep an even pace, contacts take any place that is certainly free, interactive requests take
the places that the pace leaves; a refusal pauses all of them. `schedule.py` chooses the run.
Pure: times are seconds of one monotonic clock, passed in as `now`, and never go back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from bridge.core.pace.budget import GIVE_UP_S, WINDOW_S, Budget
from bridge.core.pace.opening import Opening
from bridge.core.pace.others import ForeignUse

RESERVE = 3  # places in the window for interactive requests and unknown other programs
SPARE_S = 0.25  # added to the pace, so that a usual response time does not delay the next poll
FOREIGN_SPARE = 2  # places kept free beyond the estimate of foreign use (scheduler.md 3)
CAP_MIN = 6  # background places always kept: one request in 10 s still updates the estimate
SET_BACK_S = 1.0  # a wall clock that moved less counts as correct
RETRY_AFTER_S = WINDOW_S  # the pause after a refusal without Retry-After; the window is then empty


class Pace:
    """The places of one token.

    The caller returns every place that it takes by exactly one of `answered`, `refused` and
    `interactive_done`.
    """

    def __init__(self, *, limit: int, margin: float, ra_cap: float) -> None:
        """Create the limiter of one token.

        Args:
            limit: Requests per window.
            margin: Seconds; see `Budget`.
            ra_cap: The longest Retry-After that is obeyed, seconds.
        """
        self.budget = Budget(limit=limit, margin=margin)
        self.foreign = ForeignUse()
        self.cycle_s = WINDOW_S + margin + SPARE_S  # as many polls as `cap` says leave in this time
        self.refused_count = 0
        self._ra_cap = ra_cap
        self._reserve = RESERVE
        self._opening = Opening()
        self._assumed_before = -math.inf  # requests answered before are only assumed
        self._sent_at = -math.inf
        self._contact_at = -math.inf  # when the last one left
        self._refused_at = -math.inf
        self._refused_until = -math.inf
        self._held_until = -math.inf

    def set_limits(self, *, reserve: int = RESERVE, requests_per_minute: int | None = None) -> None:
        """Set how many places background requests leave free, in one of two ways.

        Raises:
            ValueError: No background request would ever be possible.
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
        # others may have sent requests before: this is an assumption now
        self._assumed_before = -math.inf
        self._opening = Opening()
        self._sent_at = max((t for t in times if t <= now), default=-math.inf)
        self._contact_at = self._sent_at  # these may include bursts

    def hold(self, until: float) -> None:
        """Nothing leaves before `until`; a time that has passed ends the pause."""
        self._held_until = until

    # When

    def paused_until(self, now: float) -> tuple[float, Literal["retry_after"] | None]:
        """Return until when nothing at all leaves, and why."""
        if now < self._refused_until:
            return self.blocked_until, "retry_after"
        return self._held_until, None

    @property
    def blocked_until(self) -> float:
        """The end of all pauses; it may have passed."""
        return max(self._refused_until, self._held_until)

    def contact_free_at(self, now: float, contacts_out: int) -> float:
        """Return when a contact may leave: in a place that is certainly free, or worth a try."""
        cap = self.cap(now)
        if not self._opening.may_send(now, contacts_out):
            return math.inf
        if self._opening.is_open(now) and self.budget.own(now, self._assumed_before) < cap:
            return now
        return self.budget.free_at(now, cap)

    def may_repeat(self, now: float, runs: int) -> bool:
        """Whether one of so many known `runs` may be contacted again off the pace.

        A process that dies every few seconds would spend the window on such contacts, and then no
        run would be read for the rest of the minute. So once a third of the window is used, all
        runs together get no more than the pace allows; few restarts ever reach that.
        """
        cap = self.cap(now)
        if 3 * self.budget.used(now) < cap:
            return True
        span_s = min(runs * self.cycle_s / cap, WINDOW_S)
        return self.budget.own(now, now - span_s) < min(runs, cap)

    def tick_at(self, now: float) -> tuple[float, Literal["budget"] | None]:
        """Return when the next poll may leave, and what it waits for."""
        cap = self.cap(now)
        gap_s = self.cycle_s / cap
        # a burst is in the window: share the places that it left
        if now < self._contact_at + self.cycle_s:
            gap_s = max(gap_s, self.budget.even_gap(now, cap, self._sent_at))
        until = max(self.budget.free_at(now, cap), self._sent_at + gap_s)
        if until <= now:
            return now, None
        return min(until, self.foreign.changes_at(now)), "budget"

    def cap(self, now: float) -> int:
        """Return the number of places that background requests may fill."""
        limit = self.budget.limit
        cap = limit - self._reserve
        foreign = self.foreign.estimate(now)
        if foreign > 0.0:
            cap = min(cap, max(CAP_MIN, limit - math.ceil(foreign) - FOREIGN_SPARE))
        return cap

    def assumed(self, now: float) -> int:
        """Return the number of busy places that a predecessor is only assumed to have taken."""
        return self.budget.used(now) - self.budget.own(now, self._assumed_before)

    # Outcomes

    def sent(self, now: float, *, is_contact: bool) -> None:
        """Note that a background request leaves."""
        self.budget.send()
        self._sent_at = now
        if is_contact:
            self._contact_at = now

    def answered(self, now: float, *, is_contact: bool) -> None:
        """Note an answer; the server may have counted the request as late as now."""
        self.budget.charge(now)
        if is_contact:
            self._opening.taken()
            # More requests succeeded than the assumed predecessor had left places for: it sent
            # fewer.
            if self.budget.used(now) > self.budget.limit:
                self.budget.forget_before(self._assumed_before)

    def refused(self, now: float, retry_after: float | None, sent_at: float | None) -> None:
        """Note a refusal: pause, and estimate how much of the window is foreign.

        `sent_at` is when the request left; None for an interactive one, whose place is not freed
        here.
        """
        if sent_at is not None:
            self.budget.release()
        self.refused_count += 1
        wait_s = RETRY_AFTER_S if retry_after is None else max(0.0, retry_after)
        self._refused_until = max(self._refused_until, now + min(wait_s, self._ra_cap))
        # Requests that were on the wire at the first refusal add no information.
        if sent_at is None or sent_at >= self._refused_at:
            if not self._opening.is_open(now) or self._opening.was_refused:
                self.foreign.refused(now, self.budget.limit - self.budget.used(now))
            self._opening.begin(self._refused_until, after_refusal=True)
            self._refused_at = now

    # Interactive requests: commands, the gateway

    def try_interactive(self, now: float) -> bool:
        """Take a place for an interactive request; False when there is none."""
        if now < self._refused_until or now < self._held_until:
            return False
        limit = self.budget.limit
        room = max(limit - math.ceil(self.foreign.estimate(now)), self.cap(now) + 1)
        if self.budget.used(now) >= min(limit, room):
            return False
        self.budget.send()
        return True

    def interactive_done(self, now: float, *, counted: bool) -> None:
        """Return an interactive request's place; `counted`: the server may have counted it."""
        if counted:
            self.budget.charge(now)
        else:
            self.budget.release()
