"""The file that was opened and its path part, or two daemons meet at one file under two names."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.errors import JournalUnavailableError
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, read_all


def removed(path: Path) -> None:
    path.unlink()


def directory_renamed(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def another_in_its_place(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def log_removed(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def directory_is_a_file(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.touch()


LOSSES = [
    *(removed, directory_renamed, another_in_its_place, log_removed),
    *(link_to_itself, directory_is_a_file),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.mark.parametrize("lose", LOSSES)
async def test_nothing_is_acknowledged_into_a_file_that_nobody_finds(
    path: Path, lose: Callable[[Path], None]
) -> None:
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 3))
    assert journal.trouble is None
    lose(path)
    assert journal.trouble is not None, "told before anybody writes"
    for told in (journal.trouble, await _refusal(journal)):
        assert "nothing is stored" in told
        assert "up to 3" in told
    assert len(await read_all(journal)) == 3, "readers keep what there is"
    assert journal.stats().records == 3, "/metrics answers, whatever the system says of the path"
    with pytest.raises(JournalUnavailableError, match="up to 3"):
        await journal.close()  # the process does not end as if all were well


async def _refusal(journal: SqliteJournal) -> str:
    with pytest.raises(JournalUnavailableError) as raised:
        await journal.append(drafts("r", 3, 1))
    return str(raised.value)


async def test_it_goes_on_when_the_file_is_back_and_nothing_is_lost(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 3))
    elsewhere = path.parent.rename(path.parent.with_name("elsewhere"))
    await _refusal(journal)
    elsewhere.rename(path.parent)
    assert list(await journal.append(drafts("r", 3, 2))) == [4, 5]
    assert journal.trouble is None
    await journal.close()
    again = await SqliteJournal.open(path)
    assert [r.id for r in await read_all(again)] == [f"e{n}" for n in range(5)]
    await again.close()


_SECOND = """
import asyncio, sys
from bridge.core.errors import JournalBusyError
from bridge.journal.sqlite.journal import SqliteJournal
try:
    asyncio.run(SqliteJournal.open(sys.argv[1]))
except JournalBusyError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lock removed", "hard link"])
async def test_a_second_daemon_is_refused_whatever_became_of_the_lock_file(
    path: Path, kind: str
) -> None:
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 1))
    other = path
    if kind == "hard link":
        other = path.parent.parent / "other.db"
        os.link(path, other)
    else:
        path.with_name("journal.db.lock").unlink()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _SECOND, str(other)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "is in use by another process" in done.stdout
    await journal.append(drafts("r", 1, 1))
    await journal.close()
    again = await SqliteJournal.open(path)
    assert len(await read_all(again)) == 2
    await again.close()


async def test_a_foreign_lock_is_not_called_a_full_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.sqlite.file.BUSY_S", 0.01)
    journal = await SqliteJournal.open(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailableError, match="another program holds a lock") as raised:
            await journal.append(drafts("r", 0, 1))
        assert "room" not in str(raised.value).lower()
        assert journal.trouble == str(raised.value)
        other.execute("ROLLBACK")
    await journal.append(drafts("r", 0, 1))
    assert journal.trouble is None
    await journal.close()


def log_emptied(path: Path) -> None:
    os.truncate(path.with_name(path.name + "-wal"), 0)


def file_emptied(path: Path) -> None:
    os.truncate(path, 0)


def older_copy_written_into_it(path: Path) -> None:
    path.write_bytes(path.with_name("copy").read_bytes())


def another_program_wrote(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM record")
        db.commit()


@pytest.mark.parametrize(
    "spoil", [log_emptied, file_emptied, older_copy_written_into_it, another_program_wrote]
)
async def test_nothing_is_acknowledged_into_a_file_that_somebody_else_wrote(
    path: Path, spoil: Callable[[Path], None]
) -> None:
    """The same inode, so it looked as if all was in place: 2,000 records were gone at the end."""
    journal = await SqliteJournal.open(path)
    shutil.copyfile(path, path.with_name("copy"))
    await journal.append(drafts("r", 0, 400, pad=900))
    await journal.close()
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 400, 40, pad=900))
    spoil(path)
    assert "another program wrote" in await _refusal(journal)
    assert journal.trouble is not None
    assert "up to 440" in journal.trouble
    with pytest.raises(JournalUnavailableError, match="another program wrote"):
        await journal.close()


async def test_a_file_that_is_only_touched_or_read_goes_on(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    for first in range(0, 300, 100):
        await journal.append(drafts("r", first, 100, pad=900))
        os.utime(path)
        path.chmod(0o640)
        with closing(sqlite3.connect(path)) as db:
            db.execute("SELECT count(*) FROM record").fetchone()
        await journal.backup(path.with_name(f"backup-{first}.db"))
        await journal.retain(older_than_s=None, bytes_max=150_000, now_s=0.0)
    assert journal.trouble is None
    await journal.close()
