"""The journal's events of one run, for the gateway's clients."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.journal.port import Reader
from bridge.outputs.gateway.port import Dialect
from bridge.outputs.http.turns import Reading

PLACES_MAX = 10_000  # event ids with a remembered sequence: one for each client that pages
_WALK_RECORDS = 512  # records per read while searching for an id


class History:
    """Reads the events of runs."""

    def __init__(self, journal: Reader, dialect: Dialect) -> None:
        self._journal = journal
        self._types = tuple(dialect.event_types)
        self._ended = (dialect.ended_type,)
        self._places: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    @property
    def head(self) -> int:
        """The sequence of the newest record."""
        return self._journal.head

    @property
    def floor(self) -> int:
        """The sequence of the oldest kept record."""
        return self._journal.floor

    def filter(self, account: str, id_: str, *, with_end: bool = False) -> Filter:
        """The filter for a run's events, with `with_end` also for the record of its end."""
        types = tuple(sorted((*self._types, *self._ended))) if with_end else self._types
        return Filter(ids=frozenset((id_,)), types=types, accounts=frozenset((account,)))

    async def newest(
        self, account: str, id_: str, count: int, reading: Reading
    ) -> Sequence[Record]:
        """The last `count` events, oldest first."""
        async with reading.slice():
            return await self._journal.read_last(count, self.filter(account, id_))

    async def after(
        self, account: str, id_: str, seq: int, count: int, reading: Reading
    ) -> Sequence[Record]:
        """The first `count` events after a sequence, oldest first."""
        found: list[Record] = []
        only = self.filter(account, id_)
        while len(found) < count and seq < self._journal.head:
            async with reading.slice():
                page = await self._journal.read(seq, count - len(found), only)
            found += page.records
            seq = page.next_after
        if found:
            self._remember(account, id_, found[-1])
        return found

    async def place_of(self, account: str, id_: str, event_id: str, reading: Reading) -> int | None:
        """The sequence of an event; None if the journal does not have it (any more)."""
        known = self._places.get((account, id_, event_id))
        if known is not None and known >= self._journal.floor:
            return known
        only, seq = self.filter(account, id_), self._journal.floor - 1
        while seq < self._journal.head:
            async with reading.slice():
                page = await self._journal.read(seq, _WALK_RECORDS, only)
            for record in page.records:
                if record.id == event_id:
                    self._remember(account, id_, record)
                    return record.seq
            seq = page.next_after
        return None

    async def end_of(self, account: str, id_: str, reading: Reading) -> int | None:
        """The sequence of the record of the run's end; None without one."""
        only = Filter(ids=frozenset((id_,)), types=self._ended, accounts=frozenset((account,)))
        async with reading.slice():
            found = await self._journal.read_last(1, only)
        return found[0].seq if found else None

    def _remember(self, account: str, id_: str, record: Record) -> None:
        self._places[account, id_, record.id] = record.seq
        if len(self._places) > PLACES_MAX:
            self._places.popitem(last=False)
