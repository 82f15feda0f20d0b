"""Journals by their URL, and what is said about one that cannot do what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.errors import ConfigError
from bridge.journal import opening
from bridge.journal.memory import MemoryJournal
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, read_all


@pytest.mark.parametrize("url", ["sqlite:/a/b.db", "sqlite:///a/b.db"])
def test_both_forms_of_a_journal_url_name_the_same_file(url: str) -> None:
    assert opening.file_of(url) == Path("/a/b.db")


async def test_the_scheme_chooses_the_engine(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/j.db"
    journal = await opening.open_journal(url)
    assert isinstance(journal, SqliteJournal)
    await journal.append(drafts("r", 0, 3))
    await journal.close()
    reader = await opening.open_reader(url)
    assert len(await read_all(reader)) == 3
    await reader.close()
    assert opening.backup(url, tmp_path / "copy.db") == 3
    assert [record.seq for record in opening.salvage(url)] == [1, 2, 3]
    assert isinstance(await opening.open_journal("memory:"), MemoryJournal)


@pytest.mark.parametrize("url", ["file:/a", "/a/b.db", "memory", ""])
async def test_an_unknown_kind_is_refused_with_those_there_are(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:PATH"):
        await opening.open_journal(url)


async def test_what_a_kind_cannot_do_is_told_with_what_can(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="GET /v1/events"):
        await opening.open_reader("memory:")
    with pytest.raises(ConfigError, match="export"):
        opening.backup("memory:", tmp_path / "copy.db")
    with pytest.raises(ConfigError, match="--salvage"):
        opening.salvage("memory:")
    with pytest.raises(ConfigError, match="there is no journal"):
        opening.require_existing(f"sqlite:{tmp_path}/none.db")
    opening.require_existing("memory:")
    with pytest.raises(ConfigError, match="nats stream backup"):
        opening.backup("nats://me:secret@host/S", tmp_path / "copy.db")
    assert opening.place_of("nats://me:secret@host,me:secret@other/S") == "nats://host,other/S"
