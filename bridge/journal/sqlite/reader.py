"""Reads a journal that another process may be writing, for `export` and similar commands."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from bridge.core.errors import ConfigError, JournalError
from bridge.core.event import Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.core.state import FeedState, Wish
from bridge.journal.port import Page
from bridge.journal.sqlite.faults import extended_code, to_journal_error
from bridge.journal.sqlite.file import connect, migrations, refuse_foreign, refuse_newer
from bridge.journal.sqlite.rows import Rows, Slice
from bridge.journal.sqlite.wal import wal_bytes, wal_of

T = TypeVar("T")


class SqliteReader:
    """`Reader` on a journal's file, beside the daemon or without it.

    `head` and `floor` are as of `open`, or of the last `read` or `catch_up`.
    """

    def __init__(self, rows: Rows, reading: ThreadPoolExecutor, epoch: str) -> None:
        """Use `open`."""
        self._rows = rows
        self._reading = reading
        self._epoch = epoch
        self._head, self._floor = 0, 1
        self._is_closed = False

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open for reading only.

        Raises:
            ConfigError: There is no such file, or it cannot be read.
            JournalVersionError: A newer version of the program wrote it.
            JournalCorruptError: It is damaged.
        """
        reading = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        try:
            rows, epoch = await asyncio.get_running_loop().run_in_executor(
                reading, open_rows, Path(path)
            )
        except BaseException:
            reading.shutdown(wait=False)
            raise
        reader = cls(rows, reading, epoch)
        try:
            await reader.catch_up()
        except BaseException:
            await reader.close()
            raise
        return reader

    @property
    def epoch(self) -> str:
        """See `Reader.epoch`."""
        return self._epoch

    @property
    def head(self) -> int:
        """See `Reader.head`; as of `open`, or of the last `read` or `catch_up`."""
        return self._head

    @property
    def floor(self) -> int:
        """See `Reader.floor`; as of `open`, or of the last `read` or `catch_up`."""
        return self._floor

    def records_between(self, after: int, through: int) -> int | None:
        """See `Reader.records_between`: sequences are dense here."""
        return max(0, through - after)

    async def catch_up(self) -> None:
        """See `Reader.catch_up`."""
        self._head, self._floor = await self._run(self._rows.bounds)

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """See `Reader.read`."""
        await self.catch_up()
        after = max(after, self._floor - 1)
        return await self._run(self._rows.page, after, limit, self._head, only)

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """See `Reader.read_last`."""
        await self.catch_up()
        return await read_last_from(
            lambda *where: self._run(self._rows.slice_before, *where),
            self._head + 1,
            count,
            only,
            self._floor,
        )

    async def states(self) -> Sequence[FeedState]:
        """See `Journal.states`."""
        return await self._run(self._rows.states)

    async def wishes(self) -> Sequence[Wish]:
        """See `Journal.wishes`."""
        return await self._run(self._rows.wishes)

    async def close(self) -> None:
        """Close the file. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            await self._run(self._rows.close)
            self._reading.shutdown()

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, work, *arguments)


async def read_last_from(
    slice_before: Callable[[int, int, Filter, int], Awaitable[Slice]],
    before: int,
    count: int,
    only: Filter,
    floor: int,
) -> Sequence[Record]:
    """Read back from `before` until `count` match or the floor comes; other reads run between."""
    newest_first: list[Record] = []
    while len(newest_first) < count and before > floor:
        found, before = await slice_before(before, count - len(newest_first), only, floor)
        newest_first += found
    newest_first.reverse()
    return newest_first


def open_rows(path: Path) -> tuple[Rows, str]:
    """Open a journal's file for reading, and return its epoch too. Blocking.

    Raises:
        ConfigError: The file cannot be read.
        JournalVersionError: A newer version of the program wrote it.
        JournalCorruptError: It is damaged.
    """
    if not path.exists():
        raise ConfigError(f"journal {path}: no such file; name it with --journal")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"journal {path}: may not be read by this user")
    try:
        return _checked(connect(path, "ro"), path)
    except sqlite3.OperationalError as error:
        if not _needs_a_writable_place(error) or wal_bytes(path):
            raise _explained(error, path) from error
    except sqlite3.Error as error:
        raise to_journal_error(error, str(path)) from error
    # Without a WAL nobody writes, and the file alone is the whole journal. In a read-only directory
    # SQLite cannot create its shared memory, so it must be told that nothing changes.
    return _checked(connect(path, "ro", "&immutable=1"), path)


def _checked(connection: sqlite3.Connection, path: Path) -> tuple[Rows, str]:
    try:
        refuse_foreign(connection, path)
        refuse_newer(connection, path, max(migrations()))
        rows = Rows(connection, path)
        return rows, rows.epoch()
    except BaseException:
        connection.close()
        raise


def _needs_a_writable_place(error: sqlite3.OperationalError) -> bool:
    return extended_code(error) & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _explained(error: sqlite3.OperationalError, path: Path) -> JournalError | ConfigError:
    if _needs_a_writable_place(error):
        return ConfigError(
            f"journal {path}: its newest records are in {wal_of(path)}, and reading them needs a"
            " writable directory or the running daemon; run this as the daemon's user, or copy both"
            " files elsewhere"
        )
    return to_journal_error(error, str(path))
