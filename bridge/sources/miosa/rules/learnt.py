"""The features of the server behind one base URL, found out by requests, shared by its accounts.

No reply names a version: servers have two names for runs, two for tickets, and streams that want a
bearer, a ticket, or do not exist. Instants are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.sources.miosa.rules.pages import Clamp
from bridge.sources.miosa.rules.words import BUILD, SNAPSHOT

RUN_PATHS = ("/runs", "/agent-runs")  # newer servers know only the first, older ones the second
TICKET_PATHS = ("/sse/ticket", "/auth/sse-ticket")
# Refusals after which the other ticket path is tried once.
OTHER_TICKET_PATH = frozenset({401, 403, 404, 405})
WITH_TICKET = frozenset({BUILD, SNAPSHOT})  # where the documents ask for one from the start
ABSENT_S = 600.0  # a stream that is not there is tried again after so long


@dataclass(slots=True)
class Choice:
    """Two names for one thing: the one that worked, else each in turn."""

    names: tuple[str, str]
    proven: str | None = None
    _refused: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The name to try now."""
        if self.proven is not None:
            return self.proven
        return next((name for name in self.names if name not in self._refused), self.names[0])

    def worked(self, name: str) -> None:
        """Note that the server knows this name; it is used from now on."""
        self.proven = name
        self._refused.clear()

    def gone(self, name: str) -> None:
        """Note that the server has no such route: a name that worked no longer counts."""
        if self.proven == name:
            self.proven = None

    def refused(self, name: str) -> bool:
        """Return True when the other name is untried, False when both failed or one is proven."""
        if self.proven is not None and self.proven != name:
            return True
        if self.proven == name:
            return False
        self._refused.add(name)
        if len(self._refused) == len(self.names):
            self._refused.clear()  # the next request tries both again: nothing was proven
            return False
        return True


@dataclass(slots=True)
class Learnt:
    """Shared by all feeds of one base URL."""

    runs: Choice = field(default_factory=lambda: Choice(RUN_PATHS))
    tickets: Choice = field(default_factory=lambda: Choice(TICKET_PATHS))
    clamp: Clamp = field(default_factory=Clamp)
    wants_ticket: dict[str, bool] = field(default_factory=dict)  # by kind
    beats: set[str] = field(default_factory=set)  # kinds whose streams sent heartbeats
    _absent_until: dict[str, float] = field(default_factory=dict)  # kinds without a stream

    def needs_ticket(self, kind: str) -> bool:
        """Return whether a stream of this kind wants a ticket instead of the key."""
        return self.wants_ticket.get(kind, kind in WITH_TICKET)

    def has_stream(self, kind: str, now: float) -> bool:
        """Return whether a connect for this kind is worth a request now."""
        return now >= self._absent_until.get(kind, 0.0)

    def stream_absent(self, kind: str, now: float) -> None:
        """Note that the server has no stream for this kind; retried after ABSENT_S."""
        self._absent_until[kind] = now + ABSENT_S

    def stream_present(self, kind: str) -> None:
        """Note that a stream of this kind was opened."""
        self._absent_until.pop(kind, None)
