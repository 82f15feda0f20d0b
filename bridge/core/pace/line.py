"""Decides who may send next with one key: one budget for its feeds, lists, tickets and connects.

The budget mirrors a rolling window of 60 s (core/pace/budget.py). A request that a person or a
stream waits for takes a free place at once; repeating reads keep an even pace and leave places free
for those; discovery takes only places that nobody else needs, but the first discovery need not keep
places free for feeds that are not known yet. A connect that needs a ticket gets both requests
together or none, because a ticket that waits for its connect expires.
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
IDLE_S = 3600.0  # with nothing to wait for, look again after this long
# The most that may leave in one second: a tenth of the key's minute, at least a ticket with its
# connect. A killed process loses the log of its last moments; this bounds what is missing there.
BURST_S = 1.0
BURST_SHARE = 10
UNSAVED_S = 1  # seconds of such requests that a successor assumes beside the log


class Rank(enum.IntEnum):
    """The purpose of a request; smaller ranks go first."""

    PERSON = 0  # somebody waits: a command, the gateway
    CONNECT = 1  # a stream, a first contact, a feed that is ending
    NEWS = 2  # the next page or tail
    WATCH = 3  # a check beside an open stream
    FIND = 4  # lists, for feeds that nobody named
    FIRST_FIND = 5  # discovery while no feed is known: any place that nobody else waits for


@dataclass(slots=True)
class _Ask:
    key: Hashable
    slots: int
    rank: Rank
    since: float
    number: int


class Line:
    """Pure. `grant` names the next sender, who reports each slot `answered` or `released`."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.budget = Budget(limit=limit)
        self._asks: dict[Hashable, _Ask] = {}
        self._number = 0
        self._served: dict[Hashable, float] = {}
        self._paced_at = -math.inf
        self._held_until = -math.inf
        self.slots_granted = 0  # in the latest grant
        self._recent: deque[float] = deque()  # when slots were granted, within BURST_S

    @property
    def limit(self) -> int:
        """The number of requests that the key may send per minute."""
        return self.budget.limit

    @property
    def burst(self) -> int:
        """Requests that may leave within BURST_S."""
        return max(2, self.limit // BURST_SHARE)

    def set_limit(self, limit: int) -> None:
        """Change the number of requests per minute, from the next grant on."""
        self.budget.limit = limit

    # Waiting in line

    def want(self, key: Hashable, now: float, *, rank: Rank, slots: int = 1) -> None:
        """Stand in line; a second call changes rank and slots, not the place in line.

        Raises:
            ValueError: The key will never have so many slots.
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
        """Forget a feed that is no longer followed."""
        self.drop(key)
        self._served.pop(key, None)

    def hold(self, until: float) -> None:
        """Send nothing before `until`, because the server demanded it."""
        self._held_until = max(self._held_until, until)

    # Granting

    def grant(self, now: float) -> Hashable | None:
        """Return the next sender at `now`, and take its slots from the budget; None without one."""
        if now < self._held_until:
            return None
        for ask in self._in_order(now):
            if self._opens_at(ask, now) <= now:
                self._take(ask, now)
                return ask.key
            if self._is_first(ask, now):
                return None  # no other request overtakes a stream that waits for its place
        return None

    def next_at(self, now: float) -> float:
        """Return when to call `grant` again, if no answer comes before."""
        if now < self._held_until:
            return self._held_until
        times = [now + IDLE_S]
        for ask in self._in_order(now):
            times.append(max(self._opens_at(ask, now), math.nextafter(now, math.inf)))
            if self._is_first(ask, now):
                break  # the others behind it wait too, even if their own places are free
        aging = [ask.since + AGED_S for ask in self._asks.values() if ask.since + AGED_S > now]
        return min([*times, *aging])

    def _is_first(self, ask: _Ask, now: float) -> bool:
        """Whether no other request may overtake this one."""
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
        """Return when enough of the recent grants are old enough."""
        if ask.rank is Rank.PERSON:
            return now
        while self._recent and self._recent[0] <= now - BURST_S:
            self._recent.popleft()
        excess = len(self._recent) + ask.slots - max(self.burst, ask.slots)
        return now if excess <= 0 else self._recent[excess - 1] + BURST_S

    def _spare(self, rank: Rank) -> int:
        """Return the number of places that a request of this rank leaves free."""
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
        """Note an answer or a time-out: the server may have counted the request as late as now."""
        self.budget.charge(now)

    def released(self) -> None:
        """Note that a granted request was never sent."""
        self.budget.release()

    # Over restarts

    def start(self, now: float, log: Iterable[float] | None) -> None:
        """Begin with a predecessor's requests (monotonic instants); None: it kept an even pace."""
        if log is None:
            self.budget.assume_paced(now, self.limit, CYCLE_S / self.limit)
        else:
            self.budget.restore(now, log)

    def succeed(self, now: float, log: Iterable[float], saved_at: float) -> None:
        """Begin with what a predecessor stored at `saved_at`, and assume what it did not store."""
        unsaved = [min(saved_at + UNSAVED_S, now)] * (UNSAVED_S * self.burst + 1)
        self.budget.restore(now, [*log, *unsaved])

    def log(self, now: float) -> list[float]:
        """Return what a successor must know, as `start` takes it."""
        return self.budget.log(now)

    # State for metrics and others

    def used(self, now: float) -> int:
        """Return the number of busy slots."""
        return self.budget.used(now)

    def blocked_until(self, now: float) -> float | None:
        """Return until when the server blocks the key; None when it does not."""
        return self._held_until if self._held_until > now else None

    @property
    def waiting(self) -> int:
        """Return the number of requests in line."""
        return len(self._asks)

    def is_idle(self, now: float) -> bool:
        """Whether discovery would take a place from no other request."""
        return not self._asks and now >= self._held_until
