"""Rolling windows, exact to the second.

They count only accepted requests: a refused one does not prolong the wait.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from random import Random

TOKENS_MAX = 10_000  # tokens remembered per server instance


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
        """Count a request for which `wait_s` returned 0."""
        self._accepted.append(now_s)

    def count(self, now_s: float) -> int:
        """Return how many accepted requests are in the window now."""
        self.wait_s(now_s)
        return len(self._accepted)


class TokenLimiter:
    """So many requests per window and token, in the memory of each of `instances` servers."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._instances: list[OrderedDict[str, RollingWindow]] = [OrderedDict()]

    def take(
        self, token: str, now_s: float, *, limit: int, window_s: float, instances: int
    ) -> bool:
        """Count a request; True when it is accepted.

        With more than one instance, chance decides which one answers, as behind a load balancer.
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
        """Forget all counts, as at a cold start of every instance."""
        self._instances = [OrderedDict()]
