"""Finds the position in the journal at which a reader starts (outside.md 3)."""

from __future__ import annotations

from typing import NamedTuple

from bridge.core.filter import Filter
from bridge.core.position import maybe_position
from bridge.journal.port import LOOKED_AT_MAX, Reader
from bridge.outputs.http.query import Query
from bridge.outputs.http.turns import Reading


class Start(NamedTuple):
    """Continue after `after`; `missed` says why that is not the requested position."""

    after: int
    missed: str | None = None  # "dropped", "epoch", "ahead", "not_understood"


async def find_start(journal: Reader, query: Query, reading: Reading) -> Start:
    """Return the requested position, else the tail, else the head.

    Raises:
        JournalError: The journal cannot be read.
    """
    if query.asked is not None:
        return await _from_position(journal, query.asked)
    if query.tail:
        return Start(await _before_the_last(journal, query.tail, query.only, reading))
    return Start(journal.head)


async def _before_the_last(journal: Reader, count: int, only: Filter, reading: Reading) -> int:
    """The position before the last `count` matching records; the head if there are none."""
    head = end = journal.head
    if only.ids:  # an index finds them in one query
        async with reading.slice():
            records = await journal.read_last(count, only)
        return records[0].seq - 1 if records else head
    found: list[int] = []
    window = count
    while len(found) < count and end >= journal.floor:
        begin = max(end - window, journal.floor - 1)
        found = await _between(journal, begin, end, only, reading) + found
        window, end = min(2 * window, LOOKED_AT_MAX), begin
    return found[-count:][0] - 1 if found else head


async def _between(
    journal: Reader, after: int, end: int, only: Filter, reading: Reading
) -> list[int]:
    """Sequences of the matching records in (after, end]."""
    found: list[int] = []
    while after < end:
        async with reading.slice():
            page = await journal.read(after, end - after, only)
        found += [record.seq for record in page.records if record.seq <= end]
        if page.next_after <= after:
            break
        after = page.next_after
    return found


async def _from_position(journal: Reader, asked: str) -> Start:
    position = maybe_position(asked)
    if position is not None and position.seq > journal.head:
        await journal.catch_up()  # another replica may have issued it
    oldest = journal.floor - 1
    if position is None:
        return Start(oldest, "not_understood")
    if position.epoch is not None and position.epoch != journal.epoch:
        return Start(oldest, "epoch")
    if position.epoch is None and position.seq == 0:
        return Start(oldest)  # the oldest kept record
    if position.seq > journal.head:
        return Start(oldest, "ahead")
    if position.seq < oldest:
        return Start(oldest, "dropped")
    return Start(position.seq)
