"""Reads records from the stream that are older than those in memory."""

from __future__ import annotations

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.journal.jetstream.engine import Engine, Stored
from bridge.journal.jetstream.messages import Subjects, to_record
from bridge.journal.jetstream.tables import Tables
from bridge.journal.port import LOOKED_AT_MAX, Page

PAGE_BYTES_MAX = 4 * 1024 * 1024
PAGE = 500  # messages per request


class Older:
    """Reads by batched direct gets from any copy; asks the leader where a copy may be behind."""

    def __init__(self, engine: Engine, subjects: Subjects, tables: Tables) -> None:
        self._engine = engine
        self._subjects = subjects
        self._tables = tables

    async def page(self, after: int, limit: int, only: Filter, head: int) -> Page:
        """Return the page that `Reader.read` promises, up to `head`."""
        subject = self._subject_for(only)
        if subject is None:
            return Page([], head)
        count = min(limit, PAGE) if only.is_empty else min(LOOKED_AT_MAX, PAGE)
        stored = await self._engine.many_of(subject, after + 1, count, PAGE_BYTES_MAX)
        if not stored:  # the copy that answered may be behind; the leader is not
            one = await self._engine.next_of(subject, after + 1)
            stored = [] if one is None else [one]
        await self.see_floor()
        records: list[Record] = []
        for message in stored:
            if message.seq > head:
                break
            _, token = self._subjects.split(message.subject)
            record = self.maybe_record(message, token)
            if record is not None and only.matches(record.feed, record.type):
                records.append(record)
                if len(records) == limit:
                    return Page(records, record.seq)
        if not stored or stored[-1].seq > head:
            return Page(records, max(after, head))
        return Page(records, stored[-1].seq)

    def _subject_for(self, only: Filter) -> str | None:
        """Return the subject of the only wanted feed; None when there are others."""
        if not only.ids or len(only.ids) > 1:
            return self._subjects.records
        feeds = [t for t, feed in self._tables.feeds.items() if only.matches_feed(feed)]
        if len(feeds) > 1:
            return self._subjects.records
        return self._subjects.of("ev", feeds[0]) if feeds else None

    async def see_floor(self) -> None:
        """Read the floor after a page: it moves before records are dropped, so it shows a gap."""
        meta = await self._engine.last_of(self._subjects.meta)
        if meta is not None:
            self._tables.take(meta)

    async def last(self, count: int, only: Filter, before: int, head: int) -> list[Record]:
        """Return the last `count` matches below `before`; reads windows, each twice as wide."""
        found: list[Record] = []
        window = max(count, PAGE)
        while len(found) < count and before > self._tables.meta.floor:
            start = max(before - window, self._tables.meta.floor)
            older = await self._between(start - 1, before, only, head)
            found = older[-(count - len(found)) :] + found
            before, window = start, window * 2
        return found

    async def _between(self, after: int, before: int, only: Filter, head: int) -> list[Record]:
        found: list[Record] = []
        while after < before - 1:
            page = await self.page(after, LOOKED_AT_MAX, only, head)
            found += [record for record in page.records if record.seq < before]
            if page.next_after <= after:
                break
            after = page.next_after
        return found

    def maybe_record(self, message: Stored, token: str) -> Record | None:
        """Return the record of a message whose subject has this token; None: it is not ours."""
        feed = self._tables.feeds.get(token)
        if feed is None:
            return None
        try:
            return to_record(message.seq, feed, message.payload)
        except ValueError:
            return None
