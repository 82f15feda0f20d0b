"""Where in the journal a reader begins (outside.md 3)."""

from __future__ import annotations

from typing import NamedTuple

from bridge.core.position import maybe_position
from bridge.journal.port import Reader
from bridge.outputs.http.query import Query


class Start(NamedTuple):
    """Go on after `after`; `missed` says why that is not what was asked for."""

    after: int
    missed: str | None = None  # "dropped", "epoch", "ahead", "not_understood"


async def find_start(journal: Reader, query: Query) -> Start:
    """Return the start: the position asked for, else the tail, else the head.

    Raises what the journal raises when the tail cannot be read.
    """
    if query.asked is not None:
        return _from_position(journal, query.asked)
    if query.tail:
        head = journal.head
        records = await journal.read_last(query.tail, query.only)
        return Start(records[0].seq - 1 if records else head)
    return Start(journal.head)


def _from_position(journal: Reader, asked: str) -> Start:
    oldest = journal.floor - 1
    position = maybe_position(asked)
    if position is None:
        return Start(oldest, "not_understood")
    if position.epoch is not None and position.epoch != journal.epoch:
        return Start(oldest, "epoch")
    if position.epoch is None and position.seq == 0:
        return Start(oldest)  # "the oldest kept", whatever it is
    if position.seq > journal.head:
        return Start(oldest, "ahead")
    if position.seq < oldest:
        return Start(oldest, "dropped")
    return Start(position.seq)
