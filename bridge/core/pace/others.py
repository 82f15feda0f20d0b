"""Estimates the requests of other programs with the same token, from refusals.

After a 429 the server's window was full; the requests in it that are not ours are foreign. The
estimate holds for a while, then is halved step by step, which tests it: if the others are still
there, the next 429 raises it again and it holds longer (scheduler.md 3 and 5).
"""

from __future__ import annotations

import math

QUIET_MIN_S = 120.0  # first time that an estimate holds, seconds (scheduler.md 3)
QUIET_MAX_S = 900.0  # under lasting foreign use: one probe in 15 minutes (scheduler.md 5)
HALVING_S = 30.0  # seconds between two halvings of the figure (scheduler.md 3)
KEEP = 0.9  # a second refusal may lower the figure by this factor at most (scheduler.md 3)
# A refusal this long after an estimate has expired still counts as the result of that test: six
# halvings from 57 to below 1, then up to two windows until our requests fill the server's list
# again.
PROBE_S = 6 * HALVING_S + 2 * 60.0


class ForeignUse:
    """An estimate of the requests in the server's window that are not ours."""

    __slots__ = ("_peak", "_refused_at", "quiet_s")

    def __init__(self) -> None:
        self.quiet_s = QUIET_MIN_S
        self._peak = 0.0
        self._refused_at = -math.inf

    def refused(self, now: float, foreign: float) -> None:
        """Note a refusal while `foreign` places of the window were not ours."""
        since_s = now - self._refused_at
        is_recent = since_s < self.quiet_s + PROBE_S
        if not is_recent:
            self.quiet_s = QUIET_MIN_S
        elif since_s >= self.quiet_s:
            self.quiet_s = min(2.0 * self.quiet_s, QUIET_MAX_S)
        self._peak = max(foreign, KEEP * self._peak if is_recent else 0.0)
        self._refused_at = now

    def estimate(self, now: float) -> float:
        """Return foreign requests per window; 0 when none are known or the estimate has expired."""
        if self._peak <= 0.0:
            return 0.0
        probing_s = now - self._refused_at - self.quiet_s
        if probing_s < 0.0:
            return self._peak
        left = math.ldexp(self._peak, -1 - math.floor(probing_s / HALVING_S))
        return left if left >= 1.0 else 0.0

    def changes_at(self, now: float) -> float:
        """Return when `estimate` will next be lower; infinity when it is 0."""
        if self.estimate(now) <= 0.0:
            return math.inf
        first = self._refused_at + self.quiet_s
        if now < first:
            return first
        return first + HALVING_S * (1 + math.floor((now - first) / HALVING_S))
