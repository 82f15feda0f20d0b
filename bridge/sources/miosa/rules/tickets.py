"""One ticket: minted only when its connect may leave at once, used once, never kept.

A ticket is a secret that opens a stream for whoever holds it within a minute. Each is in exactly
one of these states, and the way from one to the next is here alone:

    RESERVED -> MINTED -> USED | EXPIRED | UNUSED
    RESERVED -> REFUSED | UNUSED
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

LIFE_S = 60.0  # where the reply does not say: from minting to the connect
SPARE_S = 5.0  # a ticket that is nearly over is not risked


class TicketState(enum.StrEnum):
    """Also the labels of the metric `tickets_total`."""

    RESERVED = "reserved"
    MINTED = "minted"
    USED = "used"  # a connect left with it, whatever came of it
    REFUSED = "refused"  # none was given out
    EXPIRED = "expired"
    UNUSED = "unused"  # given out, and nobody connected: the process is stopping


FINAL = frozenset({TicketState.USED, TicketState.REFUSED, TicketState.EXPIRED, TicketState.UNUSED})


class TicketError(Exception):
    """A bug: a ticket was asked of a reservation that has none to give."""


@dataclass(slots=True)
class Ticket:
    """One reservation of two requests, and the ticket that comes of it."""

    state: TicketState = TicketState.RESERVED
    _secret: str = ""
    _until: float = 0.0

    def minted(self, now: float, secret: str, expires_in_s: float | None) -> None:
        """The server gave one out at `now`."""
        if self.state is not TicketState.RESERVED:
            raise TicketError(f"minted in the state {self.state}")
        life_s = expires_in_s if expires_in_s is not None and expires_in_s > 0.0 else LIFE_S
        self.state = TicketState.MINTED
        self._secret, self._until = secret, now + life_s - min(SPARE_S, life_s / 2.0)

    def refused(self) -> None:
        """The server gave none."""
        self.state = TicketState.REFUSED

    def take(self, now: float) -> str | None:
        """The secret, for the one connect that leaves now; None when it is too old for that."""
        if self.state is not TicketState.MINTED:
            raise TicketError(f"taken in the state {self.state}")
        secret, self._secret = self._secret, ""
        is_fresh = now < self._until
        self.state = TicketState.USED if is_fresh else TicketState.EXPIRED
        return secret if is_fresh else None

    def close(self) -> TicketState:
        """No more comes of it; the state it ended in."""
        self._secret = ""
        if self.state not in FINAL:
            self.state = TicketState.UNUSED
        return self.state

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Ticket({self.state})"
