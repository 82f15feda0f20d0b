"""Reading from disk looks at a bounded number of records, and passes over none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.filter import Filter
from bridge.journal.sqlite import rows as sqlite_rows
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import draft, feed, read_all, record

MIXED = [
    draft(feed(f"r{n % 3}", "other" if n % 5 == 0 else "default"), f"e{n}", f"t.{n % 4}", pad=n % 7)
    for n in range(300)
]


@pytest.mark.parametrize("looked_at", [1, 7, 50])
@pytest.mark.parametrize("page_bytes", [1, 2000])
@pytest.mark.parametrize(
    "only",
    [
        Filter(),
        Filter(runs=frozenset({"r1"})),
        Filter(runs=frozenset({"r0", "r2"}), types=("t.3",)),
        Filter(types=("t.1",)),
        Filter(accounts=frozenset({"other"}), types=("!t.2",)),
    ],
    ids=["all", "run", "runs and type", "type", "account and not type"],
)
async def test_bounded_pages_together_hold_all_that_matches(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    only: Filter,
    looked_at: int,
    page_bytes: int,
) -> None:
    monkeypatch.setattr(sqlite_rows, "LOOKED_AT_MAX", looked_at)
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
