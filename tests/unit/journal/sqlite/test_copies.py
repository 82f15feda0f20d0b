"""Other ways to the records: a backup, a reader beside the daemon, a damaged file."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.errors import JournalCorruptError, JournalError
from bridge.core.event import Record
from bridge.core.state import FeedState
from bridge.journal.sqlite import rows as sqlite_rows
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from bridge.journal.sqlite.salvage import salvage
from tests.journal_records import draft, drafts, feed, read_all, record

PAGE = 8192


async def test_a_backup_is_a_journal_of_one_instant_with_its_own_epoch(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    await journal.append(
        drafts("r", 0, 500), states=[FeedState(feed("r"), cursor="e499")], checkpoints=[("f", b"1")]
    )

    async def keep_writing() -> None:
        for number in range(500, 520):
            await journal.append(
                drafts("r", number, 1), states=[FeedState(feed("r"), cursor=f"e{number}")]
            )

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_writing())
        await journal.backup(tmp_path / "copy.db")
    assert sorted(p.name for p in tmp_path.iterdir() if "copy" in p.name) == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
    copy = await SqliteJournal.open(tmp_path / "copy.db")
    assert copy.epoch != journal.epoch  # J5: after 500 both will go on, each in its own way
    assert 500 <= copy.head <= journal.head == 520
    assert await read_all(copy) == (await read_all(journal))[: copy.head]
    assert [s.cursor for s in await copy.states()] == [f"e{copy.head - 1}"]
    assert await copy.checkpoint("f") == b"1"
    await copy.close()
    await journal.close()


async def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(JournalError, match="exists already"):
        await journal.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"
    with pytest.raises(JournalError, match="absent"):
        await journal.backup(tmp_path / "absent" / "copy.db")
    await journal.close()


async def test_a_reader_works_where_nothing_may_be_written(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "state" / "journal.db")
    await journal.append(drafts("r", 0, 10))
    await journal.close()
    assert _read_as_nobody(tmp_path) == "10"


async def test_a_reader_that_cannot_see_the_newest_says_why(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "state" / "journal.db")
    await journal.append(drafts("r", 0, 10))
    wal = (tmp_path / "state" / "journal.db-wal").read_bytes()
    await journal.close()
    (tmp_path / "state" / "journal.db-wal").write_bytes(wal)  # as after a kill
    assert "journal.db-wal" in _read_as_nobody(tmp_path)


def _read_as_nobody(tmp_path: Path) -> str:
    """Read the journal as a user who may write neither the directory nor the file."""
    code = (
        "import asyncio, os, sys\n"
        "from bridge.journal.sqlite.file import migrations\n"
        "from bridge.journal.sqlite.reader import SqliteReader\n"
        "migrations()\n"
        "async def main():\n"
        "    reader = await SqliteReader.open(sys.argv[1])\n"
        "    page = await reader.read(0, 100)\n"
        "    print(len(page.records))\n"
        "    await reader.close()\n"
        "os.chmod(os.path.dirname(sys.argv[1]), 0o555)\n"
        "for name in os.listdir(os.path.dirname(sys.argv[1])):\n"
        "    os.chmod(os.path.join(os.path.dirname(sys.argv[1]), name), 0o444)\n"
        "if os.geteuid() == 0:\n"
        "    import ctypes\n"
        "    # Only for files: the interpreter itself may live where nobody may read.\n"
        "    ctypes.CDLL(None, use_errno=True).setfsuid(65534)\n"
        "try:\n"
        "    asyncio.run(main())\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    for part in (tmp_path, *tmp_path.parents):
        if part.stat().st_uid == os.geteuid() and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o011)
        if part.name.startswith("pytest-of"):
            break
    state = tmp_path / "state"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(state / "journal.db")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        state.chmod(0o755)
    return (done.stdout + done.stderr).strip()


SOME = [
    draft("a" if n % 3 else "b", f"e{n}", f"t.{n % 4}", pad=20_000 if n % 50 == 7 else 300)
    for n in range(800)
]
RECORDS = [record(d, n) for n, d in enumerate(SOME, 1)]


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    for first in range(0, len(SOME), 100):
        await journal.append(SOME[first : first + 100])
    await journal.close()
    return tmp_path / "journal.db"


def _leaves(path: Path) -> dict[int, set[int]]:
    """Sequences by the page that holds them, found by their text."""
    found: dict[int, set[int]] = {}
    content = path.read_bytes()
    for number in range(2, len(content) // PAGE + 1):
        page = content[(number - 1) * PAGE : number * PAGE]
        for digits in re.findall(rb'"sequence": "([0-9]{20})"', page):
            found.setdefault(number, set()).add(int(digits))
    return found


def test_a_whole_file_gives_every_record(path: Path) -> None:
    before = path.read_bytes()
    assert list(salvage(path)) == RECORDS
    assert path.read_bytes() == before


async def test_what_is_only_in_the_wal_is_salvaged_too(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    await journal.append(SOME[:400])
    copied = tmp_path / "copied.db"
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"journal.db{suffix}", f"{copied}{suffix}")
    await journal.close()
    assert list(salvage(copied)) == RECORDS[:400]
    wal = copied.with_name("copied.db-wal")
    with wal.open("r+b") as file:  # the last commit is torn: it never was
        file.truncate(wal.stat().st_size - 10)
    assert list(salvage(copied)) in ([], RECORDS[:400])


@pytest.mark.parametrize("seed", range(4))
def test_damaged_pages_cost_only_their_own_records(path: Path, seed: int) -> None:
    leaves = _leaves(path)
    wounded = sorted(leaves)[seed :: 9 + seed]
    lost = set().union(*(leaves[number] for number in wounded))
    with path.open("r+b") as file:
        for number in wounded:
            file.seek((number - 1) * PAGE)
            file.write((b"\xa5", b"\x00", b"\xff", b"\x0d")[seed] * PAGE)
    got = list(salvage(path))
    assert [r.seq for r in got] == sorted({r.seq for r in got})
    assert all(r == RECORDS[r.seq - 1] for r in got)
    # A long record is spread over pages: losing one of them loses it.
    assert {r.seq for r in RECORDS} - {r.seq for r in got} <= lost | {
        r.seq for r in RECORDS if len(r.body) > PAGE
    }
    assert len(got) > len(RECORDS) / 2


def test_without_its_first_page_the_file_still_gives_everything(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(PAGE))
    assert list(salvage(path)) == RECORDS


def test_half_a_file_gives_about_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)
    got = list(salvage(path))
    assert all(r == RECORDS[r.seq - 1] for r in got)
    assert len(got) > len(RECORDS) / 4


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_never_make_a_wrong_record(path: Path, seed: int) -> None:
    content = bytearray(path.read_bytes())
    for at in range(3 + seed * 101, len(content), 1009 + seed):
        content[at] ^= 1 << (at % 8)
    path.write_bytes(content)
    for got in salvage(path):
        assert got.seq <= len(RECORDS)
        assert _said(got) == _said(RECORDS[got.seq - 1])


def test_a_ring_of_overflow_pages_ends(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for number in range(2, len(content) // PAGE + 1):
        start = (number - 1) * PAGE
        if content[start : start + 2] == b"\x00\x00" and b"mmmmmmmm" in content[start:][:PAGE]:
            content[start : start + 4] = number.to_bytes(4)  # its own successor
    path.write_bytes(content)
    short = [r for r in RECORDS if len(r.body) < PAGE]
    assert [r for r in salvage(path) if len(r.body) < PAGE] == short


async def test_damage_that_stops_the_daemon_can_be_salvaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(30 * PAGE)
        file.write(b"\xa5" * PAGE)
    with pytest.raises(JournalCorruptError):
        await SqliteJournal.open(path)
    assert len(list(salvage(path))) > 700


def test_other_files_give_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"my shopping list\n" * 5000)
    assert list(salvage(tmp_path / "text")) == []
    with closing(sqlite3.connect(tmp_path / "other")) as db:
        db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b, c, d, e)")
        db.executemany("INSERT INTO t VALUES (?, 1, 2, 'x', x'7b7d')", [(n,) for n in range(99)])
        db.commit()
    assert list(salvage(tmp_path / "other")) == []
    with pytest.raises(FileNotFoundError):
        list(salvage(tmp_path / "absent"))


async def test_a_reader_follows_a_journal_that_grows(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    reader = await SqliteReader.open(tmp_path / "journal.db")
    assert (reader.head, reader.floor) == (0, 1)
    await journal.append(drafts("new", 0, 5, type_="new.type"))
    assert len((await reader.read(0, 100)).records) == 5
    assert reader.head == 5
    await reader.close()
    await reader.close()
    await journal.close()


def _said(of: Record) -> tuple[object, ...]:
    return of.seq, of.id


@pytest.mark.parametrize(
    "sql",
    [
        sqlite_rows._FORWARD,
        sqlite_rows._BACKWARD,
        sqlite_rows._FEED_FORWARD,
        sqlite_rows._FEED_BACKWARD,
    ],
)
def test_reading_seeks_and_never_sorts(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))]
    assert len(plan) == 1
    wanted = "record_by_feed (feed=? AND rowid>?" if "feed = ?" in sql else "PRIMARY KEY (rowid>?"
    assert plan[0].startswith("SEARCH record")
    assert wanted in plan[0]
