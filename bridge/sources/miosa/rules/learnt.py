"""What the server behind one base URL can do; learnt by asking, shared by its accounts.

Nothing announces a version: two names of the runs, two of the tickets, streams that want a bearer,
a ticket or do not exist. Instants are monotonic seconds.
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
        """What to try now."""
        if self.proven is not None:
            return self.proven
        return next((name for name in self.names if name not in self._refused), self.names[0])

    def worked(self, name: str) -> None:
        self.proven = name
        self._refused.clear()

    def refused(self, name: str) -> bool:
        """True when the other name is still to be tried; False: both were, or one is proven."""
        if self.proven is not None and self.proven != name:
            return True
        if self.proven == name:
            return False
        self._refused.add(name)
        if len(self._refused) == len(self.names):
            self._refused.clear()  # whoever asks next begins anew: nothing was learnt
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
        return self.wants_ticket.get(kind, kind in WITH_TICKET)

    def has_stream(self, kind: str, now: float) -> bool:
        return now >= self._absent_until.get(kind, 0.0)

    def stream_absent(self, kind: str, now: float) -> None:
        self._absent_until[kind] = now + ABSENT_S

    def stream_present(self, kind: str) -> None:
        self._absent_until.pop(kind, None)
