"""Estimates one followed run: its event rate, and how urgent a poll is.

The rate is a decaying average of events over a decaying average of observed time, drawn to a prior
while few data exist. It changes only when an answer arrives, so derived values are computed then:
comparing a thousand runs must stay cheap (scheduler.md 3).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from bridge.core.status import State

# A run without changes needs no poll at full pace, even if the token has nothing else to do: after
# so many quiet seconds its interval grows by this part of the further ones, until the next change.
# A pause waits for a person; a pending run begins within seconds or not soon; a streaming run may
# be quiet for as long as an agent thinks.
CALM_PAUSED = (0.0, 1.0 / 6.0)
CALM_PENDING = (120.0, 1.0 / 12.0)
CALM_STREAMING = (600.0, 1.0 / 60.0)
CALM_S_MAX = 10.0  # longest interval for that reason


class Phase(enum.Enum):
    """What a poll of the run can show."""

    PENDING = enum.auto()  # it has not begun, or was never read
    STREAMING = enum.auto()
    TERMINAL = enum.auto()  # over, to be confirmed


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants of the index.

    A factor of 2 in any but `q` and `page_events` moves the mean by 4 % at most.
    """

    q: float = 0.5  # urgency = rate^q * age; 1/2 gives the least mean, 0 is round robin
    page_events: float = math.inf  # most events that a page of upstream shows of a run
    tau: float = 180.0  # memory of the rate, seconds
    prior_rate: float = 0.30  # events/s assumed for a run that was never read
    prior: float = 30.0  # weight of that expectation, seconds of observation
    floor_rate: float = 1.0 / 60.0  # a terminal status is worth 10 events, once in 600 s
    start_rate: float = 1.0 / 20.0  # a pending run begins after 20 s on average
    start_events: float = 3.0  # with that many events
    confirm_rate: float = 0.02  # what confirming a terminal run is worth, events/s
    guard: float = 0.6  # part of a window of the newest events that may fill before a poll is due
    pending_guard_rate: float = 0.6  # events/s with which a pending run is feared to begin
    # This part of a burst is expected to go on, and to die away. Measured with `bench.freshness`:
    # up to 7 % less mean delay where bursts last for some seconds and there are few runs, within 2
    # % elsewhere; a higher gain makes the longest delays worse.
    burst_gain: float = 0.4
    burst_tau: float = 10.0  # memory of the last seconds
    burst_prior: float = 10.0  # weight of the rate against them, seconds for each event of a clump
    burst_decay: float = 12.0  # time in which a difference dies away, seconds
    backlog_rate: float = 1.0  # events/s assumed for a first answer without event times


