"""The newest events of runs as bytes; for a polled run only new records are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from bridge.core.event import Record
from bridge.outputs.gateway.history import History
from bridge.outputs.gateway.port import Dialect, Seen
from bridge.outputs.gateway.shared import Shared
from bridge.outputs.http.turns import Reading

EVENTS_MAX = 200  # per run: the longest page
KEPT_BYTES_MAX = 32 * 2**20  # of all runs
AHEAD_MAX = 2000  # records of other runs to skip; beyond it, reading backwards costs less


class Encoded(NamedTuple):
    """One event in the form that clients get."""

    seq: int
    body: bytes


class Tail(NamedTuple):
    """All events of a run up to `upto`, at most the newest EVENTS_MAX of them."""

    upto: int
    events: Sequence[Encoded]
    size: int  # bytes


class Tails:
    """Tails of the runs that clients requested last."""

    def __init__(self, dialect: Dialect, history: History) -> None:
        self._encode = dialect.event
        self._history = history
        self._kept: OrderedDict[tuple[str, str], Tail] = OrderedDict()
        self._kept_bytes = 0
        self._made = Shared[Tail]()

    async def newest(self, seen: Seen, count: int, reading: Reading) -> Sequence[Encoded]:
        """The last `count` events in the journal, oldest first."""
        key = (seen.account, seen.id, id(seen.version))
        tail = await self._made.get(key, lambda: self._grown(seen, reading))
        floor = self._history.floor
        return [event for event in tail.events[-count:] if event.seq >= floor]

    async def _grown(self, seen: Seen, reading: Reading) -> Tail:
        head = self._history.head
        old = self._kept.get((seen.account, seen.id))
        events: list[Encoded] = []
        found: Sequence[Record] | None = None
        if old is not None and head - old.upto <= AHEAD_MAX:
            found = await self._history.after(seen.account, seen.id, old.upto, EVENTS_MAX, reading)
            if len(found) < EVENTS_MAX:
                events = [*old.events, *map(self._encoded, found)][-EVENTS_MAX:]
        if found is None or len(found) == EVENTS_MAX:  # there may be more events than a tail holds
            found = await self._history.newest(seen.account, seen.id, EVENTS_MAX, reading)
            events = [*map(self._encoded, found)]
        upto = max(head, events[-1].seq if events else 0)
        tail = Tail(upto, events, sum(len(event.body) for event in events))
        self._keep((seen.account, seen.id), tail)
        return tail

    def _encoded(self, record: Record) -> Encoded:
        return Encoded(record.seq, self._encode(record))

    def _keep(self, key: tuple[str, str], tail: Tail) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._kept_bytes -= old.size
            if old.upto > tail.upto:  # made by a later request
                tail = old
        self._kept[key] = tail
        self._kept_bytes += tail.size
        while self._kept_bytes > KEPT_BYTES_MAX and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= gone.size
