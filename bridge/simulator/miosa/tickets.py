"""Tickets for streams: valid once, for a minute; the book keeps every ticket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(slots=True)
class GivenTicket:
    """One ticket and what became of it."""

    text: str
    key: str  # hash of the key that asked
    until_s: float
    uses: int = 0


class TicketBook:
    """All tickets of one service."""

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self._chance = Random(f"{seed}/tickets")  # noqa: S311 - repeatable, not secret
        self._now = now
        self.given: dict[str, GivenTicket] = {}
        self.refused_uses = 0  # a second use, or one that came too late

    def give(self, key: str, life_s: float) -> GivenTicket:
        """Make a ticket for a key, given by its hash; it is valid for `life_s` seconds."""
        text = f"sset_{self._chance.getrandbits(128):032x}"
        ticket = GivenTicket(text, key, self._now() + life_s)
        self.given[text] = ticket
        return ticket

    def use(self, text: str) -> bool:
        """Use a ticket; True when it opens a stream now."""
        ticket = self.given.get(text)
        if ticket is None:
            return False
        ticket.uses += 1
        is_good = ticket.uses == 1 and self._now() < ticket.until_s
        self.refused_uses += not is_good
        return is_good

    @property
    def unused(self) -> int:
        """How many tickets never opened a stream."""
        return sum(ticket.uses == 0 for ticket in self.given.values())

    @property
    def used_twice(self) -> int:
        """How many tickets were used again, which a client must not do."""
        return sum(ticket.uses > 1 for ticket in self.given.values())
