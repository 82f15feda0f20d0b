"""Reads records over one read-only connection. Blocking: one thread at a time owns an object."""

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
from bridge.journal.sqlite.wanted import NOTHING_SAID, Condition, Wanted

# Bytes of bodies in one page read from disk: a thousand records near their limit would be 4 GB.
PAGE_BYTES_MAX = 4 * 1024 * 1024
# Up to so many runs are read by the index and merged; for more, a walk over all rows is cheaper.
MERGED_FEEDS_MAX = 16
# Records that one call skips while SQLite filters: usually 2 ms.
PASSED_OVER_MAX = 20_000

_COLUMNS = "SELECT seq, feed, type, id, body FROM record"
# Without these words the planner may choose another index, and sort.
_ALL = f"{_COLUMNS} NOT INDEXED WHERE seq > ? AND seq <= ?"
_OF_FEED = f"{_COLUMNS} INDEXED BY record_by_feed WHERE feed = ? AND seq > ? AND seq <= ?"
_NTH_OF_FEED = (
    "SELECT seq FROM record INDEXED BY record_by_feed WHERE feed = ? AND seq > ? AND seq <= ?"
    " ORDER BY seq{} LIMIT 1 OFFSET ?"
)


def walk(condition: str, *, of_feed: bool, newest_first: bool = False) -> str:
    """Return the statement that reads from one position to another: of one feed, or of all."""
    order = "ORDER BY seq DESC" if newest_first else "ORDER BY seq"
    return f"{_OF_FEED if of_feed else _ALL}{condition} {order}"


_FORWARD = walk("", of_feed=False)

_Row = tuple[int, int, Any, str, bytes]


class Slice(NamedTuple):
    """Records found walking back from the head, newest first; continue below `next_before`."""

    records: list[Record]
    next_before: int  # exclusive; at or below the floor: nothing is left


class _Search(NamedTuple):
    """Rows between two bounds."""

    low: int  # exclusive
    high: int
    rows: Iterator[_Row]


