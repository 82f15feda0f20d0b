"""The limiter of run starts (mogplex.md 1.11)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.simulator.kit.limiter import TOKENS_MAX, RollingWindow

RETRY_AFTER_S = 60  # of a refused request: always, although capacity may return sooner
RUN_START_WINDOWS: tuple[tuple[int, float], ...] = ((10, 60.0), (30, 3_600.0), (150, 86_400.0))


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
        """Forget all counted starts."""
        self._by_owner.clear()
