"""Decides when a refusal ends the follow of a run (mogplex.md 1.10), and when the follow waits.

For a run that the bridge never read, a refusal is final: the id is wrong, or not ours. A run that
was read does not vanish: a proxy, a changing certificate or a failed look-up may refuse it. The
follow retries more and more slowly, and ends when the refusals last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.core.errors import Failure, Retry

ABSENT_STRIKES = 3  # replies that are not the API's, in a row, for a run never read, and ...
ABSENT_SPAN_S = 30.0  # ... this long, until the base URL counts as wrong: deployments take less
GONE_STRIKES = 3  # replies in a row that the run does not exist, and ...
GONE_SPAN_S = 30.0  # ... this long, until a run that was read counts as deleted
REFUSED_SPAN_S = 600.0  # other refusals of a run: so long, and as many
SLOW_S = 300.0  # longest wait between two tries


@dataclass(slots=True)
class Refusals:
    """Watches one run. Instants are monotonic seconds."""

    in_row: int = 0  # refusals that would end the follow of a run never read
    _since: float = 0.0  # when the first of them came
    _absent: int = 0
    _absent_since: float = 0.0

    def accepted(self) -> None:
        """Note a good answer: earlier refusals no longer count."""
        self.in_row = self._absent = 0

    def end(self, now: float, failure: Failure, *, was_read: bool) -> Failure | None:
        """Return the failure that ends the follow; None when it goes on."""
        if failure.code == "TLS":
            return None  # this failure says nothing about the run
        if failure.retry is Retry.PERMANENT:
            if self.in_row == 0:
                self._since = now
            self.in_row += 1
            return failure if not was_read or self._is_insisted(now, failure) else None
        self.in_row = 0
        return None if was_read else self._elsewhere(now, failure)

    def _is_insisted(self, now: float, failure: Failure) -> bool:
        span_s = GONE_SPAN_S if failure.code == "NOT_FOUND" else REFUSED_SPAN_S
        return self.in_row >= GONE_STRIKES and now - self._since >= span_s

    def _elsewhere(self, now: float, failure: Failure) -> Failure | None:
        """Conclude that base_url is wrong when replies that are not the API's last."""
        if failure.code != "HTTP_ERROR" or (failure.http_status or 500) >= 500:
            return None
        if self._absent == 0:
            self._absent_since = now
        self._absent += 1
        if self._absent < ABSENT_STRIKES or now - self._absent_since < ABSENT_SPAN_S:
            return None
        text = f"{failure.message}; base_url is not where the Mogplex API is"
        return replace(failure, message=text, retry=Retry.PERMANENT)
