"""The limiter: an exact mirror of the server's rolling window for one token.

It assumes the strictest server: one that counts the requests that it accepted during the last
minute and refuses the one over `limit`; it does not count a refused request (mogplex.md 1.11). The
bridge never learns the moment of acceptance, only that it lies between sending and receiving. So a
slot is busy from the sending until a minute and a margin after the answer. The server cannot refuse
a request that is sent when fewer than `limit` slots are busy, whatever the latency and the server's
clock; only the rates of the two clocks matter, and the margin covers those (scheduler.md 4.4).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

WINDOW_S = 60.0  # the minute of `requests_per_minute`, whatever the system
LIMIT = 60  # the default of `requests_per_minute`
MARGIN_S = 0.25  # clock rates, rounding; measured to suffice in scheduler.md 3
GIVE_UP_S = 10.0  # time limit of a request, seconds (scheduler.md 7)


class Budget:
    """Which of the `limit` slots of one token are busy. Times are seconds of one monotonic clock.

    `now` must not go backwards from call to call; `Scheduler` sees to that.
    """

    __slots__ = ("_answered", "_busy_s", "in_flight", "limit")

    def __init__(self, *, limit: int = LIMIT, margin: float = MARGIN_S) -> None:
        if limit < 1:
            raise ValueError("limit: a token without requests cannot be followed; give 1 or more")
        self.limit = limit
        self.in_flight = 0
        self._busy_s = WINDOW_S + margin
        self._answered: list[float] = []  # receive times, ascending; at most `limit` by the gate

    def send(self) -> None:
        """Take a slot for a request that leaves now."""
        self.in_flight += 1

    def charge(self, now: float) -> None:
        """Note an answer or a time-out: the server may have counted the request as late as now."""
        self.in_flight -= 1
        insort(self._answered, now)

    def release(self) -> None:
        """Note a request that was refused or never left: the server does not count it."""
        self.in_flight -= 1

    def used(self, now: float) -> int:
        """Slots busy at `now`: in flight, or answered within the window."""
        self._drop_expired(now)
        return self.in_flight + len(self._answered)

    def free_at(self, now: float, cap: int) -> float:
        """First time at which fewer than `cap` slots are busy if nothing more is sent.

        `now` when that is so already; infinity when only an answer can free one.
        """
        excess = self.used(now) - cap
        if excess < 0:
            return now
        if excess >= len(self._answered):
            return math.inf
        return self._answered[excess] + self._busy_s

    def restore(self, now: float, log: Iterable[float]) -> None:
        """Forget everything and continue from receive times that `log` returned.

        They may come from another process, mapped to this clock: any order, some in the future
        (see `log`). One that claims to be more than a request's life ahead is a broken clock.
        """
        latest = now + GIVE_UP_S
        newest = sorted(min(t, latest) for t in log if not math.isnan(t))[-self.limit :]
        self._answered = newest
        self._drop_expired(now)

    def own(self, now: float, since: float) -> int:
        """Count the slots that are certainly busy: in flight, or answered from `since` on.

        After `assume_paced`, `used` also counts assumed slots.
        """
        self._drop_expired(now)
        return self.in_flight + len(self._answered) - bisect_left(self._answered, since)

    def forget_before(self, since: float) -> None:
        """Free the slots that were only assumed: requests answered before `since`."""
        del self._answered[: bisect_left(self._answered, since)]

    def even_gap(self, now: float, cap: int, since: float) -> float:
        """Return the longest even gap that makes the free places last until others become free.

        A burst makes it longer than the pace. The gap holds for sends from `since` on; it is 0 when
        no place is free. Seconds.
        """
        free = cap - self.used(now)
        if free <= 0:
            return 0.0
        return max(
            ((t + self._busy_s - since) / (free + j) for j, t in enumerate(self._answered, 1)),
            default=0.0,
        )

    def assume_paced(self, now: float, count: int, gap: float) -> None:
        """Forget everything and assume a predecessor that sent one request every `gap` seconds.

        Every predecessor paced itself, so this is what the server holds at most. The first of
        the `count` slots is just free again: a fresh start need not wait.
        """
        self.restore(now, (now - gap * (i + 1) for i in range(count)))

    def log(self, now: float) -> list[float]:
        """Return what a successor must know: the receive times in the window, ascending.

        Requests in flight are written as if answered at the latest possible moment: they may
        still reach the server after this process is gone.
        """
        self._drop_expired(now)
        return [*self._answered, *[now + GIVE_UP_S] * self.in_flight]

    def _drop_expired(self, now: float) -> None:
        answered = self._answered
        if answered and answered[0] + self._busy_s <= now:
            # The same sum as in `free_at`, so that waiting until exactly then is enough.
            busy_s = self._busy_s
            del answered[: bisect_right(answered, now, key=lambda t: t + busy_s)]
