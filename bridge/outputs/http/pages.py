"""The fourth representation: one JSON page of records, their bytes spliced, never parsed again."""

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
    """A page as it goes out."""

    body: bytes
    records: int
    next_after: int


async def read_page(
    journal: Reader, query: Query, after: int, limits: Limits, reading: Reading
) -> JsonPage:
    """Return up to `query.limit` records after a position, and where to go on; short when some
    reads did not fill it, empty when the first one found nothing. Raises what the journal raises.
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
            break  # nothing yet: a search, which must not hold what others wait for
    return _page(bodies, journal.epoch, after)


async def search(journal: Reader, query: Query, after: int, reading: Reading) -> int:
    """Return the position before the next record that matches, or how far there is none.

    It holds nothing meanwhile. Raises what the journal raises.
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
    """Tell whether the journal still holds anything that passes."""
    records: Sequence[Record] = await journal.read_last(1, only)
    return bool(records)
