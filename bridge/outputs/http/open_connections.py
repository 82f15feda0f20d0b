"""Counts and limits open connections that are not (yet) streams.

C1 At most `other_connections_max` in total and `connections_per_address_max` from one address.
   Only the first limit applies to this host and to trusted proxies, which serve many clients.
C2 Answers that wait in this process are limited: a client that hardly reads is cut after
   `answer_wait_s`, and when all answers exceed `unsent_bytes_max`, the largest are cut.
"""

from __future__ import annotations

from typing import Protocol

from bridge.outputs.http.addresses import Proxies, counted_as
from bridge.outputs.http.limits import Limits, is_local
from bridge.outputs.http.tally import OwnTally, Tally


class Guest(Protocol):
    """A connection, as far as the limits need it."""

    address: str

    def held_bytes(self) -> int:
        """Bytes of answers that wait in this process."""
        ...

    def cut(self) -> None:
        """Drop the connection and its buffer now."""
        ...


class OpenConnections:
    """Every connection from its start until it ends or becomes a stream."""

    def __init__(self, limits: Limits, counts: Tally | None = None) -> None:
        self.limits = limits  # may be replaced, like `proxies`; counted connections stay
        self.proxies = Proxies()
        self._inside: set[Guest] = set()
        self._counts = counts or OwnTally()
        self._slow: set[Guest] = set()

    def __len__(self) -> int:
        return len(self._inside)

    def may_enter(self, guest: Guest) -> bool:
        """Count a connection in; False if a limit is reached. `leave` undoes both."""
        address, here = guest.address, counted_as(guest.address)
        self._inside.add(guest)
        self._counts.add(here)
        if self._counts.total() > self.limits.other_connections_max:
            return False
        return (
            is_local(address)
            or self.proxies.trusts(address)
            or self._counts.of(here) <= self.limits.connections_per_address_max
        )

    def leave(self, guest: Guest) -> None:
        """Count a connection out; without effect if it was not counted."""
        self._slow.discard(guest)
        if guest in self._inside:
            self._inside.discard(guest)
            self._counts.remove(counted_as(guest.address))

    def note_slow(self, guest: Guest) -> None:
        """Note that the client does not read its answer fast enough."""
        self._slow.add(guest)
        held = {slow: slow.held_bytes() for slow in self._slow}
        excess = sum(held.values()) - self.limits.unsent_bytes_max
        for slow in sorted(held, key=held.__getitem__, reverse=True):
            if excess <= 0:
                return
            excess -= held[slow]
            self._slow.discard(slow)
            slow.cut()

    def note_drained(self, guest: Guest) -> None:
        """Note that the client has read its answer."""
        self._slow.discard(guest)
