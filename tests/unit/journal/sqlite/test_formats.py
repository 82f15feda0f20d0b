"""Journals that older versions wrote, kept as they were, open in this one with all they hold.

`stored/version<N>.db.xz` was written by the program whose newest format was N and is never written
again; a new format brings its own file. Each holds 25 records of run "r", which is followed, 15 of
run "s", which has ended, their states, and one checkpoint.
"""

from __future__ import annotations

import lzma
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.state import FeedState, Wish
from bridge.core.status import State
from bridge.journal.sqlite import file as sqlite_file
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import drafts, feed, read_all, record

STORED = Path(__file__).with_name("stored")
NEWEST = max(sqlite_file.migrations())
EPOCHS = {1: "09e5703b2b05", 2: "cf90a9c6a791", 3: "f9ae770992e9"}
RECORDS = [
    record(draft, seq) for seq, draft in enumerate([*drafts("r", 0, 25), *drafts("s", 0, 15)], 1)
]
STATES = [
    FeedState(
        feed("r"),
        status="streaming",
        state=State.RUNNING,
        asked=1,
        events=25,
        marks=1,
        cursor="c25",
    ),
    FeedState(
        feed("s"),
        status="success",
        state=State.SUCCEEDED,
        ended=True,
        asked=1,
        events=15,
        gaps=2,
    ),
]
WISHES = [Wish(feed("r"), added_at_s=7.5), Wish(feed("s"), followed=False)]


def unpack(version: int, to: Path) -> Path:
    path = to / "journal.db"
    path.write_bytes(lzma.decompress((STORED / f"version{version}.db.xz").read_bytes()))
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_every_format_there_was_is_stored() -> None:
    kept = {int(file.name[7:].partition(".")[0]) for file in STORED.glob("version*.db.xz")}
    assert kept == set(EPOCHS) == set(range(1, NEWEST + 1))


@pytest.mark.parametrize("version", EPOCHS)
async def test_a_stored_journal_opens_with_everything_and_goes_on(
    tmp_path: Path, version: int
) -> None:
    path = unpack(version, tmp_path)
    assert version_of(path) == version
    journal = await SqliteJournal.open(path)
    assert (journal.epoch, journal.head, journal.floor) == (EPOCHS[version], 40, 1)
    assert list(await read_all(journal)) == RECORDS
    assert list(await journal.states()) == STATES
    assert list(await journal.wishes()) == WISHES
    assert await journal.checkpoint("sink/a") == b"one"
    # What it knew is known: repeats are seen, and sequences go on.
    assert list(await journal.append(drafts("r", 20, 7))) == [None] * 5 + [41, 42]
    await journal.close()
    assert version_of(path) == NEWEST


async def test_numbers_of_feeds_that_are_gone_are_not_given_again(tmp_path: Path) -> None:
    """Readers in other processes remember numbers: none may come to mean another feed."""
    path = unpack(1, tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO feed (feed, account, id, source) VALUES (70, 'a', 'gone', '/gone')")
        db.execute("DELETE FROM feed WHERE feed = 70")
        db.commit()
    journal = await SqliteJournal.open(path)
    await journal.append(drafts("new", 0, 1))
    await journal.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT feed FROM feed WHERE id = 'new'").fetchone() == (71,)


@pytest.mark.parametrize("version", EPOCHS)
async def test_reading_a_stored_journal_changes_nothing(tmp_path: Path, version: int) -> None:
    path = unpack(version, tmp_path)
    before = path.read_bytes()
    reader = await SqliteReader.open(path)
    assert list(await read_all(reader)) == RECORDS
    assert list(await reader.states()) == STATES
    await reader.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", EPOCHS)
async def test_the_next_format_takes_a_stored_journal_over_whole(
    tmp_path: Path, version: int
) -> None:
    """Two steps made up for the test: the mechanism that the next real one will use."""
    path = unpack(version, tmp_path)
    steps = {
        **sqlite_file.migrations(),
        NEWEST + 1: "ALTER TABLE record ADD COLUMN note TEXT; UPDATE record SET note = 'old';",
        NEWEST + 2: "CREATE INDEX record_by_note ON record (note);",
    }
    opened = sqlite_file.open_for_writing(path, synchronous="full", steps=steps)
    assert (opened.epoch, opened.head) == (EPOCHS[version], 40)
    assert opened.connection.execute(
        "SELECT count(*) FROM record INDEXED BY record_by_note WHERE note = 'old'"
    ).fetchone() == (40,)
    opened.connection.close()
    opened.lock.close()
    assert version_of(path) == NEWEST + 2
