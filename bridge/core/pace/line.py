"""Who may ask next with one key: one budget for all its feeds, lists, tickets and connects.

The budget mirrors a rolling window of 60 s (core/pace/budget.py). What a person or a stream waits
for takes free places at once; reads that repeat keep an even pace and leave places free for those;
a look for new feeds takes only what nobody else wants; the first one need keep no places free for
feeds that are not known yet. A connect that needs a ticket gets both
requests together or none: a ticket that has to wait for its connect grows old.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from bridge.core.pace.budget import MARGIN_S, WINDOW_S, Budget

LIMIT = 60  # requests a minute that a key may send where nobody says otherwise
CYCLE_S = WINDOW_S + MARGIN_S
AGED_S = 20.0  # a repeating read that waited so long goes with the first
IDLE_S = 3600.0  # nothing to wait for: look again then
# What may leave in one second: a tenth of the key's minute, at least a ticket with its connect. A
# killed process takes the log of its last moments along; so its successor knows how many at most.
BURST_S = 1.0
BURST_SHARE = 10
UNSAVED_S = 1  # seconds of such requests that a successor assumes to have left beside the log


class Rank(enum.IntEnum):
    """What a request is for; smaller goes first."""

    PERSON = 0  # somebody waits: a command, the gateway
    CONNECT = 1  # a stream, a first contact, a feed that is ending
    NEWS = 2  # the next page or tail
    WATCH = 3  # a check beside an open stream
    FIND = 4  # lists, for feeds that nobody named
    FIRST_FIND = 5  # the same while nothing is known yet: any place that nobody else waits for


@dataclass(slots=True)
class _Ask:
    key: Hashable
    slots: int
    rank: Rank
    since: float
    number: int


class Line:
    """Pure. `grant` names who may send; each slot then is `answered` or `released` once."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.budget = Budget(limit=limit)
        self._asks: dict[Hashable, _Ask] = {}
        self._number = 0
        self._served: dict[Hashable, float] = {}
        self._paced_at = -math.inf
        self._held_until = -math.inf
        self.slots_granted = 0  # by the latest grant
        self._recent: deque[float] = deque()  # when slots were granted, within BURST_S

    @property
    def limit(self) -> int:
        return self.budget.limit

    @property
    def burst(self) -> int:
        """Requests that may leave within BURST_S."""
        return max(2, self.limit // BURST_SHARE)

    def set_limit(self, limit: int) -> None:
        """Another number of requests a minute, from the next grant on."""
        self.budget.limit = limit

    # Asking

    def want(self, key: Hashable, now: float, *, rank: Rank, slots: int = 1) -> None:
        """Stand in line; asking again changes rank and slots, not the place in time.

        Raises ValueError for more slots than the key will ever have.
        """
        if slots > self.limit:
            raise ValueError(f"{slots} requests at once, {self.limit} a minute")
        held = self._asks.get(key)
        self._number += 1
        since, number = (now, self._number) if held is None else (held.since, held.number)
        self._asks[key] = _Ask(key, slots, rank, since, number)

    def drop(self, key: Hashable) -> None:
        """Leave the line."""
        self._asks.pop(key, None)

    def forget(self, key: Hashable) -> None:
        """This feed is no longer followed."""
        self.drop(key)
        self._served.pop(key, None)

    def hold(self, until: float) -> None:
        """Send nothing before `until`: the server said so."""
        self._held_until = max(self._held_until, until)

    # Granting

    def grant(self, now: float) -> Hashable | None:
        """The next one that may send at `now`; its slots are taken from the budget."""
        if now < self._held_until:
            return None
        for ask in self._in_order(now):
            if self._opens_at(ask, now) <= now:
                self._take(ask, now)
                return ask.key
            if self._is_first(ask, now):
                return None  # nobody overtakes a stream that waits for its place
        return None

    def next_at(self, now: float) -> float:
        """When `grant` is worth asking again, if nothing is answered before."""
        if now < self._held_until:
            return self._held_until
        times = [now + IDLE_S]
        for ask in self._in_order(now):
            times.append(max(self._opens_at(ask, now), math.nextafter(now, math.inf)))
            if self._is_first(ask, now):
                break  # those behind it wait for it, however free their own places are
        aging = [ask.since + AGED_S for ask in self._asks.values() if ask.since + AGED_S > now]
        return min([*times, *aging])

    def _is_first(self, ask: _Ask, now: float) -> bool:
        """Whether nobody overtakes it."""
        return self._rank(ask, now) <= Rank.CONNECT

    def _in_order(self, now: float) -> list[_Ask]:
        return sorted(
            self._asks.values(),
            key=lambda ask: (
                self._rank(ask, now),
                self._served.get(ask.key, -math.inf),
                ask.number,
            ),
        )

    def _rank(self, ask: _Ask, now: float) -> Rank:
        is_aged = ask.rank in (Rank.NEWS, Rank.WATCH) and now - ask.since >= AGED_S
        return Rank.CONNECT if is_aged else ask.rank

    def _opens_at(self, ask: _Ask, now: float) -> float:
        rank = self._rank(ask, now)
        cap = max(self.limit - self._spare(rank), ask.slots)
        free_at = max(self.budget.free_at(now, cap - ask.slots + 1), self._burst_over(ask, now))
        if rank < Rank.NEWS or rank is Rank.FIRST_FIND:
            return free_at
        paced = max(1, self.limit - self._spare(Rank.NEWS))
        return max(free_at, self._paced_at + CYCLE_S / paced)

    def _burst_over(self, ask: _Ask, now: float) -> float:
        """When so many of the recent grants are old enough."""
        if ask.rank is Rank.PERSON:
            return now
        while self._recent and self._recent[0] <= now - BURST_S:
            self._recent.popleft()
        excess = len(self._recent) + ask.slots - max(self.burst, ask.slots)
        return now if excess <= 0 else self._recent[excess - 1] + BURST_S

    def _spare(self, rank: Rank) -> int:
        """Places that a request of this rank leaves free."""
        keep = max(2, self.limit // 8)
        spare = {
            Rank.PERSON: 0,
            Rank.CONNECT: 1,
            Rank.NEWS: keep,
            Rank.WATCH: 2 * keep,
            Rank.FIND: 3 * keep,
            Rank.FIRST_FIND: 1 if len(self._asks) == 1 else 3 * keep,
        }[rank]
        return min(spare, self.limit - 1)

    def _take(self, ask: _Ask, now: float) -> None:
        del self._asks[ask.key]
        self.slots_granted = ask.slots
        self._served[ask.key] = now
        if Rank.NEWS <= self._rank(ask, now) <= Rank.FIND:
            self._paced_at = now
        for _ in range(ask.slots):
            self.budget.send()
            self._recent.append(now)

    # Outcomes

    def answered(self, now: float) -> None:
        """One request was answered or given up: the server may have counted it as late as now."""
        self.budget.charge(now)

    def released(self) -> None:
        """One request that was granted was never sent."""
        self.budget.release()

    # Over restarts

    def start(self, now: float, log: Iterable[float] | None) -> None:
        """Begin with what a predecessor sent (monotonic instants); None: it kept an even pace."""
        if log is None:
            self.budget.assume_paced(now, self.limit, CYCLE_S / self.limit)
        else:
            self.budget.restore(now, log)

    def succeed(self, now: float, log: Iterable[float], saved_at: float) -> None:
        """Begin with what was stored at `saved_at`, and with what was not stored any more."""
        unsaved = [min(saved_at + UNSAVED_S, now)] * (UNSAVED_S * self.burst + 1)
        self.budget.restore(now, [*log, *unsaved])

    def log(self, now: float) -> list[float]:
        """What a successor has to know, as `start` takes it."""
        return self.budget.log(now)

    # What others want to know

    def used(self, now: float) -> int:
        return self.budget.used(now)

    def blocked_until(self, now: float) -> float | None:
        return self._held_until if self._held_until > now else None

    @property
    def waiting(self) -> int:
        return len(self._asks)

    def is_idle(self, now: float) -> bool:
        """Whether a look for new feeds would take nothing from anybody."""
        return not self._asks and now >= self._held_until
