"""Reading records over one read-only connection. Blocking: one thread at a time owns an object."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from bridge.core.event import Feed, Record
from bridge.core.filter import Filter
from bridge.core.state import By, FeedState, Wish
from bridge.core.status import State
from bridge.journal.port import LOOKED_AT_MAX, Page
from bridge.journal.sqlite.faults import corrupt, to_journal_error
from bridge.journal.sqlite.file import bounds, meta
from bridge.journal.sqlite.formats import Asked

# Bytes of bodies in one page read from disk: a thousand records near their limit would be 4 GB.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# Up to so many runs are read by the index and merged; more are picked out of a walk over all.
MERGED_FEEDS_MAX = 16

_COLUMNS = "SELECT seq, feed, type, id, body FROM record"
_FORWARD = f"{_COLUMNS} WHERE seq > ? AND seq <= ? ORDER BY seq"
_BACKWARD = f"{_COLUMNS} WHERE seq > ? AND seq <= ? ORDER BY seq DESC"
# Without INDEXED BY the planner may take the index of the dedupe and sort.
_FEED_FORWARD = (
    f"{_COLUMNS} INDEXED BY record_by_feed WHERE feed = ? AND seq > ? AND seq <= ? ORDER BY seq"
)
_FEED_BACKWARD = f"{_FEED_FORWARD} DESC"

_Row = tuple[int, int, Any, str, bytes]


class Slice(NamedTuple):
    """Records found walking back from the head, newest first; go on below `next_before`."""

    records: list[Record]
    next_before: int  # exclusive; at or below the floor: nothing is left


class Rows:
    """Records, states and checkpoints as the file has them."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = str(path)
        self._asked = Asked(connection)
        self._feeds: dict[int, Feed] = {}
        self._feeds_of_run: dict[str, list[int]] = {}
        self._types: dict[Any, str] = {}

    def close(self) -> None:
        self._db.close()

    def bounds(self) -> tuple[int, int]:
        """Head and floor of this instant."""
        try:
            return bounds(self._db)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def epoch(self) -> str:
        return str(meta(self._db, "epoch"))

    def page(self, after: int, limit: int, head: int, only: Filter) -> Page:
        """What `Reader.read` promises, up to `head`."""
        try:
            if only.is_empty:
                return self._plain_page(after, limit, head)
            return self._filtered_page(after, limit, head, only)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def slice_before(self, before: int, count: int, only: Filter, floor: int) -> Slice:
        """Up to `count` matches below `before`, newest first, looking at a bounded number."""
        try:
            feeds = self._wanted_feeds(only)
            low = floor - 1
            if feeds is None:
                low = max(low, before - 1 - LOOKED_AT_MAX)
            found: list[Record] = []
            size = 0
            rows = self._walk(low, before - 1, feeds, newest_first=True)
            for seen, row in enumerate(rows, 1):
                record = self._record(row)
                if only.matches(record.feed, record.type):
                    found.append(record)
                    size += len(record.body)
                if len(found) >= count or seen >= LOOKED_AT_MAX or size >= PAGE_BYTES_MAX:
                    return Slice(found, record.seq)
            return Slice(found, low + 1)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def states(self) -> list[FeedState]:
        try:
            rows = self._db.execute(self._asked.states).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [
            FeedState(Feed(*row[:5]), row[5], State(row[6]), bool(row[7]), *row[8:]) for row in rows
        ]

    def wishes(self) -> list[Wish]:
        try:
            rows = self._db.execute(self._asked.wishes).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [Wish(Feed(*row[:5]), bool(row[5]), By(row[6]), *row[7:]) for row in rows]

    def event_ids(self, feed: Feed, limit: int) -> list[str]:
        try:
            rows = self._db.execute(
                "SELECT id FROM record INDEXED BY record_by_feed"
                " WHERE feed = (SELECT feed FROM feed WHERE source = ?) ORDER BY seq DESC LIMIT ?",
                (feed.source, limit),
            ).fetchall()
            if len(rows) < limit:  # older than any record: ids that outlived theirs
                rows += self._db.execute(
                    "SELECT id FROM known WHERE feed = (SELECT feed FROM feed WHERE source = ?)"
                    " ORDER BY seq DESC LIMIT ?",
                    (feed.source, limit - len(rows)),
                ).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [row[0] for row in reversed(rows)]

    def checkpoint(self, name: str) -> bytes | None:
        try:
            row = self._db.execute(
                "SELECT value FROM checkpoint WHERE name = ?", (name,)
            ).fetchone()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return None if row is None else bytes(row[0])

    def _plain_page(self, after: int, limit: int, head: int) -> Page:
        page: list[Record] = []
        size = 0
        feeds, types = self._feeds, self._types
        cursor = self._db.execute(_FORWARD, (after, head))
        try:
            for seq, feed, type_, id_, body in cursor:
                try:
                    record = Record(seq, feeds[feed], id_, types[type_], body)
                except KeyError:
                    record = self._record((seq, feed, type_, id_, body))
                page.append(record)
                size += len(body)
                if len(page) >= limit or size >= PAGE_BYTES_MAX:
                    break
        finally:
            cursor.close()  # an open cursor is an open transaction, and that pins the WAL
        return Page(page, page[-1].seq if page else max(after, head))

    def _filtered_page(self, after: int, limit: int, head: int, only: Filter) -> Page:
        feeds = self._wanted_feeds(only)
        # Sequences are dense, so a range of them bounds the rows looked at.
        high = min(head, after + LOOKED_AT_MAX) if feeds is None else head
        page: list[Record] = []
        size = 0
        for seen, row in enumerate(self._walk(after, high, feeds), 1):
            record = self._record(row)
            if only.matches(record.feed, record.type):
                page.append(record)
                size += len(record.body)
            if len(page) >= limit or seen >= LOOKED_AT_MAX or size >= PAGE_BYTES_MAX:
                return Page(page, record.seq)
        return Page(page, max(after, high))

    def _walk(
        self, low: int, high: int, feeds: Sequence[int] | None, *, newest_first: bool = False
    ) -> Iterator[_Row]:
        """Rows with low < seq <= high in order: of these feeds, or of all."""
        if feeds is None:
            cursors = [self._db.execute(_BACKWARD if newest_first else _FORWARD, (low, high))]
        else:
            sql = _FEED_BACKWARD if newest_first else _FEED_FORWARD
            cursors = [self._db.execute(sql, (feed, low, high)) for feed in feeds]
        try:
            if len(cursors) == 1:
                yield from cursors[0]
            else:
                yield from heapq.merge(*cursors, key=itemgetter(0), reverse=newest_first)
        finally:
            for cursor in cursors:
                cursor.close()

    def _wanted_feeds(self, only: Filter) -> Sequence[int] | None:
        """The feeds to read by index, or None when a walk over everything is the better way."""
        if not only.runs:
            return None
        self._learn_feeds()
        wanted = [
            feed
            for run in only.runs
            for feed in self._feeds_of_run.get(run, ())
            if only.matches_feed(self._feeds[feed])
        ]
        return wanted if len(wanted) <= MERGED_FEEDS_MAX else None

    def _record(self, row: _Row) -> Record:
        seq, feed, type_, id_, body = row
        if feed not in self._feeds:
            self._learn_feeds()
        if isinstance(type_, str):  # written out in the row: the table of types was full
            name = type_
        else:
            if type_ not in self._types:
                self._types.update(self._db.execute("SELECT type, name FROM type"))
            name = self._types.get(type_, "")
        try:
            return Record(seq, self._feeds[feed], id_, name, body)
        except KeyError as error:
            raise corrupt(self._path, f"record {seq} names an unknown feed or type") from error

    def _learn_feeds(self) -> None:
        known = max(self._feeds, default=0)
        for number, *columns in self._db.execute(self._asked.feeds_above, (known,)):
            feed = self._feeds[number] = Feed(*columns)
            self._feeds_of_run.setdefault(feed.id, []).append(number)
