"""Drafts for tests of the journal: small CloudEvents objects in the two halves of a `Draft`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from bridge.core.event import Draft, Feed, Record, feed_of
from bridge.core.filter import EVERYTHING, Filter
from bridge.journal.port import Reader


def holed() -> Iterator[int]:
    """Sequences as an engine gives them that numbers other things too: 2, 3, 7, 8, 9, 20, ..."""
    seq = 0
    for step in itertools.cycle((2, 1, 4, 1, 1, 11)):
        seq += step
        yield seq


class StillClock:
    """Clocks that a test sets: `wall_s += n` lets time pass."""

    def __init__(self, wall_s: float = 1_000_000.0) -> None:
        self.wall_s = wall_s
        self._jumped_s = 0.0

    def jump(self, seconds: float) -> None:
        """Set the wall clock to another time; no time passes."""
        self.wall_s += seconds
        self._jumped_s += seconds

    def monotonic(self) -> float:
        return self.wall_s - self._jumped_s

    def wall(self) -> float:
        return self.wall_s


def feed(run: str, account: str = "default") -> Feed:
    return feed_of("mogplex", account, "run", run)


def draft(
    run: str | Feed, id_: str, type_: str = "com.mogplex.run.event.progress", pad: int = 0
) -> Draft:
    of = feed(run) if isinstance(run, str) else run
    known = {
        "specversion": "1.0",
        "id": id_,
        "source": of.source,
        "type": type_,
        "subject": of.id,
        "account": of.account,
    }
    head = json.dumps(known)[:-1] + ', "sequence": "'
    tail = '", "data": ' + json.dumps({"message": "m" * pad}) + "}"
    return Draft(of, id_, type_, head.encode(), tail.encode())


def drafts(run: str | Feed, first: int, count: int, **more: Any) -> list[Draft]:
    return [draft(run, f"e{n}", **more) for n in range(first, first + count)]


def record(of: Draft, seq: int) -> Record:
    """What a journal must make of a draft; written without looking at the journal."""
    return Record(seq, of.feed, of.id, of.type, of.head + str(seq).zfill(20).encode() + of.tail)


async def read_all(
    reader: Reader, after: int = 0, limit: int = 100, only: Filter = EVERYTHING
) -> Sequence[Record]:
    """Everything from `after` to the head, page by page; fails when a page does not move on."""
    found: list[Record] = []
    while after < reader.head:
        page = await reader.read(after, limit, only)
        assert page.next_after > after, "a page must move on"
        assert len(page.records) <= limit
        found += page.records
        after = page.next_after
    return found
