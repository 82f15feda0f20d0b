"""The newest records in memory, one copy for all: live reading asks nothing of the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.journal.port import LOOKED_AT_MAX, Page

BYTES_MAX = 8 * 1024 * 1024  # about 8,000 records of 700 bytes: minutes of the busiest account
RECORD_OVERHEAD_BYTES = 320  # the tuple, the ids and the object headers of one record, CPython 3.11


class Recent:
    """A run of records without holes that ends at the head. Belongs to the event loop's thread."""

    def __init__(self, next_seq: int, bytes_max: int = BYTES_MAX) -> None:
        self._first = next_seq  # sequence of _records[0]; of the next record when empty
        self._records: list[Record] = []
        self._bytes = 0
        self._bytes_max = bytes_max

    @property
    def first(self) -> int:
        """Oldest sequence held; the next one to come when none is."""
        return self._first

    @property
    def bytes(self) -> int:
        return self._bytes

    def __len__(self) -> int:
        return len(self._records)

    def extend(self, records: Sequence[Record]) -> None:
        """Add the newest; they follow on what is held. Above the limit the oldest quarter goes."""
        assert records[0].seq == self._first + len(self._records), "records must follow on"
        self._records.extend(records)
        self._bytes += size_of(records)
        if self._bytes > self._bytes_max:
            self._forget(self._bytes - self._bytes_max * 3 // 4)

    def drop_below(self, seq: int) -> Sequence[Record]:
        """Forget what is older than `seq`, and return it."""
        count = min(max(seq - self._first, 0), len(self._records))
        gone = self._records[:count]
        del self._records[:count]
        self._first += count
        self._bytes -= size_of(gone)
        return gone

    def maybe_after(self, after: int, limit: int, only: Filter) -> Page | None:
        """A page of what follows `after`, or None when that begins before what is held."""
        start = max(after + 1 - self._first, 0)
        if after + 1 < self._first:
            return None
        if only.is_empty:
            page = self._records[start : start + limit]
            return Page(page, page[-1].seq if page else after)
        looked_at = self._records[start : start + LOOKED_AT_MAX]
        page = []
        for record in looked_at:
            if only.matches(record.feed, record.type):
                page.append(record)
                if len(page) == limit:
                    return Page(page, record.seq)
        return Page(page, looked_at[-1].seq if looked_at else after)

    def last(self, count: int, only: Filter) -> list[Record]:
        """Up to `count` of the newest that match, oldest first."""
        found: list[Record] = []
        for record in reversed(self._records):
            if len(found) >= count:
                break
            if only.matches(record.feed, record.type):
                found.append(record)
        found.reverse()
        return found

    def _forget(self, bytes_wanted: int) -> None:
        count, freed = 0, 0
        # The newest one stays, whatever its size: it is what everybody is about to read.
        for record in self._records[:-1]:
            if freed >= bytes_wanted:
                break
            freed += len(record.body) + RECORD_OVERHEAD_BYTES
            count += 1
        del self._records[:count]
        self._first += count
        self._bytes -= freed


def size_of(records: Iterable[Record]) -> int:
    """Bytes of memory that these records take, about."""
    return sum(len(record.body) + RECORD_OVERHEAD_BYTES for record in records)