class Rows:
    """The records, states and checkpoints in the file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db = connection
        self._path = str(path)
        self._wanted = Wanted(connection)

    def close(self) -> None:
        """Close the connection; no other method may be called afterward."""
        self._db.close()

    def bounds(self) -> tuple[int, int]:
        """Return head and floor at this instant."""
        try:
            return bounds(self._db)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def epoch(self) -> str:
        """Return the epoch that the file has now (J5)."""
        return str(meta(self._db, "epoch"))

    def page(self, after: int, limit: int, head: int, only: Filter) -> Page:
        """Return the page that `Reader.read` promises, up to `head`."""
        try:
            if only.is_empty:
                return self._plain_page(after, limit, head)
            return self._filtered_page(after, limit, head, only)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def slice_before(self, before: int, count: int, only: Filter, floor: int) -> Slice:
        """Return up to `count` matches below `before`, newest first; examines a bounded number."""
        try:
            found: list[Record] = []
            size = 0
            search = self._search(floor - 1, before - 1, only, newest_first=True)
            for seen, row in enumerate(search.rows, 1):
                record = self._record(row)
                if only.matches(record.feed, record.type):
                    found.append(record)
                    size += len(record.body)
                if len(found) >= count or seen >= LOOKED_AT_MAX or size >= PAGE_BYTES_MAX:
                    return Slice(found, record.seq)
            return Slice(found, search.low + 1)
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error

    def states(self) -> list[FeedState]:
        """Return the state of every feed, as of its newest commit.

        Raises:
            JournalError: The file cannot be read.
        """
        try:
            rows = self._db.execute(self._wanted.asked.states).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [
            FeedState(Feed(*row[:5]), row[5], State(row[6]), bool(row[7]), *row[8:]) for row in rows
        ]

    def wishes(self) -> list[Wish]:
        """Return the newest wish for every feed that has one.

        Raises:
            JournalError: The file cannot be read.
        """
        try:
            rows = self._db.execute(self._wanted.asked.wishes).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [Wish(Feed(*row[:5]), bool(row[5]), By(row[6]), *row[7:]) for row in rows]

    def event_ids(self, feed: Feed, limit: int) -> list[str]:
        """Return the newest known event ids of a feed, oldest first.

        Args:
            feed: The feed; an unknown one has no ids.
            limit: The most ids to return. Ids that outlived their records count too.

        Raises:
            JournalError: The file cannot be read.
        """
        try:
            rows = self._db.execute(
                "SELECT id FROM record INDEXED BY record_by_feed"
                " WHERE feed = (SELECT feed FROM feed WHERE source = ?) ORDER BY seq DESC LIMIT ?",
                (feed.source, limit),
            ).fetchall()
            if len(rows) < limit:  # older than any record: ids that outlived their records
                rows += self._db.execute(
                    "SELECT id FROM known WHERE feed = (SELECT feed FROM feed WHERE source = ?)"
                    " ORDER BY seq DESC LIMIT ?",
                    (feed.source, limit - len(rows)),
                ).fetchall()
        except sqlite3.Error as error:
            raise to_journal_error(error, self._path) from error
        return [row[0] for row in reversed(rows)]

    def checkpoint(self, name: str) -> bytes | None:
        """Return the value stored under the name; None if there is none.

        Raises:
            JournalError: The file cannot be read.
        """
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
        feeds, types = self._wanted.feeds, self._wanted.types
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
        page: list[Record] = []
        size = 0
        search = self._search(after, head, only)
        for seen, row in enumerate(search.rows, 1):
            record = self._record(row)
            if only.matches(record.feed, record.type):
                page.append(record)
                size += len(record.body)
            if len(page) >= limit or seen >= LOOKED_AT_MAX or size >= PAGE_BYTES_MAX:
                return Page(page, record.seq)
        return Page(page, max(after, search.high))

    def _search(self, low: int, high: int, only: Filter, *, newest_first: bool = False) -> _Search:
        """Return rows that may match, low < seq <= high, from one end as far as one call may go.

        `low` and `high` of the result show how far that is; the caller applies LOOKED_AT_MAX.
        """
        self._wanted.learn()
        condition = self._wanted.condition(only)
        if condition.is_hopeless:
            return _Search(low, high, iter(()))
        feeds = self._wanted_feeds(only)
        if feeds is None:
            # Sequences are dense, so a range of them bounds the rows examined.
            reach = PASSED_OVER_MAX if condition.sql else LOOKED_AT_MAX
            if newest_first:
                low = max(low, high - reach)
            else:
                high = min(high, low + reach)
        elif only.types:
            condition = self._wanted.condition(Filter(types=only.types))
            low, high = self._bounded(low, high, feeds, newest_first=newest_first)
        else:
            condition = NOTHING_SAID
        return _Search(
            low, high, self._walk(low, high, feeds, condition, newest_first=newest_first)
        )

    def _bounded(
        self, low: int, high: int, feeds: Sequence[int], *, newest_first: bool
    ) -> tuple[int, int]:
        """Return the bounds within which these feeds have at most PASSED_OVER_MAX records."""
        each = max(1, PASSED_OVER_MAX // max(1, len(feeds)))
        sql = _NTH_OF_FEED.format(" DESC" if newest_first else "")
        for feed in feeds:
            row = self._db.execute(sql, (feed, low, high, each)).fetchone()
            if row is not None and newest_first:
                low = row[0]
            elif row is not None:
                high = row[0] - 1
        return low, high

    def _walk(
        self,
        low: int,
        high: int,
        feeds: Sequence[int] | None,
        condition: Condition,
        *,
        newest_first: bool = False,
    ) -> Iterator[_Row]:
        """Yield rows with low < seq <= high in order: of these feeds, or of all."""
        sql = walk(condition.sql, of_feed=feeds is not None, newest_first=newest_first)
        if feeds is None:
            cursors = [self._db.execute(sql, (low, high))]
        else:
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
        """Return the feeds to read by index, or None when a walk over everything is cheaper."""
        if not only.ids:
            return None
        wanted = self._wanted.feeds_of_ids(only)
        return wanted if len(wanted) <= MERGED_FEEDS_MAX else None

    def _record(self, row: _Row) -> Record:
        seq, feed, type_, id_, body = row
        wanted = self._wanted
        is_written_out = isinstance(type_, str)  # the table of types was full
        if feed not in wanted.feeds or not (is_written_out or type_ in wanted.types):
            wanted.learn()
        try:
            name = type_ if is_written_out else wanted.types[type_]
            return Record(seq, wanted.feeds[feed], id_, name, body)
        except KeyError as error:
            raise corrupt(self._path, f"record {seq} names an unknown feed or type") from error
