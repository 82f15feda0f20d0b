"""The service's two limiters, exact to the second (contracts.md 1.11).

They count accepted requests only: a refused one leaves no trace, so hammering does not prolong
the wait.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from random import Random

TOKENS_MAX = 10_000  # tokens remembered per server instance (contracts.md 1.11)
RETRY_AFTER_S = 60  # always, although capacity may return sooner
RUN_START_WINDOWS: tuple[tuple[int, float], ...] = ((10, 60.0), (30, 3_600.0), (150, 86_400.0))


class RollingWindow:
    """Accepted requests younger than `window_s`; one that is exactly that old is free again."""

    __slots__ = ("_accepted", "limit", "window_s")

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self._accepted: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """0 when a request would be accepted, else seconds until the oldest one leaves."""
        accepted = self._accepted
        while accepted and now_s - accepted[0] >= self.window_s:
            accepted.popleft()
        if len(accepted) < self.limit:
            return 0.0
        # With a limit of 0 nothing is ever counted, and nothing is ever free.
        return self.window_s - (now_s - accepted[0]) if accepted else self.window_s

    def accept(self, now_s: float) -> None:
        self._accepted.append(now_s)

    def count(self, now_s: float) -> int:
        self.wait_s(now_s)
        return len(self._accepted)


class TokenLimiter:
    """60 requests per rolling 60 s and token, in the memory of each of `instances` servers."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._instances: list[OrderedDict[str, RollingWindow]] = [OrderedDict()]

    def take(
        self, token: str, now_s: float, *, limit: int, window_s: float, instances: int
    ) -> bool:
        """True when the request is accepted and counted. More than one instance: chance decides
        which one answers, as a load balancer would.
        """
        while len(self._instances) < instances:
            self._instances.append(OrderedDict())
        which = self._chance.randrange(instances) if instances > 1 else 0
        windows = self._instances[which]
        window = windows.get(token)
        if window is None:
            if len(windows) >= TOKENS_MAX:
                windows.popitem(last=False)
            window = windows[token] = RollingWindow(limit, window_s)
        window.limit, window.window_s = limit, window_s
        if window.wait_s(now_s) > 0:
            return False
        window.accept(now_s)
        return True

    def count(self, token: str, now_s: float) -> int:
        """Accepted requests of this token that still count, over all instances."""
        found = (windows.get(token) for windows in self._instances)
        return sum(window.count(now_s) for window in found if window is not None)

    def forget(self) -> None:
        """A cold start of every instance."""
        self._instances = [OrderedDict()]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A run start over the limit."""

    limit: int
    window_s: float
    retry_after_s: int


class RunStartLimiter:
    """10 a minute, 30 an hour, 150 a day; only allowed starts are counted."""

    def __init__(self, windows: tuple[tuple[int, float], ...] = RUN_START_WINDOWS) -> None:
        self.windows = windows
        self._by_owner: dict[str, list[RollingWindow]] = {}

    def take(self, owner: str, now_s: float) -> Refusal | None:
        """None when allowed. The wait is until the oldest counted start leaves, at least 1 s."""
        windows = self._by_owner.get(owner)
        if windows is None:
            if len(self._by_owner) >= TOKENS_MAX:
                self._by_owner.pop(next(iter(self._by_owner)))
            windows = [RollingWindow(limit, window_s) for limit, window_s in self.windows]
            self._by_owner[owner] = windows
        for window in windows:
            wait_s = window.wait_s(now_s)
            if wait_s > 0:
                return Refusal(window.limit, window.window_s, max(1, math.ceil(wait_s)))
        for window in windows:
            window.accept(now_s)
        return None

    def forget(self) -> None:
        self._by_owner.clear()
