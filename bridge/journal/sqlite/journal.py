"""The embedded journal: one SQLite file, one thread that writes it, one that reads it.

The reasons for SQLite, WAL and a sync per commit: docs/decisions/0003-embedded-journal.md.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from bridge.clock import Clock, SystemClock
from bridge.core.errors import JournalError, JournalUnavailableError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.state import FeedState, Wish
from bridge.journal.leases import LocalLease, LocalLeases
from bridge.journal.port import RECORD_BYTES_MAX, Fence, Page, Retained, Stats
from bridge.journal.recent import BYTES_MAX, Recent
from bridge.journal.sqlite import retention
from bridge.journal.sqlite.ages import Ages
from bridge.journal.sqlite.backup import copy_to
from bridge.journal.sqlite.file import Opened, Synchronous, close_cleanly, connect, open_for_writing
from bridge.journal.sqlite.place import Place
from bridge.journal.sqlite.reader import read_last_from
from bridge.journal.sqlite.rows import Rows
from bridge.journal.sqlite.wal import wal_bytes
from bridge.journal.sqlite.writer import Outcome, Writer
from bridge.journal.wake_ups import Growth

T = TypeVar("T")


class SqliteJournal:
    """`Journal` on one file. All methods belong to the event loop that opened it.

    J1 holds with synchronous="full". With "normal" a power cut may take the last commits back; the
    epoch then changes at the next start, and a killed process still loses nothing.
    J6 holds for as long as the record is kept.
    """

    def __init__(
        self,
        path: Path,
        opened: Opened,
        rows: Rows,
        reading: ThreadPoolExecutor,
        *,
        recent_bytes_max: int,
        record_bytes_max: int,
        clock: Clock,
    ) -> None:
        """Use `open`."""
        self._path = path
        self._epoch = opened.epoch
        self._floor = opened.floor
        self._connection = opened.connection
        self._lock = opened.lock
        self._rows = rows
        self._reading = reading
        self._record_bytes_max = record_bytes_max
        self._recent = Recent(opened.head + 1, recent_bytes_max)
        self._growth = Growth(opened.head)
        self._ages = Ages(clock, opened.head, opened.newest_note_s)
        self._place = Place(path, opened.lock.file)
        self._trouble: str | None = None
        self._closing = asyncio.Lock()
        self._is_closing = False
        self._is_closed = False
        self._leases = LocalLeases()
        self._writer = Writer(
            opened.connection,
            str(path),
            head=opened.head,
            publish=self._publish,
            clock=clock,
            record_bytes_max=record_bytes_max,
            place=self._place,
        )

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        synchronous: Synchronous = "full",
        recent_bytes_max: int = BYTES_MAX,
        record_bytes_max: int = RECORD_BYTES_MAX,
        clock: Clock | None = None,
    ) -> Self:
        """Open the journal and lock it; creates it and its directory if needed.

        Raises:
            ConfigError: The place cannot be used.
            JournalBusyError: Another process writes it.
            JournalVersionError: A newer version of the program wrote it.
            JournalCorruptError: It is damaged; nothing was changed.
            JournalFullError: There is no space.
        """
        place = Path(path)
        reading = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        try:
            opened, rows = await asyncio.get_running_loop().run_in_executor(
                reading, _open_both, place, synchronous
            )
        except BaseException:
            reading.shutdown(wait=False)
            raise
        return cls(
            place,
            opened,
            rows,
            reading,
            recent_bytes_max=recent_bytes_max,
            record_bytes_max=record_bytes_max,
            clock=clock or SystemClock(),
        )

    @property
    def epoch(self) -> str:
        """Twelve lower-case hexadecimal characters, drawn when the file was made (J5)."""
        return self._epoch

    @property
    def head(self) -> int:
        """Newest durable sequence; 0 when there never was one."""
        return self._growth.head

    @property
    def floor(self) -> int:
        """Oldest sequence kept; head + 1 when none is."""
        return self._floor

    def records_between(self, after: int, through: int) -> int | None:
        """See `Reader.records_between`: sequences are dense here."""
        return max(0, through - after)

    async def catch_up(self) -> None:
        """See `Reader.catch_up`: no other process writes."""

    @property
    def record_bytes_max(self) -> int:
        """See `Journal.record_bytes_max`."""
        return self._record_bytes_max

    @property
    def is_serving(self) -> bool:
        """See `Upkeep.is_serving`."""
        return self.trouble is None

    @property
    def trouble(self) -> str | None:
        """Why the last commit was refused, or the next one will be; else None."""
        if (what := self._place.trouble()) is not None and not self._is_closing:
            return str(self._place.error(what, self.head))
        return self._trouble

    async def append(
        self,
        drafts: Sequence[Draft],
        *,
        states: Sequence[FeedState] = (),
        wishes: Sequence[Wish] = (),
        checkpoints: Sequence[tuple[str, bytes]] = (),
        fence: Fence | None = None,
    ) -> Sequence[int | None]:
        """See `Journal.append`. Calls that wait together share one commit, in their order."""
        if self._is_closing:
            raise self._closed_error()
        self._leases.check(fence)
        if not (drafts or states or wishes or checkpoints):
            return ()
        return await self._writer.submit(drafts, states, wishes, checkpoints)

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """See `Reader.read`; a page from disk also ends at 4 MiB of bodies."""
        page = self._recent.maybe_after(after, limit, only)
        if page is not None:
            return page
        after = max(after, self._floor - 1)
        return await self._on_reader(self._rows.page, after, limit, self.head, only)

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """See `Reader.read_last`."""
        before = self._recent.first
        newest = self._recent.last(count, only)

        async def older(before: int, count: int) -> Sequence[Record]:
            return await read_last_from(
                lambda *where: self._on_reader(self._rows.slice_before, *where),
                before,
                count,
                only,
                self.floor,
            )

        if len(newest) >= count or before <= self.floor:
            return newest
        return [*await older(before, count - len(newest)), *newest]

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`.

        Raises:
            JournalError: The journal is closed.
        """
        await self._growth.wait_above(seq)

    def add_listener(self, on_growth: Callable[[int], None]) -> Callable[[], None]:
        """See `Journal.add_listener`."""
        return self._growth.add_listener(on_growth)

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`."""
        return await self._on_reader(self._rows.states)

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        return await self._on_reader(self._rows.wishes)

    def watch(self, on_wish: Callable[[Wish], None], on_state: Callable[[FeedState], None]) -> None:
        """See `Journal.watch`: no other process writes."""

    async def event_ids(self, feed: Feed, limit: int) -> Sequence[str]:
        """Return the newest `limit` record ids of one feed, oldest first."""
        return await self._on_reader(self._rows.event_ids, feed, limit)

    async def checkpoint(self, name: str) -> bytes | None:
        """Return a value stored by `append`, or None."""
        return await self._on_reader(self._rows.checkpoint, name)

    def checkpoint_age_s(self, name: str) -> None:
        """See `Journal.checkpoint_age_s`: None, as an earlier process stored it on this machine."""

    async def acquire(self, name: str) -> LocalLease | None:
        """See `Leases.acquire`."""
        return await self._leases.acquire(name)

    async def retain(
        self, *, older_than_s: float | None, bytes_max: int | None, now_s: float
    ) -> Retained:
        """See `Upkeep.retain`; the size is that of the file and its write-ahead log.

        A log that another program still reads does not count. The call works in steps of some
        milliseconds, with appends between them. A record is dropped at most ten seconds late.

        Raises:
            JournalFullError: Deleting needs a little space too.
            JournalCorruptError: The file is damaged.
        """
        before = self._floor
        if older_than_s is not None:
            now_s = self._ages.now(now_s)
            cutoff_s = now_s - older_than_s
            below = await self._on_writer(
                lambda db: retention.cut_by_age(db, cutoff_s, now_s, self.head)
            )
            below = min(below, self._ages.limit(older_than_s) or below)
            while self._floor < below:
                await self._drop_step(below)
        used = await self._on_writer(retention.used_bytes)
        room = retention.share(bytes_max)
        await self._trim_known(bytes_max)
        if room.data is not None:
            while used > room.data and self._floor <= self.head:
                await self._drop_step(self.head + 1)
                await self._trim_known(bytes_max)
                used = await self._on_writer(retention.used_bytes)
        while done := await self._on_writer(retention.done_feeds):
            await self._on_writer(partial(self._forget_feeds, done))
        while await self._on_writer(lambda db: retention.shrink_step(db, room.free)):
            pass
        held = await self._on_writer(lambda db: retention.fold(db, room.log))
        return Retained(self._floor - before, self._floor, used, held)

    async def backup(self, target: str | os.PathLike[str]) -> None:
        """Write a copy to `target` while appends continue; the copy has an epoch of its own.

        Raises:
            JournalError: The target exists or cannot be written.
        """
        copying = ThreadPoolExecutor(1, thread_name_prefix="journal-backup")
        try:
            await asyncio.get_running_loop().run_in_executor(
                copying, copy_to, self._path, Path(target)
            )
        finally:
            copying.shutdown(wait=False)

    def stats(self) -> Stats:
        """Return sizes, from two `stat` calls and memory."""
        return Stats(
            self.head - self.floor + 1,
            _size(self._path),
            wal_bytes(self._path),
            len(self._recent),
            self._recent.bytes,
        )

    async def close(self) -> None:
        """Finish waiting appends, merge the WAL into the file, unlock. Idempotent.

        Raises:
            JournalUnavailableError: At the end, if the file is not at its path, where the next
                start looks for it.
        """
        async with self._closing:
            if self._is_closed:
                return
            self._is_closing = True
            what = self._place.trouble()
            await asyncio.get_running_loop().run_in_executor(self._reading, self._rows.close)
            try:
                await self._writer.call(close_cleanly)
            except JournalError as error:
                # The disk is full: acknowledged records are in the WAL; the next start checks the
                # file.
                self._trouble = str(error)
            self._writer.stop()
            self._reading.shutdown()
            self._connection.close()
            self._lock.close()
            self._growth.close(self._closed_error())
            self._is_closed = True
            if what is not None:
                raise self._place.error(what, self.head)

    def _publish(self, outcomes: Sequence[Outcome], records: Sequence[Record], head: int) -> None:
        """Publish a commit or refusal on the loop: first to readers, then to waiting callers."""
        if records:
            assert records[0].seq == self.head + 1, "sequences are dense"
            self._recent.extend(records)
            self._ages.wrote(records[0].seq)
            self._growth.announce(head)
        for outcome in outcomes:
            if isinstance(outcome.error, JournalUnavailableError):
                self._trouble = str(outcome.error)
            elif outcome.error is None:
                self._trouble = None
            outcome.settle()

    async def _drop_step(self, below: int) -> None:
        # The floor moves before the records are dropped: a reader whose position is still at or
        # above the floor when a page has arrived knows that the page is complete. If deleting fails
        # or is cancelled, the next step deletes the records below the floor.
        floor = min(self._floor + retention.STEP_RECORDS, below)
        self._floor = floor
        self._recent.drop_below(floor)
        self._ages.forget_below(floor)
        await self._on_writer(lambda db: self._writer.note_known(retention.drop_below(db, floor)))

    async def _trim_known(self, bytes_max: int | None) -> None:
        ids_max = retention.known_max(bytes_max)
        while await self._on_writer(lambda db: retention.trim_known(db, ids_max)):
            pass

    def _forget_feeds(self, feeds: Sequence[tuple[int, str]], db: sqlite3.Connection) -> None:
        self._writer.forget_feeds(retention.forget_feeds(db, feeds))

    async def _on_writer(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._is_closing:
            raise self._closed_error()
        return await self._writer.call(work)

    async def _on_reader(self, work: Callable[..., T], *arguments: object) -> T:
        if self._is_closing:
            raise self._closed_error()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reading, work, *arguments)

    def _closed_error(self) -> JournalError:
        return JournalError(f"journal {self._path}: is closed")


def _open_both(path: Path, synchronous: Synchronous) -> tuple[Opened, Rows]:
    opened = open_for_writing(path, synchronous=synchronous)
    return opened, Rows(connect(path, "ro"), path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
