"""The writer: one commit for all who wait, all or nothing, a full disk is survived."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import (
    JournalCorruptError,
    JournalError,
    JournalFullError,
    JournalUnavailableError,
)
from bridge.core.filter import Filter
from bridge.core.state import FeedState
from bridge.journal.sqlite import wanted as sqlite_wanted
from bridge.journal.sqlite import writer as sqlite_writer
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import draft, drafts, feed, read_all, record


class FaultyConnection:
    """A connection whose next statement that begins with `on` fails with `code`, some times."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real
        self.statements: list[str] = []
        self._on, self._code, self._times = "", 0, 0

    def fail(self, on: str, code: int, times: int = 1) -> None:
        self._on, self._code, self._times = on, code, times

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self.statements.append(sql)
        if self._times and sql.startswith(self._on):
            self._times -= 1
            error = sqlite3.OperationalError("made for the test")
            error.sqlite_errorcode = self._code
            error.sqlite_errorname = "SQLITE_TEST"
            raise error
        return self._real.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "journal.db")
    yield opened
    await opened.close()


@pytest.fixture
def faulty(journal: SqliteJournal) -> FaultyConnection:
    connection = FaultyConnection(journal._writer._db)
    journal._writer._db = connection  # type: ignore[assignment]
    return connection


async def test_appends_that_wait_share_one_commit(
    journal: SqliteJournal, faulty: FaultyConnection
) -> None:
    await asyncio.gather(*(journal.append(drafts(f"r{n}", 0, 3)) for n in range(100)))
    # One for the append that found the writer idle, one or two for those that came meanwhile.
    assert faulty.statements.count("COMMIT") <= 3
    assert journal.head == 300


async def test_a_group_is_bounded(
    journal: SqliteJournal, faulty: FaultyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "GROUP_DRAFTS_MAX", 10)
    await asyncio.gather(*(journal.append(drafts(f"r{n}", 0, 5)) for n in range(20)))
    assert faulty.statements.count("COMMIT") >= 10


async def test_few_statements_store_many_records(
    journal: SqliteJournal, faulty: FaultyConnection
) -> None:
    given = drafts("r", 0, 500)
    await journal.append(given)
    inserts = [s for s in faulty.statements if s.startswith("INSERT OR ROLLBACK")]
    assert len(inserts) <= 10  # each gives the interpreter lock away once
    assert await read_all(journal) == [record(d, n) for n, d in enumerate(given, 1)]


async def test_every_size_is_stored_whole(journal: SqliteJournal) -> None:
    at = 0
    for size in (1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 341, 700):
        assert list(await journal.append(drafts("r", at, size))) == list(
            range(at + 1, at + size + 1)
        )
        at += size
    assert [r.id for r in await read_all(journal)] == [f"e{n}" for n in range(at)]


async def test_repeats_among_many_are_found(journal: SqliteJournal) -> None:
    await journal.append(drafts("r", 0, 300))
    got = await journal.append([*drafts("r", 150, 600), *drafts("s", 0, 5), draft("r", "e700")])
    assert list(got) == [*[None] * 150, *range(301, 756), None]


FULL = [
    ("COMMIT", sqlite3.SQLITE_FULL),
    ("COMMIT", sqlite3.SQLITE_IOERR_FSYNC),
    ("COMMIT", sqlite3.SQLITE_IOERR_WRITE),
    ("INSERT OR ROLLBACK", sqlite3.SQLITE_FULL),
    ("INSERT INTO state", sqlite3.SQLITE_FULL),
    ("INSERT INTO type", sqlite3.SQLITE_IOERR_SHMSIZE),
    ("INSERT INTO feed", sqlite3.SQLITE_READONLY),
    ("INSERT INTO moment", sqlite3.SQLITE_FULL),
]


@pytest.mark.parametrize(("on", "code"), FULL)
async def test_j3_a_refused_append_leaves_nothing_and_the_next_one_works(
    journal: SqliteJournal, faulty: FaultyConnection, on: str, code: int
) -> None:
    heard: list[int] = []
    journal.add_listener(heard.append)
    given = [draft("r", "x", "new.type"), draft("r", "y")]
    faulty.fail(on, code)
    with pytest.raises(JournalFullError, match=r"nothing was stored.*recovers automatically"):
        await journal.append(given, states=[FeedState(feed("r"))], checkpoints=[("f", b"1")])
    assert (journal.head, heard) == (0, [])
    assert await journal.read(0, 10) == ([], 0)
    assert await journal.states() == []
    assert await journal.checkpoint("f") is None
    assert journal.trouble is not None
    assert list(await journal.append(given, states=[FeedState(feed("r"))])) == [1, 2]
    assert await read_all(journal) == [record(d, n) for n, d in enumerate(given, 1)]
    assert (journal.trouble, heard) == (None, [2])


async def test_a_foreign_lock_may_pass_and_is_no_full_disk(
    journal: SqliteJournal, faulty: FaultyConnection
) -> None:
    faulty.fail("BEGIN", sqlite3.SQLITE_BUSY)
    with pytest.raises(
        JournalUnavailableError, match=r"nothing was stored.*recovers automatically"
    ) as e:
        await journal.append(drafts("r", 0, 1))
    assert not isinstance(e.value, JournalFullError)
    assert list(await journal.append(drafts("r", 0, 1))) == [1]


