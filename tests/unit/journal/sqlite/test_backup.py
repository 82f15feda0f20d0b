"""A backup: a journal of one instant, with an epoch of its own, never over another file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.core.errors import JournalError
from bridge.core.state import FeedState
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, feed, read_all


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
