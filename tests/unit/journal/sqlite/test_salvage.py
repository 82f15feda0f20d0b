"""A damaged file: every record that is still whole is found, and none is made up."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.core.errors import JournalCorruptError
from bridge.core.event import Record
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.salvage import salvage
from tests.journal_records import draft, record

PAGE = 8192


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


@pytest.mark.slow
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


def _said(of: Record) -> tuple[object, ...]:
    return of.seq, of.id
