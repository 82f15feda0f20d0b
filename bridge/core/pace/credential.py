"""Decides when to try a refused token again: it may be suspended for long, but not for good.

Upstream answers 401 to everything while its own look-up fails, for as long as the database is away
(mogplex.md 1.14: 45 and 60 s were measured). So no number of refusals proves that a token is
invalid, and one request at a time, for all its runs, keeps trying at a slow pace.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFIRM_FIRST_S = 3.0  # after the first refusal of a token that never worked: probably a wrong one
CONFIRM_S = 15.0  # between two tries of a token that worked; three of them span 30 s
REFUSALS = 3  # of a token that worked, until it is called suspended; of one that never did: 2
PROBE_S = (60.0, 300.0)  # between two tries of a suspended token: at first, and at the most


@dataclass(slots=True)
class Credential:
    """The standing of one token. Instants are monotonic seconds."""

    was_accepted: bool = False  # a request with it succeeded
    refusals: int = 0  # in a row, one for each try
    refused_since: float | None = None  # when the first of them came
    suspended_since: float | None = None  # since then only slow probes leave
    retry_at: float = 0.0  # the next try
    _refused_at: float = 0.0
    _probe_s: float = PROBE_S[0]

    def accepted(self) -> bool:
        """Note a request that was not refused; True when the token had been refused before."""
        had_been = self.refusals > 0
        self.was_accepted = True
        self._clear()
        return had_been

    def refused(self, now: float, sent_at: float) -> float:
        """Return the instant of the next try.

        A request that left before the last refusal arrived adds no information.
        """
        if self.refusals and sent_at < self._refused_at:
            return self.retry_at
        self._refused_at = now
        if self.refused_since is None:
            self.refused_since = now
        self.refusals += 1
        if self.refusals >= (REFUSALS if self.was_accepted else 2):
            if self.suspended_since is None:
                self.suspended_since = now
            wait_s, self._probe_s = self._probe_s, min(2.0 * self._probe_s, PROBE_S[1])
        else:
            wait_s = CONFIRM_S if self.was_accepted else CONFIRM_FIRST_S
        self.retry_at = now + wait_s
        return self.retry_at

    def ask_again(self) -> bool:
        """Make the next try due now, and restart the slow pace: somebody may have fixed the token.

        Returns False when upstream had not refused it.
        """
        self._probe_s = PROBE_S[0]
        self.retry_at = 0.0
        return self.refusals > 0

    def replaced(self) -> None:
        """Use a new token, which counts as good until upstream refuses it."""
        self.was_accepted = False
        self._clear()

    def _clear(self) -> None:
        self.refusals = 0
        self.refused_since = self.suspended_since = None
        self.retry_at, self._probe_s = 0.0, PROBE_S[0]