class Followed:
    """One run. Its urgency is `weight * (now - since)`, or `expected(now - since)` if `is_curved`.

    Curved are a pending run, and one whose event times show that the last answer fell into a
    burst or a pause.

    `share` is its weight in the square-root law: places are split in proportion to it.
    """

    __slots__ = (
        "_c",
        "_clump",
        "_near",
        "_near_s",
        "_seen_s",
        "_sum",
        "burst",
        "errors",
        "gap_at",
        "gap_rate",
        "is_curved",
        "is_first_window",
        "is_out",
        "is_pending",
        "moved_at",
        "multiplier",
        "not_before",
        "phase",
        "ready_at",
        "seen",
        "sent_at",
        "share",
        "since",
        "snapshot_at",
        "state",
        "tenant",
        "was_answered",
        "weight",
    )

    def __init__(
        self,
        now: float,
        state: State | None,
        constants: Constants,
        *,
        is_first_window: bool = False,
        seen: int = 0,
        tenant: Hashable = None,
        multiplier: float = 1.0,
    ) -> None:
        self.phase = Phase.PENDING if state is None else phase_of(state)
        self.state = state
        self.moved_at = now  # when a change of it was last seen
        self.is_first_window = is_first_window
        self.seen = seen  # events seen so far; meaningful for a window of the first events
        self.tenant = tenant
        # of its urgency; higher while a user watches the run, for instance
        self.multiplier = multiplier
        self.sent_at = -math.inf
        self.snapshot_at = now
        self.since = now
        self.ready_at = -math.inf  # no poll before then; infinity while `is_out`
        self.is_out = False  # a request of it is on the wire
        self.not_before = -math.inf  # the caller's limit, part of `ready_at`
        self.errors = 0  # failures in a row
        self.was_answered = False
        self._c = constants
        self._sum = 0.0  # events seen, each decayed by its age
        self._seen_s = 0.0  # observed time, decayed alike
        self._near = 0.0  # the same two with a short memory
        self._near_s = 0.0
        self._clump = 1.0  # events per instant in the last answer
        self._derive()

    @property
    def rate(self) -> float:
        """Return the events/s expected from now on."""
        if self.phase is Phase.TERMINAL or self.is_exhausted:
            return 0.0
        c = self._c
        return (self._sum + c.prior * c.prior_rate) / (self._seen_s + c.prior)

    @property
    def is_exhausted(self) -> bool:
        """Whether a window of the first events is full; then only the state may change."""
        return self.is_first_window and self.seen >= self._c.page_events

    def observed(
        self, snapshot_at: float, events: int | Sequence[float], state: State | None
    ) -> None:
        """Learn from an answer that shows upstream as it was at `snapshot_at`."""
        before = self.phase
        count = events if isinstance(events, int) else len(events)
        if count or state not in (None, self.state):
            self.moved_at = snapshot_at
        if state is not None:
            self.state = state
            self.phase = phase_of(state)
        elif before is Phase.PENDING and count:
            self.phase = Phase.STREAMING
        # A run that has not begun says nothing about the rate.
        if not (before is Phase.PENDING and self.phase is Phase.PENDING):
            self._learn(snapshot_at, events, count, began=before is Phase.PENDING)
        self.seen += count
        self.snapshot_at = self.since = snapshot_at
        self.was_answered = True
        self.errors = 0
        self._derive()

    def failed(self, now: float) -> None:
        """Note a request without a result; after one failure, the next tick may try again.

        From the second failure on, the age counts from the last attempt. Otherwise an unreadable
        run would be the oldest at every tick and starve the others.
        """
        self.errors += 1
        if self.errors > 1:
            self.since = now
            self.gap_at = math.inf

    def calm_s(self, now: float) -> float:
        """Return the interval that suffices while nothing changes; 0 when something may."""
        if self.phase is Phase.TERMINAL or not self.was_answered:
            return 0.0
        if self.state is State.WAITING:
            after_s, part = CALM_PAUSED
        else:
            after_s, part = CALM_PENDING if self.is_pending else CALM_STREAMING
        return min(CALM_S_MAX, max(0.0, part * (now - self.moved_at - after_s)))

    def expected(self, age: float) -> float:
        """Return the urgency while pending or in a burst: events, scaled as `weight * age`."""
        c = self._c
        if not self.is_pending:
            return self.weight * age + self.burst * (1.0 - math.exp(-age / c.burst_decay))
        begun = 1.0 - math.exp(-c.start_rate * age)
        return self.weight * (c.prior_rate * (age - begun / c.start_rate) + c.start_events * begun)

    def _learn(
        self, snapshot_at: float, events: int | Sequence[float], count: int, *, began: bool
    ) -> None:
        tau = self._c.tau
        span = max(0.0, snapshot_at - self.snapshot_at)
        if isinstance(events, int):
            if not self.was_answered:
                span = max(span, count / self._c.backlog_rate)
            fresh = count * _mean_decay(span / tau)
            self._near = self._near_s = 0.0
        else:
            ages = [max(0.0, snapshot_at - t) for t in events]
            if began and ages:
                span = max(ages)  # the time before a run's first event says nothing about its rate
            # A new event cannot be older than the snapshot that did not show it: this also
            # repairs a badly mapped clock.
            ages = [min(age, span) for age in ages]
            fresh = sum(math.exp(-age / tau) for age in ages)
            self._learn_burst(span, ages)
        decay = math.exp(-span / tau)
        self._sum = self._sum * decay + fresh
        self._seen_s = self._seen_s * decay + tau * (1.0 - decay)

    def _learn_burst(self, span: float, ages: list[float]) -> None:
        tau = self._c.burst_tau
        decay = math.exp(-span / tau)
        self._near = self._near * decay + sum(math.exp(-age / tau) for age in ages)
        self._near_s = self._near_s * decay + tau * (1.0 - decay)
        if ages:  # events of one instant are one observation
            self._clump = len(ages) / len({round(age, 1) for age in ages})

    def _derive(self) -> None:
        """Compute what comparisons need: `weight`; `gap_at` if a window shows the newest events."""
        c = self._c
        rate = self.rate
        self.is_pending = self.phase is Phase.PENDING
        if self.phase is Phase.TERMINAL:
            self.share = self.multiplier * math.pow(c.confirm_rate, c.q)
            self.gap_rate = 0.0
        else:
            self.share = self.multiplier * math.pow(rate + c.floor_rate, c.q)
            # One standard deviation above the estimate: a lost event is worse than a poll too many.
            self.gap_rate = rate + math.sqrt(rate / (self._seen_s + c.prior))
        if self.is_pending:
            self.gap_rate = c.pending_guard_rate
        self.weight = self.share / (rate + c.floor_rate) if self.is_pending else self.share
        self.burst = 0.0
        if self.phase is Phase.STREAMING and rate > 0.0 and self._near_s > 0.0:
            prior = c.burst_prior * self._clump
            excess = (self._near + prior * rate) / (self._near_s + prior) - rate
            gain = c.burst_gain * min(1.0, 2.0 * c.q)  # q = 0 is round robin
            self.burst = gain * excess * c.burst_decay * self.share / (rate + c.floor_rate)
        self.is_curved = self.is_pending or self.burst != 0.0
        self.gap_at = math.inf
        if not self.is_first_window and self.gap_rate > 0.0:
            self.gap_at = self.snapshot_at + c.guard * c.page_events / self.gap_rate


def phase_of(state: State) -> Phase:
    """Return what a poll of a run in this state can show."""
    if state.is_over:
        return Phase.TERMINAL
    return Phase.PENDING if state is State.PENDING else Phase.STREAMING


def _mean_decay(x: float) -> float:
    """Mean of exp(-u) for u spread evenly over 0..x."""
    return (1.0 - math.exp(-x)) / x if x > 1e-9 else 1.0
