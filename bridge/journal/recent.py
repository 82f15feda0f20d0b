"""The newest records in memory, one copy for all readers: live reading needs no disk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.journal.port import LOOKED_AT_MAX, Page

BYTES_MAX = 8 * 1024 * 1024  # about 8,000 records of 700 bytes: minutes of the busiest account
RECORD_OVERHEAD_BYTES = 320  # the tuple, the ids and the object headers of one record, CPython 3.11


_SEQ = itemgetter(0)  # `Record.seq`


class Recent:
    """All records from a sequence on, up to the head. Belongs to the event loop's thread."""

    def __init__(self, next_seq: int, bytes_max: int = BYTES_MAX) -> None:
        self._first = next_seq  # every record from this sequence on is held
        self._records: list[Record] = []
        self._bytes = 0
        self._bytes_max = bytes_max

    @property
    def first(self) -> int:
        """The sequence from which on all records are held."""
        return self._first

    @property
    def oldest(self) -> int:
        """The sequence of the oldest record held; there must be one."""
        return self._records[0].seq

    @property
    def bytes(self) -> int:
        """The estimated memory of the held records in bytes."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._records)

    def extend(self, records: Sequence[Record]) -> None:
        """Add all records after those held. Above the limit the oldest quarter is dropped."""
        newest = self._records[-1].seq if self._records else self._first - 1
        assert records[0].seq > newest, "records must follow on"
        self._records.extend(records)
        self._bytes += size_of(records)
        if self._bytes > self._bytes_max:
            self._forget(self._bytes - self._bytes_max * 3 // 4)

    def drop_below(self, seq: int) -> Sequence[Record]:
        """Forget the records below `seq`, and return them."""
        return self._drop(bisect_right(self._records, seq - 1, key=_SEQ))

    def drop_oldest(self) -> Record:
        """Forget the oldest record, and return it. There must be one."""
        return self._drop(1)[0]

    def _drop(self, count: int) -> Sequence[Record]:
        gone = self._records[:count]
        if gone:
            del self._records[:count]
            self._first = gone[-1].seq + 1
            self._bytes -= size_of(gone)
        return gone

    def maybe_after(self, after: int, limit: int, only: Filter) -> Page | None:
        """Return a page of what follows `after`; None when that begins before the held records."""
        if after + 1 < self._first:
            return None
        start = bisect_right(self._records, after, key=_SEQ)
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
        """Return up to `count` of the newest matching records, oldest first."""
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
        # The newest record stays, whatever its size: all readers are about to read it.
        for record in self._records[:-1]:
            if freed >= bytes_wanted:
                break
            freed += len(record.body) + RECORD_OVERHEAD_BYTES
            count += 1
        self._drop(count)


def size_of(records: Iterable[Record]) -> int:
    """Estimate the memory of these records in bytes."""
    sizes = [len(record.body) for record in records]
    return sum(sizes) + len(sizes) * RECORD_OVERHEAD_BYTES
