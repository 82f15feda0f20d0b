"""Opening: ours is opened, all else is refused with a sentence, and not a byte of it changes."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.errors import (
    ConfigError,
    JournalBusyError,
    JournalCorruptError,
    JournalFullError,
    JournalVersionError,
)
from bridge.core.state import FeedState
from bridge.journal.sqlite import file as sqlite_file
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import drafts, feed, read_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def _fill(path: Path, count: int = 2000) -> None:
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, count, pad=500), states=[FeedState(feed("r"))])
    await journal.close()


async def _refused(path: Path, error: type[Exception], *words: str) -> None:
    """Opening fails, for the daemon and for a reader, and changes nothing."""
    before = path.read_bytes()
    for open_ in (SqliteJournal.open, SqliteReader.open):
        with pytest.raises(error) as raised:
            await open_(path)
        text = str(raised.value)
        assert str(path) in text
        assert "\n" not in text
        for word in words:
            assert word in text
    assert path.read_bytes() == before


async def test_the_directory_is_made_and_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "deep" / "journal.db"
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 1))
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    await journal.close()
    assert sorted(f.name for f in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]


async def test_the_settings_are_those_of_the_decision(path: Path) -> None:
    await _fill(path, 1)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA page_size").fetchone() == (8192,)
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)  # incremental
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for synchronous, number in (("full", 2), ("normal", 1)):
        journal = await SqliteJournal.open(path, synchronous=synchronous)
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (number,)
        await journal.close()


async def test_an_empty_file_becomes_a_journal(path: Path) -> None:
    path.touch()
    journal = await SqliteJournal.open(path)
    assert journal.head == 0
    await journal.close()


async def test_what_a_killed_creation_left_does_not_hinder(path: Path) -> None:
    path.with_name("journal.db.new").write_bytes(b"half a file")
    path.with_name("journal.db.new-wal").write_bytes(b"half a log")
    journal = await SqliteJournal.open(path)
    assert journal.head == 0
    await journal.close()


async def test_a_wal_without_its_file_is_not_mixed_into_a_new_one(path: Path) -> None:
    wal = path.with_name("journal.db-wal")
    wal.write_bytes(b"the newest records of a lost file")
    with pytest.raises(JournalCorruptError, match=r"journal\.db-wal is there"):
        await SqliteJournal.open(path)
    assert wal.read_bytes() == b"the newest records of a lost file"
    assert not path.exists()


@pytest.mark.slow
async def test_a_second_daemon_is_refused_and_told_the_first_ones_pid(path: Path) -> None:
    holder = (
        "import asyncio, sys\n"
        "from bridge.journal.sqlite.journal import SqliteJournal\n"
        "async def main():\n"
        "    journal = await SqliteJournal.open(sys.argv[1])\n"
        "    print('open', flush=True)\n"
        "    await asyncio.to_thread(sys.stdin.read)\n"
        "    await journal.close()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(JournalBusyError, match=rf"process {process.pid};.*--journal"):
            await SqliteJournal.open(path)
        reader = await SqliteReader.open(path)  # reading is allowed
        await reader.close()
        process.communicate(b"")
    assert process.returncode == 0
    journal = await SqliteJournal.open(path)
    await journal.close()


async def test_two_journals_in_one_process_are_refused_too(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    with pytest.raises(JournalBusyError, match=str(os.getpid())):
        await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 1))  # the refusal did not take the first one's locks
    await journal.close()


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"my shopping list\n" * 1000)
    await _refused(path, JournalCorruptError, "damaged", "export --salvage", "backup")


async def test_a_short_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"x")
    await _refused(path, JournalCorruptError, "damaged")


async def test_another_programs_database_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE record(seq INTEGER PRIMARY KEY)")
        db.commit()
    await _refused(path, ConfigError, "another program")


async def test_a_newer_version_is_refused(path: Path) -> None:
    await _fill(path, 5)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    await _refused(path, JournalVersionError, "format 99", "upgrade", "--journal")


@pytest.mark.slow
@pytest.mark.parametrize("page", [2, 3, 40, 100, 180])
async def test_a_damaged_page_is_found_at_the_start(path: Path, page: int) -> None:
    await _fill(path)
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(b"\xa5" * 8192)
    before = path.read_bytes()
    with pytest.raises(JournalCorruptError, match="export --salvage"):
        await SqliteJournal.open(path)
    assert path.read_bytes() == before


async def test_a_file_cut_short_is_found_at_the_start(path: Path) -> None:
    await _fill(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    before = path.read_bytes()
    with pytest.raises(JournalCorruptError):
        await SqliteJournal.open(path)
    assert path.read_bytes() == before


async def test_a_file_without_its_tables_is_damaged(path: Path) -> None:
    await _fill(path, 1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE meta")
        db.commit()
    with pytest.raises(JournalCorruptError, match="meta"):
        await SqliteJournal.open(path)


async def test_a_check_that_runs_out_of_time_lets_the_start_go_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(path)
    monkeypatch.setattr(sqlite_file, "CHECK_S_CLEAN", 0.0)
    journal = await SqliteJournal.open(path)
    assert journal.head == 2000
    await journal.close()


async def test_damage_met_while_reading_is_told(path: Path) -> None:
    await _fill(path)
    journal = await SqliteJournal.open(path)
    with path.open("r+b") as file:
        file.seek(8192 * 20)
        file.write(b"\xa5" * 8192 * (path.stat().st_size // 8192 - 30))
    with pytest.raises(JournalCorruptError, match="export --salvage"):
        await read_all(journal)
    await journal.close()


@pytest.mark.parametrize("place", ["directory", "below a file"])
async def test_an_unusable_place_is_the_operators_to_change(path: Path, place: str) -> None:
    if place == "directory":
        path.mkdir()
    else:
        path.write_text("")
        path = path / "journal.db"
    with pytest.raises(ConfigError, match="--journal"):
        await SqliteJournal.open(path)


async def test_a_reader_needs_a_file(path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        await SqliteReader.open(path)
    assert not path.exists()


# The mechanism of migrations, with steps made up for the test.
NEWEST = max(sqlite_file.migrations())
STEPS: Mapping[int, str] = {
    **sqlite_file.migrations(),
    NEWEST + 1: "ALTER TABLE state ADD COLUMN note TEXT NOT NULL DEFAULT 'none';",
    NEWEST + 2: "CREATE TABLE extra (n INTEGER); INSERT INTO extra VALUES (3);",
}


def _open_with(path: Path, steps: Mapping[int, str]) -> tuple[int, str]:
    """Open and close; returns head and epoch."""
    opened = sqlite_file.open_for_writing(path, synchronous="full", steps=steps)
    opened.connection.close()
    opened.lock.close()
    return opened.head, opened.epoch


async def test_an_older_version_is_upgraded_and_keeps_everything(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 5), states=[FeedState(feed("r"))])
    await journal.close()
    assert _open_with(path, STEPS) == (5, journal.epoch)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NEWEST + 2,)
        assert db.execute("SELECT note FROM state").fetchall() == [("none",)]
        assert db.execute("SELECT n FROM extra").fetchall() == [(3,)]
    with pytest.raises(JournalVersionError, match=f"format {NEWEST + 2}"):
        await SqliteJournal.open(path)


async def test_an_upgrade_that_fails_leaves_the_older_version_whole(path: Path) -> None:
    await _fill(path, 5)
    broken = {**STEPS, NEWEST + 2: "CREATE TABLE extra (n INTEGER); INSERT INTO absent VALUES (3);"}
    with pytest.raises(JournalCorruptError, match="no such table: absent"):
        _open_with(path, broken)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        columns = [row[0] for row in db.execute("SELECT name FROM pragma_table_info('state')")]
        assert "note" not in columns
    journal = await SqliteJournal.open(path)
    assert len(await read_all(journal)) == 5
    await journal.close()


def test_the_migrations_lead_to_the_schema() -> None:
    def tables(script: str) -> list[tuple[str, str]]:
        with closing(sqlite3.connect(":memory:")) as db:
            db.executescript(script)
            rows = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY 1")
            return [(name, " ".join(sql.split())) for name, sql in rows]

    steps = sqlite_file.migrations()
    assert list(steps) == list(range(1, len(steps) + 1)), "one file per version, none left out"
    schema = (Path(sqlite_file.__file__).parent / "schema.sql").read_text(encoding="utf-8")
    assert tables("\n".join(steps.values())) == tables(schema)


@pytest.mark.parametrize(
    ("clean", "synchronous", "same_boot", "kept"),
    [
        (True, "normal", False, True),  # closed in order
        (False, "full", False, True),  # a commit was durable before it was acknowledged
        (False, "normal", True, True),  # only the process died: the kernel kept the pages
        (False, "normal", False, False),  # the machine went down: acknowledged records may be gone
    ],
)
async def test_j5_the_epoch_changes_when_acknowledged_records_may_be_gone(
    path: Path, clean: bool, synchronous: str, same_boot: bool, kept: bool
) -> None:
    await _fill(path, 5)
    before = (await _epochs(path))[0]
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE meta SET value = ? WHERE name = 'clean'", (int(clean),))
        db.execute("UPDATE meta SET value = ? WHERE name = 'synchronous'", (synchronous,))
        if not same_boot:
            db.execute("UPDATE meta SET value = 'another boot' WHERE name = 'boot'")
        db.commit()
    first, second = await _epochs(path)
    assert (first == before) is kept
    assert second == first, "and stays from then on"


async def _epochs(path: Path) -> tuple[str, str]:
    """As a journal that is opened twice says."""
    found = []
    for _ in range(2):
        journal = await SqliteJournal.open(path)
        found.append(journal.epoch)
        await journal.close()
    return found[0], found[1]


async def test_a_disk_that_is_full_at_the_first_start_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr(sqlite_file, "_create", full)
    with pytest.raises(JournalFullError, match="Free some space"):
        await SqliteJournal.open(path)


async def _killed(path: Path, after: Path) -> None:
    """What a process that is killed after an append leaves, in memory or on the disk."""
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 50, pad=500))
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{after}{suffix}")
    await journal.close()


async def test_what_a_killed_process_left_in_memory_is_forced_to_the_disk_first(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left.db"
    await _killed(path, left)
    wal = Path(f"{left}-wal")
    before, done, real = wal.read_bytes(), [], (os.pwrite, os.fsync)

    def pwrite(fd: int, data: bytes, at: int) -> int:
        done.append(("write", os.readlink(f"/proc/self/fd/{fd}"), at))
        return real[0](fd, data[:100_000], at)  # short, as a signal may make it

    def fsync(fd: int) -> None:
        done.append(("sync", os.readlink(f"/proc/self/fd/{fd}"), 0))
        real[1](fd)

    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr(os, "fsync", fsync)
    journal = await SqliteJournal.open(left)
    assert len(before) > 0
    places = range(0, len(before), 100_000)
    assert done == [*(("write", str(wal), at) for at in places), ("sync", str(wal), 0)]
    assert wal.read_bytes()[: len(before)] == before
    assert [record.id for record in await read_all(journal)] == [f"e{n}" for n in range(50)]
    await journal.close()


async def test_a_disk_that_fails_then_is_told_and_the_next_start_tries_again(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left.db"
    await _killed(path, left)
    real = os.fsync

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JournalFullError, match="Input/output error"):
        await SqliteJournal.open(left)
    monkeypatch.setattr(os, "fsync", real)
    journal = await SqliteJournal.open(left)
    assert journal.head == 50
    await journal.close()
