"""Decides when the next connect of a stream is due, and whether connects fail at present."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.core.backoff import Backoff

CONNECT_S = (1.0, 30.0)  # between two connects: the least, and the longest after failures


@dataclass(slots=True)
class Connects:
    """The connects of one follow. Instants are monotonic seconds."""

    at: float = 0.0  # when the next one is due
    is_refused: bool = False  # the latest one brought no stream
    _backoff: Backoff = field(default_factory=lambda: Backoff(*CONNECT_S))

    def opened(self, now: float) -> None:
        """Note a stream's head."""
        self.is_refused = False
        self.at = now + CONNECT_S[0]

    def refused(self, now: float, jitter: float) -> None:
        """Note a connect without a stream."""
        self.is_refused = True
        self.at = now + self._failure_s(jitter)

    def brought(self) -> None:
        """Note that the stream brought an event: earlier failures no longer count."""
        self._backoff.reset()

    def closed(self, now: float, jitter: float, *, has_understood: bool) -> None:
        """Note that a stream ended; one that lived is no failure."""
        if has_understood or now >= self.at:
            self._backoff.reset()
            wait_s = CONNECT_S[0]
        else:
            wait_s = self._failure_s(jitter)
        self.at = max(self.at, now + wait_s)

    def _failure_s(self, jitter: float) -> float:
        return max(CONNECT_S[0], self._backoff.after_failure(jitter=jitter))
