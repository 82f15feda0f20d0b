"""Who knows every event beforehand: a feasible schedule, and a bound that nobody can beat.

The limit is relaxed to "at most 57 polls in each block of 60 s" and gets a price per block
(Lagrange). Given prices every run is planned on its own, exactly: the cheapest set of polls, by
dynamic programming with a convex hull. Any prices give a valid lower bound on the sum of delays;
the plans, pushed through the true rolling window in order of their wishes, give a schedule that
is feasible. Only the way of an event through a poll is counted; half a round trip is added by the
caller.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

BLOCK_S = 60.0
CAP = 57
EXCESS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
EVEN = (0.05, 0.2, 0.5, 1.0, 2.0)  # the same price at all times: best when there are few runs


@dataclass(frozen=True)
class Verdict:
    """Mean delays in seconds, without the latency."""

    feasible: float
    bound: float


def judge(runs: list[list[float]], from_s: float, until_s: float, rounds: int = 12) -> Verdict:
    """`runs`: event times of each run. Delays count for events within the two times."""
    runs = [[t for t in events if from_s <= t <= until_s] for events in runs]
    runs = [events for events in runs if events]
    total = sum(map(len, runs))
    if not total:
        return Verdict(0.0, 0.0)
    blocks = int((until_s - from_s) / BLOCK_S) + 2
    points = [_points(events, from_s, blocks) for events in runs]
    # The price of a poll under the square-root law with equal runs: rate * interval^2 / 2.
    interval = len(runs) * BLOCK_S / CAP / max(1.0, len(runs) / 40.0)
    prices = [max(0.05, total / (until_s - from_s) / len(runs) * interval**2 / 2.0)] * blocks
    bound, bound_prices = 0.0, prices
    for i in range(rounds):
        cost, wishes = _plan_all(points, prices, from_s)
        if (value := cost - CAP * sum(prices)) > bound:
            bound, bound_prices = value, prices
        counts = [0] * blocks
        for t, _ in wishes:
            counts[int((t - from_s) / BLOCK_S)] += 1
        step = 1.2 / (1.0 + 0.15 * i)
        prices = [
            max(1e-3, p * math.exp(step * max(-1.0, min(1.0, n / CAP - 1.0))))
            for p, n in zip(prices, counts, strict=True)
        ]
    # At the best prices the wishes just fill the blocks, and queue in front of the true window;
    # dearer polls are fewer and queue less. Which excess is best differs from case to case.
    tries = [[p * factor for p in bound_prices] for factor in EXCESS]
    tries += [[price] * blocks for price in EVEN]
    feasible = min(_serve(_plan_all(points, prices, from_s)[1], runs) for prices in tries)
    return Verdict(feasible / total, bound / total)


def _plan_all(
    points: list[list[tuple[float, int, float]]], prices: list[float], from_s: float
) -> tuple[float, list[tuple[float, int]]]:
    total, wishes = 0.0, []
    for run, its_points in enumerate(points):
        cost, polls = _plan(its_points, prices, from_s)
        total += cost
        wishes += [(t, run) for t in polls]
    return total, wishes


def _points(events: list[float], from_s: float, blocks: int) -> list[tuple[float, int, float]]:
    """Where a poll can be best: just after an event, or when a cheaper block begins.

    Each with the number of events up to then, and the sum of their times.
    """
    starts = [from_s + BLOCK_S * b for b in range(1, blocks)]
    times = sorted({*events, *(t for t in starts if t > events[0])})
    out, sums, n = [], 0.0, 0
    for t in times:
        while n < len(events) and events[n] <= t:
            sums += events[n]
            n += 1
        out.append((t, n, sums))
    return out


def _plan(
    points: list[tuple[float, int, float]], prices: list[float], from_s: float
) -> tuple[float, list[float]]:
    """Cheapest polls that deliver all events: (delays + prices, times)."""
    # cost(c) = price + t*n - sums + min over earlier b of (cost(b) + sums_b - n_b * t): a lower
    # envelope of lines in t with falling slopes -n_b, asked at rising t.
    hull: deque[tuple[int, float, int]] = deque([(0, 0.0, -1)])
    before: list[int] = []
    count = points[-1][1]
    best, last = math.inf, -1
    for c, (t, n, sums) in enumerate(points):
        while len(hull) > 1 and hull[1][1] - hull[1][0] * t <= hull[0][1] - hull[0][0] * t:
            hull.popleft()
        slope, offset, b = hull[0]
        cost = prices[int((t - from_s) / BLOCK_S)] + t * n - sums + offset - slope * t
        before.append(b)
        if n == count and cost < best:
            best, last = cost, c
        line = (n, cost + sums, c)
        while len(hull) > 1 and _is_useless(hull[-2], hull[-1], line):
            hull.pop()
        if hull[-1][0] == n:
            if hull[-1][1] <= line[1]:
                continue
            hull.pop()
        hull.append(line)
    polls = []
    while last >= 0:
        polls.append(points[last][0])
        last = before[last]
    return best, polls


def _is_useless(
    a: tuple[int, float, int], b: tuple[int, float, int], c: tuple[int, float, int]
) -> bool:
    """Whether line b is nowhere below both a and c; slopes -a[0] > -b[0] > -c[0]."""
    return (c[1] - a[1]) * (b[0] - a[0]) <= (b[1] - a[1]) * (c[0] - a[0])


def _serve(wishes: list[tuple[float, int]], runs: list[list[float]]) -> float:
    """Push the wishes through the rolling window; return the sum of delays.

    Among those that wait, the run with most unseen events is polled first.
    """
    wishes = sorted(wishes)
    sent: deque[float] = deque()
    seen = [0] * len(runs)
    waiting: set[int] = set()
    now, i, delays = -math.inf, 0, 0.0
    while i < len(wishes) or waiting:
        if not waiting:
            now = max(now, wishes[i][0])
        if len(sent) >= CAP:
            now = max(now, sent[0] + BLOCK_S)
            sent.popleft()
        while i < len(wishes) and wishes[i][0] <= now:
            waiting.add(wishes[i][1])
            i += 1
        unseen = {run: bisect_right(runs[run], now) - seen[run] for run in waiting}
        run = max(unseen, key=lambda r: unseen[r])
        waiting.discard(run)
        if not unseen[run]:
            continue
        sent.append(now)
        new = runs[run][seen[run] : seen[run] + unseen[run]]
        delays += sum(now - t for t in new)
        seen[run] += unseen[run]
    return delays
