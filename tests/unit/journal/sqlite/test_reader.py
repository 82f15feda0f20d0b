"""A reader beside the daemon: it writes nothing, says what it cannot see, and never sorts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bridge.journal.sqlite import rows as sqlite_rows
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import draft, drafts


@pytest.mark.slow
async def test_a_reader_works_where_nothing_may_be_written(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "state" / "journal.db")
    await journal.append(drafts("r", 0, 10))
    await journal.close()
    assert _read_as_nobody(tmp_path) == "10"


@pytest.mark.slow
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


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    for first in range(0, len(SOME), 100):
        await journal.append(SOME[first : first + 100])
    await journal.close()
    return tmp_path / "journal.db"


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


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("of_feed", [False, True])
@pytest.mark.parametrize("condition", ["", " AND type IN (1)", " AND feed IN (1,2)"])
def test_reading_seeks_and_never_sorts(
    path: Path, condition: str, of_feed: bool, newest_first: bool
) -> None:
    sql = sqlite_rows.walk(condition, of_feed=of_feed, newest_first=newest_first)
    with closing(sqlite3.connect(path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?"))]
    assert len(plan) == 1
    wanted = "record_by_feed (feed=? AND rowid>?" if "feed = ?" in sql else "PRIMARY KEY (rowid>?"
    assert plan[0].startswith("SEARCH record")
    assert wanted in plan[0]
