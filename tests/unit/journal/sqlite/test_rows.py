"""Reading from disk looks at a bounded number of records, and passes over none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.filter import Filter
from bridge.journal.sqlite import rows as sqlite_rows
from bridge.journal.sqlite import wanted as sqlite_wanted
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import draft, drafts, feed, read_all, record

MIXED = [
    draft(feed(f"r{n % 3}", "other" if n % 5 == 0 else "default"), f"e{n}", f"t.{n % 4}", pad=n % 7)
    for n in range(300)
]


@pytest.mark.slow
@pytest.mark.parametrize(("looked_at", "numbers"), [(1, 0), (7, 2), (50, 500)])
@pytest.mark.parametrize("page_bytes", [1, 2000])
@pytest.mark.parametrize(
    "only",
    [
        Filter(),
        Filter(ids=frozenset({"r1"})),
        Filter(ids=frozenset({"r0", "r2"}), types=("t.3",)),
        Filter(types=("t.1",)),
        Filter(accounts=frozenset({"other"}), types=("!t.2",)),
        Filter(accounts=frozenset({"default"}), ids=frozenset({"r1", "r2", "absent"})),
        Filter(types=("t.9",)),
        Filter(kinds=frozenset({"space"})),
        Filter(types=("t.?", "other"), systems=frozenset({"mogplex"})),
    ],
    ids=[
        "all",
        "run",
        "runs and type",
        "type",
        "account and not type",
        "account and runs",
        "no such type",
        "no such kind",
        "everything",
    ],
)
async def test_bounded_pages_together_hold_all_that_matches(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    only: Filter,
    looked_at: int,
    page_bytes: int,
    numbers: int,
) -> None:
    monkeypatch.setattr(sqlite_rows, "LOOKED_AT_MAX", looked_at)
    monkeypatch.setattr(sqlite_rows, "PASSED_OVER_MAX", 2 * looked_at)
    monkeypatch.setattr(sqlite_wanted, "NUMBERS_MAX", numbers)
    monkeypatch.setattr(sqlite_rows, "PAGE_BYTES_MAX", page_bytes)
    journal = await SqliteJournal.open(tmp_path / "journal.db", synchronous="normal")
    await journal.append(MIXED)
    await journal.close()
    wanted = [record(d, n) for n, d in enumerate(MIXED, 1) if only.matches(d.feed, d.type)]
    reader = await SqliteReader.open(tmp_path / "journal.db")
    assert await read_all(reader, 0, 20, only) == wanted
    assert list(await reader.read_last(25, only)) == wanted[-25:]
    if not only.is_empty:
        page = await reader.read(0, 1000, only)
        assert len(page.records) <= looked_at
    await reader.close()


async def test_a_search_for_what_was_never_there_looks_at_no_record(tmp_path: Path) -> None:
    """Forty of them kept a page of ten waiting for seconds."""
    journal = await SqliteJournal.open(tmp_path / "journal.db", synchronous="normal")
    await journal.append(MIXED)
    await journal.close()
    reader = await SqliteReader.open(tmp_path / "journal.db")
    for only in (Filter(types=("nothing",)), Filter(accounts=frozenset({"nobody"}))):
        assert await reader.read(0, 10, only) == ([], len(MIXED))
    await reader.close()


@pytest.mark.parametrize("runs", [frozenset[str](), frozenset({"r1"})])
async def test_a_search_for_what_is_rare_lets_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: frozenset[str]
) -> None:
    """SQLite picks out what is wanted, and one call ends whatever it finds."""
    monkeypatch.setattr(sqlite_rows, "PASSED_OVER_MAX", 40)
    journal = await SqliteJournal.open(tmp_path / "journal.db", synchronous="normal")
    await journal.append([*drafts("r1", 0, 200), *drafts("r1", 200, 1, type_="rare")])
    await journal.close()
    reader = await SqliteReader.open(tmp_path / "journal.db")
    only = Filter(ids=runs, types=("rare",))
    for look in range(1, 6):
        assert await reader.read(40 * (look - 1), 10, only) == ([], 40 * look)
    assert [r.seq for r in (await reader.read(200, 10, only)).records] == [201]
    assert [r.seq for r in await reader.read_last(1, only)] == [201]
    await reader.close()


async def test_a_type_that_is_new_since_the_last_look_is_found(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db", recent_bytes_max=1)
    only = Filter(types=("rare",), accounts=frozenset({"other"}))
    await journal.append(drafts("r", 0, 3))
    assert await journal.read(0, 10, only) == ([], 3)
    await journal.append([draft(feed("s", "other"), "e", "rare"), *drafts("r", 3, 3)])
    assert [r.seq for r in (await journal.read(0, 10, only)).records] == [4]
    await journal.close()
