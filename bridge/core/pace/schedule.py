"""Decides which run of one token to poll next, and when: the paced square-root index.

One background request leaves per tick of an even pace, for the run with the most to gain
(`ranking.py`); interactive requests use the places that the pace leaves free. While no other
program uses the token, the server refuses no request (`budget.py`); refusals show the use of others
(`others.py`). `pace.py` decides when a request may leave, this module for which run. No clock, no
sleep, no chance: the same calls give the same answers. Algorithm and constants: scheduler.md 3, 6
and 7; promises: scheduler.md 8 and `tests/property/test_scheduler_invariants.py`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from bridge.core.pace.budget import LIMIT, MARGIN_S
from bridge.core.pace.pace import RESERVE, Pace
from bridge.core.pace.ranking import Ranking, Want
from bridge.core.pace.run_rate import Constants, Followed, Phase
from bridge.core.pace.snapshot import Snapshot
from bridge.core.status import State

Run = TypeVar("Run", bound=Hashable)
Window = Literal["latest", "first"]

KAPPA = 3.0  # a run this many mean intervals old is served first (scheduler.md 3)
IN_FLIGHT_MAX = 8  # background requests on the wire at once (scheduler.md 3)
IDLE_S = 60.0  # longest wait that `next` returns; a report may end it earlier
TENANT_MIX = 0.25  # beta: 0 shares by need, 1 gives every tenant the same (scheduler.md 6)


@dataclass(slots=True)
class _Flight:
    sent_at: float
    entry: Followed  # differs from the followed one when the run was forgotten and added again
    is_contact: bool  # it left off the pace


class Scheduler(Generic[Run]):
    """Decides for one token. All times are seconds of one monotonic clock, passed in as `now`.

    The caller sends the request that `next` returns at once, and reports its outcome by exactly one
    of `observe`, `spent`, `on_429`, `on_error`. A `now` before an earlier one counts as that one.
    """

    def __init__(  # noqa: PLR0913 - all by name, all with a default
        self,
        *,
        limit: int = LIMIT,
        reserve: int = RESERVE,
        requests_per_minute: int | None = None,
        margin: float = MARGIN_S,
        min_interval: float = 1.0,
        q: float = 0.5,
        ra_cap: float = 60.0,
        window: Window = "latest",
        kappa: float = KAPPA,
        max_inflight: int = IN_FLIGHT_MAX,
        beta: float = TENANT_MIX,
        page_events: float = math.inf,
    ) -> None:
        """Set what an operator may choose.

        reserve: places of `limit` that background requests leave free; requests_per_minute says
        the same the other way round. min_interval: fastest poll of one run, seconds. q: 0 serves
        all runs alike, 0.5 gives the least mean delay. ra_cap: longest obedience to Retry-After,
        seconds. page_events: most events that an upstream page shows. window: which ones it shows
        of a run with more.

        Raises:
            ValueError: No background request would ever be possible.
        """
        self._pace = Pace(limit=limit, margin=margin, ra_cap=ra_cap)
        self._constants = Constants(q=q, page_events=page_events)
        self._window = window
        self._kappa = kappa
        self._in_flight_max = max_inflight
        self._ranking: Ranking[Run] = Ranking(beta=beta)
        self._flights: dict[Run, _Flight] = {}
        self._contacts_out = 0  # of the flights
        self.is_probing = False  # one request at a time: its reply decides for all runs
        self._now = -math.inf
        self._is_started = False
        self._wait_reason: Literal["budget", "retry_after"] | None = None
        self._wait_until = -math.inf
        self._waited = {"budget": 0.0, "retry_after": 0.0}
        self.set_limits(
            reserve=reserve, requests_per_minute=requests_per_minute, min_interval=min_interval
        )

    # Followed runs and limits

    def set_limits(
        self,
        *,
        reserve: int = RESERVE,
        requests_per_minute: int | None = None,
        min_interval: float = 1.0,
    ) -> None:
        """Apply settings of the constructor again, after a reload of the configuration."""
        self._pace.set_limits(reserve=reserve, requests_per_minute=requests_per_minute)
        self._min_interval = min_interval

    def start(self, now: float, log: Iterable[float] | None = None) -> None:
        """Begin; `log` is what a predecessor's `log` returned, mapped to this clock.

        Without a log, or with one from the future (its clock was set back), polls assume a
        predecessor at full pace, and contacts start slowly (`opening.py`).
        """
        self._is_started = True
        self._pace.start(self._advance(now), log)

    def log(self, now: float) -> list[float]:
        """Return the receive times that a successor needs for `start`; at most `limit`."""
        return self._pace.budget.log(self._advance(now))

    def add(  # noqa: PLR0913 - all but three by name, with a default
        self,
        run: Run,
        now: float,
        state: State | None = None,
        *,
        window: Window | None = None,
        seen: int = 0,
        tenant: Hashable = None,
        weight: float = 1.0,
        not_before: float = 0.0,
        unheard: float | None = None,
    ) -> None:
        """Follow `run` from now on; a run that is followed already keeps its estimates.

        state: if known. seen: events of it that the caller has already. tenant:
        see `beta`. weight: 2 doubles its urgency. unheard: the first request is a contact, lowest
        number first: the time of its last read, -inf for never.
        """
        now = self._advance(now)
        if run in self._ranking.followed:
            return
        entry = Followed(
            now,
            state,
            self._constants,
            is_first_window=(window or self._window) == "first",
            seen=seen,
            tenant=tenant,
            multiplier=weight,
        )
        entry.not_before = not_before
        self._ranking.add(run, entry)
        if unheard is not None:
            self._ranking.unheard(run, unheard)
        if run in self._flights:
            entry.is_out = True  # a request from before it was forgotten
            entry.ready_at = math.inf
        else:
            self._back(run, entry, now)

    def forget(self, run: Run) -> None:
        """Stop following. A request in flight keeps its place until its outcome is reported."""
        self._ranking.remove(run)

    def request(self, run: Run, now: float, want: Want = Want.POLL) -> None:
        """Request a background place for another request of `run` than a poll.

        `next` returns the run before all polls and whatever its `not_before`: at the next tick, or
        in any free place for a contact; the caller decides what to send.
        """
        self._advance(now)
        self._ranking.want(run, want)

    def reopen(self, now: float) -> None:
        """Contact again all polled runs: the token did not work for a while."""
        now = self._advance(now)
        for run, entry in self._ranking.followed.items():
            if entry.not_before <= now:
                entry.errors = 0
                self._ranking.unheard(run, entry.snapshot_at)

    def hold(self, until: float) -> None:
        """Send nothing with this token before `until`; a time that has passed ends the pause."""
        self._pace.hold(until)

    # The decision

    def next(self, now: float) -> tuple[Literal["poll"], Run] | tuple[Literal["wait"], float]:
        """Return ("poll", run), to be sent at once, or ("wait", until) with until > now.

        Waiting changes nothing: at the same time, the answer is the same. After every report
        (`observe` and so on) an earlier call may be useful.
        """
        now = self._advance(now)
        until, reason = self._paused_until(now)
        if until <= now:
            contact_at = self._pace.contact_free_at(now, self._contacts_out)
            may_repeat = self._pace.may_repeat(now, len(self._ranking.followed))
            contact = self._ranking.pick_contact(now, may_repeat=may_repeat)
            if contact is not None and contact_at <= now:
                return self._send(contact, now, is_contact=True)
            until, reason = self._tick_at(now)
            if until <= now:
                self._ranking.wake(now)
                run = self._ranking.pick(now, overdue_before=now - self._overdue_s(now))
                if run is not None:
                    return self._send(run, now)
                until = self._ranking.ready_at()
            elif reason == "budget" and not self._ranking.is_any_ready(now):
                reason = None
            if contact is not None:
                until = min(until, contact_at)
        self._wait_reason = reason
        # Rounding must never return a wait that is over already.
        self._wait_until = min(max(until, math.nextafter(now, math.inf)), now + IDLE_S)
        return "wait", self._wait_until

    def _paused_until(self, now: float) -> tuple[float, Literal["budget", "retry_after"] | None]:
        """Return until when nothing at all leaves, and why."""
        until, reason = self._pace.paused_until(now)
        if reason is not None:
            return until, reason
        if self.is_probing and self._flights:
            return math.inf, None
        return until, None

    def _tick_at(self, now: float) -> tuple[float, Literal["budget", "retry_after"] | None]:
        """Return when the next poll may leave, and what it waits for."""
        if len(self._flights) - self._contacts_out >= self._in_flight_max:
            return math.inf, None
        return self._pace.tick_at(now)

    def _overdue_s(self, now: float) -> float:
        """Return the age from which a run goes first: `kappa` times the mean interval."""
        return self._kappa * self._ranking.active_count * self._pace.cycle_s / self._pace.cap(now)

    def _send(
        self, run: Run, now: float, *, is_contact: bool = False
    ) -> tuple[Literal["poll"], Run]:
        self._wait_reason = None
        self._pace.sent(now, is_contact=is_contact)
        self._contacts_out += is_contact
        entry = self._ranking.taken(run)
        entry.sent_at = now
        self._flights[run] = _Flight(now, entry, is_contact)
        return "poll", run

    # Outcomes of the requests that `next` returned

    def observe(
        self,
        run: Run,
        now: float,
        events: int | Sequence[float] = 0,
        state: State | None = None,
        *,
        done: bool | None = None,
        not_before: float = 0.0,
        window: Window | None = None,
    ) -> None:
        """Note an answer. A late or unknown one frees its place and changes no estimate.

        events: new ones only; their number, or their times on the clock of `now`. state:
        None for unchanged. done: True forgets the run; False keeps a terminal
        one as not yet confirmed; None forgets it when a second answer is terminal too.
        not_before: no poll earlier. window: the kind of window, as its page shows it.
        """
        now = self._advance(now)
        flight = self._land(run, now)
        if flight is None:
            return
        entry = flight.entry
        if window is not None:
            entry.is_first_window = window == "first"
        was_terminal = entry.phase is Phase.TERMINAL
        entry.observed((flight.sent_at + now) / 2.0, events, state)
        self._ranking.heard(run)
        if done is None:
            done = was_terminal and entry.phase is Phase.TERMINAL
        if done:
            self._ranking.remove(run)
        else:
            entry.not_before = not_before
            self._back(run, entry, now)

    def spent(self, run: Run, now: float, *, not_before: float = 0.0) -> None:
        """Note an answer that shows nothing about events: see `request`."""
        now = self._advance(now)
        flight = self._land(run, now)
        if flight is not None:
            self._ranking.heard(run)
            flight.entry.not_before = not_before
            self._back(run, flight.entry, now)

    def on_error(self, run: Run, now: float, *, not_before: float = 0.0) -> None:
        """Note a missing or useless answer; the server may have counted the request as late as now.

        not_before: the caller's back-off for this run.
        """
        now = self._advance(now)
        flight = self._land(run, now)
        if flight is not None:
            flight.entry.failed(now)
            if flight.entry.errors > 1:
                self._ranking.heard(run)  # it does not answer, so let others go first
            flight.entry.not_before = not_before
            self._back(run, flight.entry, now)

    def on_429(self, run: Run, now: float, retry_after: float | None = None) -> None:
        """Note a refusal: pause the token and estimate how much of the window is foreign.

        `run` may be one that is not in flight, after a refused interactive request, which the
        caller also reports by `interactive_done(now, False)`.
        """
        now = self._advance(now)
        flight = self._pop_flight(run)
        self._pace.refused(now, retry_after, None if flight is None else flight.sent_at)
        if flight is not None:
            self._back_if_followed(run, now)

    # Interactive requests: commands, the gateway

    def try_interactive(self, now: float) -> bool:
        """Take a place for an interactive request; False when there is none.

        On True, send it at once and report `interactive_done`. Background requests wait until the
        reserve is whole again.
        """
        return self._pace.try_interactive(self._advance(now))

    def interactive_done(self, now: float, counted: bool = True) -> None:  # noqa: FBT001, FBT002 - a fixed interface
        """Note the outcome; `counted`: the server may have counted it (False: refused)."""
        self._pace.interactive_done(self._advance(now), counted=counted)

    # State for metrics

    def snapshot(self, now: float) -> Snapshot:
        """Return the state for metrics."""
        now = self._advance(now)
        overdue_before = now - self._overdue_s(now)
        active = self._ranking.active()
        pace, blocked_until = self._pace, self._pace.blocked_until
        return Snapshot(
            used=pace.budget.used(now),
            assumed=pace.assumed(now),
            cap=pace.cap(now),
            foreign=pace.foreign.estimate(now),
            quiet_s=pace.foreign.quiet_s,
            refused_count=pace.refused_count,
            blocked_until=blocked_until if blocked_until > now else 0.0,
            followed=len(self._ranking.followed),
            unheard=self._ranking.unheard_count,
            in_flight=len(self._flights),
            age_max_s=max((now - entry.snapshot_at for entry in active), default=0.0),
            overdue_count=sum(entry.since < overdue_before for entry in active),
            gap_risk_count=sum(entry.gap_at < now for entry in active),
            waited_budget_s=self._waited["budget"],
            waited_retry_after_s=self._waited["retry_after"],
        )

    # Shared steps

    def _advance(self, now: float) -> float:
        """Advance the clock, never backward, and book the time since the last call."""
        if not self._is_started:
            self.start(now)
        if now <= self._now:
            return self._now
        if self._wait_reason is not None:
            booked_to = min(now, self._wait_until)  # a caller that sleeps longer waits for itself
            self._waited[self._wait_reason] += max(0.0, booked_to - self._now)
        self._now = now
        return now

    def _land(self, run: Run, now: float) -> _Flight | None:
        """Free the place of an answered request; None when the answer is too late to use."""
        flight = self._pop_flight(run)
        if flight is None:
            return None
        self._pace.answered(now, is_contact=flight.is_contact)
        if self._ranking.followed.get(run) is flight.entry:
            return flight
        self._back_if_followed(run, now)
        return None

    def _pop_flight(self, run: Run) -> _Flight | None:
        flight = self._flights.pop(run, None)
        if flight is not None:
            self._contacts_out -= flight.is_contact
        return flight

    def _back_if_followed(self, run: Run, now: float) -> None:
        """Put the run back, also one that was forgotten and added again during its request."""
        entry = self._ranking.followed.get(run)
        if entry is not None:
            self._back(run, entry, now)

    def _back(self, run: Run, entry: Followed, now: float) -> None:
        interval_s = max(self._min_interval, entry.calm_s(now))
        ready_at = max(entry.sent_at + interval_s, entry.not_before)
        self._ranking.back(run, entry, ready_at=ready_at, parked=entry.not_before > now)