async def test_a_refused_group_is_refused_for_all(
    journal: SqliteJournal, faulty: FaultyConnection
) -> None:
    faulty.fail("COMMIT", sqlite3.SQLITE_FULL, times=100)
    results = await asyncio.gather(
        *(journal.append(drafts(f"r{n}", 0, 2)) for n in range(10)), return_exceptions=True
    )
    assert all(isinstance(r, JournalFullError) for r in results)
    faulty.fail("", 0, times=0)
    assert list(await journal.append(drafts("r", 0, 1))) == [1]


async def test_a_full_disk_in_the_middle_of_repeats_leaves_nothing(
    journal: SqliteJournal, faulty: FaultyConnection
) -> None:
    await journal.append(drafts("r", 0, 2))
    faulty.fail("SELECT id FROM record", sqlite3.SQLITE_IOERR_WRITE)
    with pytest.raises(JournalFullError):
        await journal.append(drafts("r", 1, 3))
    assert journal.head == 2
    assert list(await journal.append(drafts("r", 1, 3))) == [None, 3, 4]


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_READ]
)
async def test_after_damage_nothing_is_written_any_more(
    journal: SqliteJournal, faulty: FaultyConnection, code: int
) -> None:
    await journal.append(drafts("r", 0, 2))
    faulty.fail("INSERT OR ROLLBACK", code)
    with pytest.raises(JournalCorruptError, match="export --salvage"):
        await journal.append(drafts("r", 2, 1))
    written = len(faulty.statements)
    with pytest.raises(JournalCorruptError):
        await journal.append(drafts("r", 2, 1))
    assert len(faulty.statements) == written
    assert len(await read_all(journal)) == 2


async def test_a_sequence_that_is_taken_is_damage_and_no_repeat(journal: SqliteJournal) -> None:
    await journal.append(drafts("r", 0, 5))
    journal._writer._head = 3
    with pytest.raises(JournalCorruptError, match="disagree"):
        await journal.append(drafts("r", 5, 1))


async def test_a_mistake_of_the_caller_is_no_damage(journal: SqliteJournal) -> None:
    nameless = draft("r", "x")._replace(id=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        await journal.append([nameless])
    assert list(await journal.append(drafts("r", 0, 1))) == [1]


async def test_types_above_the_limit_are_written_out(
    journal: SqliteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sqlite_writer, sqlite_wanted):
        monkeypatch.setattr(module, "TYPES_MAX", 3)
    given = [draft("r", f"e{n}", f"type.{n % 7}") for n in range(20)]
    await journal.append(given)
    await journal.close()
    again = await SqliteJournal.open(tmp_path / "journal.db")
    assert await read_all(again) == [record(d, n) for n, d in enumerate(given, 1)]
    assert again._connection.execute("SELECT count(*) FROM type").fetchone() == (3,)
    for types in (("type.6",), ("type.1",), ("!type.6",)):
        only = Filter(types=types)
        wanted = [record(d, n) for n, d in enumerate(given, 1) if only.matches_type(d.type)]
        assert await read_all(again, only=only) == wanted
    await again.close()


async def test_a_real_limit_of_pages_refuses_and_lets_go(journal: SqliteJournal) -> None:
    await journal.append(drafts("r", 0, 100, pad=600))
    await journal._writer.call(lambda db: db.execute("PRAGMA max_page_count=20").fetchall())
    stored = 100
    refusal: JournalFullError | None = None
    while refusal is None:
        try:
            await journal.append(drafts("r", stored, 50, pad=600))
            stored += 50
        except JournalFullError as error:
            refusal = error
    assert "SQLITE_FULL" in str(refusal)
    assert journal.head == stored
    assert len(await read_all(journal)) == stored
    await journal._writer.call(lambda db: db.execute("PRAGMA max_page_count=100000").fetchall())
    assert list(await journal.append(drafts("r", stored, 1))) == [stored + 1]


async def test_an_append_cancelled_while_it_waits_is_not_begun(journal: SqliteJournal) -> None:
    held = asyncio.get_running_loop().create_future()

    def hold(_: sqlite3.Connection) -> None:
        asyncio.run_coroutine_threadsafe(_result(held), loop).result(5)

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        busy = journal._writer.call(hold)
        first = group.create_task(journal.append(drafts("r", 0, 1)))
        second = group.create_task(journal.append(drafts("s", 0, 1)))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        held.set_result(None)
    await busy
    assert second.result() == [1]
    assert [r.feed.id for r in await read_all(journal)] == ["s"]


async def test_work_between_commits_that_fails_does_not_end_the_writer(
    journal: SqliteJournal,
) -> None:
    def half_done(db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO checkpoint VALUES ('f', 'x')")
        db.execute("SELECT * FROM absent")

    with pytest.raises(JournalError, match="absent"):
        await journal._writer.call(half_done)
    with pytest.raises(ZeroDivisionError):
        await journal._writer.call(lambda _: 1 // 0)
    await journal.append(drafts("r", 0, 1))
    assert await journal.checkpoint("f") is None


async def _result(future: asyncio.Future[None]) -> None:
    await future
