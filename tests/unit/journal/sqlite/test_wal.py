"""The write-ahead log lies beside the file, not beside the name; and it is not lost with the file.

SQLite deletes a log whose file is empty, on a connection that only reads too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError, JournalCorruptError, JournalUnavailableError
from bridge.journal import opening
from bridge.journal.sqlite.backup import copy_to
from bridge.journal.sqlite.file import connect
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import open_rows
from bridge.journal.sqlite.salvage import salvage
from tests.journal_records import drafts, read_all


@pytest.fixture
async def killed(tmp_path: Path) -> Path:
    """What a process that was killed after fifty records leaves: all of them are in the log."""
    journal = await SqliteJournal.open(tmp_path / "used" / "journal.db")
    await journal.append(drafts("r", 0, 50))
    path = tmp_path / "killed" / "journal.db"
    path.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{tmp_path}/used/journal.db{suffix}", f"{path}{suffix}")
    await journal.close()
    return path


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def cut_to_one_byte(path: Path) -> None:  # as empty to SQLite
    os.truncate(path, 1)


def removed(path: Path) -> None:
    path.unlink()


def reached_by_a_link(path: Path) -> None:
    real = path.with_name("real.db")
    path.rename(real)
    path.with_name(path.name + "-wal").rename(f"{real}-wal")
    path.symlink_to(real)
    os.truncate(real, 0)


EMPTIED = [emptied, cut_to_one_byte, removed, reached_by_a_link]


def _read(path: Path) -> object:
    return open_rows(path)


def _back_up(path: Path) -> object:
    return copy_to(path, path.with_name("copy.db"))


@pytest.mark.parametrize("command", [_read, _back_up, lambda path: connect(path, "ro")])
@pytest.mark.parametrize("empty", EMPTIED)
async def test_a_log_whose_file_was_emptied_is_not_deleted_by_a_reader(
    killed: Path, empty: Callable[[Path], None], command: Callable[[Path], object]
) -> None:
    """`export` said that nothing was changed, deleted it, and `serve` made a new journal."""
    empty(killed)
    log = Path(f"{os.path.realpath(killed)}-wal")
    before = log.read_bytes()
    with pytest.raises((JournalCorruptError, ConfigError)):
        command(killed)
    with pytest.raises(JournalCorruptError, match="missing or empty"):
        await SqliteJournal.open(killed)
    assert log.read_bytes() == before
    assert not list(killed.parent.glob("copy.db*"))
    # What the error says to do.
    saved = list(opening.salvage(f"sqlite:{killed}"))
    assert [record.seq for record in saved] == list(range(1, 51))


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A link to a file, which is not there yet, in another directory."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    link = tmp_path / "here" / "journal.db"
    link.symlink_to(tmp_path / "there" / "real.db")
    return link


async def test_a_journal_behind_a_link_is_made_where_the_link_leads(linked: Path) -> None:
    """The link was replaced by a file."""
    real = linked.readlink()
    journal = await SqliteJournal.open(linked)
    await journal.append(drafts("r", 0, 3))
    assert linked.is_symlink()
    assert sorted(p.name for p in linked.parent.iterdir()) == ["journal.db"]
    assert {"real.db", "real.db-wal", "real.db.lock"} <= {p.name for p in real.parent.iterdir()}
    assert journal.stats().wal_bytes > 0
    assert len(list(salvage(linked))) == 3
    await journal.close()
    again = await SqliteJournal.open(real)
    assert len(await read_all(again)) == 3
    await again.close()


def log_removed(link: Path) -> None:
    Path(f"{link.readlink()}-wal").unlink()


def log_replaced(link: Path) -> None:
    log = Path(f"{link.readlink()}-wal")
    shutil.copyfile(log, f"{log}.copy")
    Path(f"{log}.copy").replace(log)


def log_cut(link: Path) -> None:
    os.truncate(f"{link.readlink()}-wal", 0)


def link_removed(link: Path) -> None:
    link.unlink()


def link_leads_elsewhere(link: Path) -> None:
    shutil.copyfile(link, link.with_name("other.db"))
    link.unlink()
    link.symlink_to(link.with_name("other.db"))


def file_removed(link: Path) -> None:
    link.readlink().unlink()


@pytest.mark.parametrize(
    "lose", [log_removed, log_replaced, log_cut, link_removed, link_leads_elsewhere, file_removed]
)
async def test_nothing_is_acknowledged_into_a_linked_journal_that_nobody_finds(
    linked: Path, lose: Callable[[Path], None]
) -> None:
    """The log was looked for beside the link, where there is none."""
    journal = await SqliteJournal.open(linked)
    await journal.append(drafts("r", 0, 3))
    lose(linked)
    with pytest.raises(JournalUnavailableError, match="up to 3"):
        await journal.append(drafts("r", 3, 1))
    with pytest.raises(JournalUnavailableError):
        await journal.close()


async def test_a_directory_that_moves_with_its_link_is_no_loss(linked: Path) -> None:
    journal = await SqliteJournal.open(linked)
    await journal.append(drafts("r", 0, 3))
    there = linked.readlink().parent
    moved = there.rename(there.with_name("moved"))
    linked.unlink()
    linked.symlink_to(moved / "real.db")
    await journal.append(drafts("r", 3, 2))
    await journal.close()
    again = await SqliteJournal.open(linked)
    assert len(await read_all(again)) == 5
    await again.close()


async def test_a_link_to_itself_is_refused_and_left_alone(tmp_path: Path) -> None:
    link = tmp_path / "journal.db"
    link.symlink_to(link)
    with pytest.raises(ConfigError, match="leads to itself"):
        await SqliteJournal.open(link)
    assert link.is_symlink()


async def test_a_killed_journal_is_not_opened_by_a_name_without_its_log(tmp_path: Path) -> None:
    """Its newest records were missing, in silence, and their sequences were given again."""
    path, other = tmp_path / "journal.db", tmp_path / "other.db"
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("r", 0, 3))
    killed = tmp_path / "killed"
    killed.mkdir()
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", killed / f"journal.db{suffix}")
    await journal.close()
    os.link(killed / "journal.db", other)
    for _ in range(2):
        with pytest.raises(ConfigError, match="start it by the name it had"):
            await SqliteJournal.open(other)
    journal = await SqliteJournal.open(killed / "journal.db")
    assert journal.head == 3
    await journal.close()
    journal = await SqliteJournal.open(other)  # closed in order: any name will do
    assert journal.head == 3
    await journal.close()
