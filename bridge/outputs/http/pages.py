"""The fourth representation: one JSON page of records, joined as bytes without parsing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.core.position import Position
from bridge.journal.port import Reader
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.query import Query
from bridge.outputs.http.sought import Sought
from bridge.outputs.http.turns import LONG, Reading

_LOOKS_MAX = 64
"""Reads for one page. A rare filter over a long journal then gives a short page whose `next` moved
on: the client asks again, and no request takes the journal for long."""
SOUGHT_RECORDS = 500
"""Records read at once for a text: some 300 KB as a rule."""
_LOOK_BYTES = 256 * 1024
"""Looked at for a text before others get their turn; one record may be more."""


class JsonPage(NamedTuple):
    """The page that the client receives."""

    body: bytes
    records: int
    next_after: int


async def read_page(
    journal: Reader, query: Query, after: int, limits: Limits, reading: Reading
) -> JsonPage:
    """Return up to `query.limit` records after a position, and where to continue.

    The page is short if some reads did not fill it, and empty if the first one found nothing.

    Raises:
        JournalError: The journal cannot be read.
        HungUpError: The client has gone.
    """
    bodies: list[bytes] = []
    held = 0
    for _ in range(LONG):
        count = query.limit - len(bodies) if query.sought is None else SOUGHT_RECORDS
        async with reading.slice():
            page = await journal.read(after, count, query.only)
        for record in await _that_hold(query.sought, page.records):
            if bodies and held + len(record.body) > limits.page_bytes_max:
                return _page(bodies, journal.epoch, after)
            bodies.append(record.body)
            held += len(record.body)
            after = record.seq
            if len(bodies) >= query.limit:
                return _page(bodies, journal.epoch, after)
        after = page.next_after
        if not bodies or after >= journal.head:
            break  # nothing yet: a search, which must not keep a place that others wait for
    return _page(bodies, journal.epoch, after)


async def search(journal: Reader, query: Query, after: int, reading: Reading) -> int:
    """Return the position before the next matching record, or how far there is none.

    The search keeps no records in memory.

    Raises:
        JournalError: The journal cannot be read.
        HungUpError: The client has gone.
    """
    count = 1 if query.sought is None else SOUGHT_RECORDS
    for _ in range(_LOOKS_MAX):
        if after >= journal.head:
            break
        async with reading.slice():
            page = await journal.read(after, count, query.only)
        for record in await _that_hold(query.sought, page.records):
            return record.seq - 1
        after = page.next_after
    return after


async def _that_hold(sought: Sought | None, records: Sequence[Record]) -> Sequence[Record]:
    if sought is None:
        return records
    found: list[Record] = []
    looked = 0
    for record in records:
        if sought.is_in(record.body):
            found.append(record)
        looked += len(record.body)
        if looked > _LOOK_BYTES:
            looked = 0
            await asyncio.sleep(0)
    return found


def _page(bodies: Sequence[bytes], epoch: str, after: int) -> JsonPage:
    joined = b",".join(bodies)
    return JsonPage(
        b'{"records":[%b],"next":"%b"}' % (joined, str(Position(epoch, after)).encode()),
        len(bodies),
        after,
    )


async def has_records(journal: Reader, only: Filter) -> bool:
    """Whether the journal still holds a record that passes the filter."""
    records: Sequence[Record] = await journal.read_last(1, only)
    return bool(records)
