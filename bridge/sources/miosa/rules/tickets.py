"""One ticket: minted only when its connect may leave at once, used once, never kept.

A ticket is a secret that opens a stream for whoever holds it within a minute. Each is in exactly
one of these states, and only this module moves it to the next:

    RESERVED -> MINTED -> USED | EXPIRED | UNUSED
    RESERVED -> REFUSED | UNUSED
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

LIFE_S = 60.0  # from minting to the connect, where the reply does not say
SPARE_S = 5.0  # a ticket that expires within this time is not used


class TicketState(enum.StrEnum):
    """The states of a ticket; also the labels of the metric `tickets_total`."""

    RESERVED = "reserved"
    MINTED = "minted"
    USED = "used"  # the bridge sent a connect with it, with any result
    REFUSED = "refused"  # the server minted none
    EXPIRED = "expired"
    UNUSED = "unused"  # minted but not used: the process is stopping


FINAL = frozenset({TicketState.USED, TicketState.REFUSED, TicketState.EXPIRED, TicketState.UNUSED})


class TicketError(Exception):
    """A bug: the caller took a ticket from a reservation that has none."""


@dataclass(slots=True)
class Ticket:
    """One reservation of two requests, and its ticket."""

    state: TicketState = TicketState.RESERVED
    _secret: str = ""
    _until: float = 0.0

    def minted(self, now: float, secret: str, expires_in_s: float | None) -> None:
        """Store the ticket that the server minted at `now`."""
        if self.state is not TicketState.RESERVED:
            raise TicketError(f"minted in the state {self.state}")
        life_s = expires_in_s if expires_in_s is not None and expires_in_s > 0.0 else LIFE_S
        self.state = TicketState.MINTED
        self._secret, self._until = secret, now + life_s - min(SPARE_S, life_s / 2.0)

    def refused(self) -> None:
        """Note that the server minted none."""
        self.state = TicketState.REFUSED

    def take(self, now: float) -> str | None:
        """Return the secret for the one connect that leaves now; None when it is too old.

        Raises:
            TicketError: The reservation has no ticket.
        """
        if self.state is not TicketState.MINTED:
            raise TicketError(f"taken in the state {self.state}")
        secret, self._secret = self._secret, ""
        is_fresh = now < self._until
        self.state = TicketState.USED if is_fresh else TicketState.EXPIRED
        return secret if is_fresh else None

    def close(self) -> TicketState:
        """End the reservation; returns its last state."""
        self._secret = ""
        if self.state not in FINAL:
            self.state = TicketState.UNUSED
        return self.state

    def __repr__(self) -> str:
        """Represent the ticket without its secret."""
        return f"Ticket({self.state})"
