"""`migrate`, in this process, from a file into a stream of a real engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import run
from bridge.core.event import Record
from bridge.core.state import FeedState, Wish
from bridge.journal.opening import open_journal
from bridge.journal.sqlite.journal import SqliteJournal
from tests.nats_server import new_stream, shared_server
from tests.unit.outputs.sinks.lines_world import RUN, drafts, feed

COUNT = 1200


def fill(path: Path) -> None:
    async def main() -> None:
        journal = await SqliteJournal.open(path)
        state = FeedState(feed(RUN), status="streaming", events=COUNT)
        for first in range(0, COUNT, 400):
            await journal.append(drafts(first, 400), states=[state], wishes=[Wish(feed(RUN))])
        await journal.close()

    asyncio.run(main())


def content(url: str) -> tuple[list[Record], Any, Any]:
    async def main() -> tuple[list[Record], Any, Any]:
        journal = await open_journal(url)
        records: list[Record] = []
        after = 0
        while after < journal.head:
            page = await journal.read(after, 500)
            records += page.records
            after = page.next_after
        found = records, await journal.states(), await journal.wishes()
        await journal.close()
        return found

    return asyncio.run(main())


@pytest.mark.slow
def test_everything_arrives_once_also_when_it_is_run_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.db"
    fill(path)
    target = shared_server().url(new_stream())
    for _ in range(2):
        assert run(["migrate", "--journal", f"sqlite:{path}", target]) == 0
    err = capfd.readouterr().err
    assert f"copied {COUNT} records" in err
    assert "copied 0 records" in err
    records, states, wishes = content(target)
    assert [record.id for record in records] == [f"e{n}" for n in range(COUNT)]
    for record in records:
        assert record.body.count(b'"sequence":"%020d"' % record.seq) == 1
    assert [(s.status, s.events) for s in states] == [("streaming", COUNT)]
    assert wishes == [Wish(feed(RUN))]


@pytest.mark.slow
def test_a_target_that_is_not_there_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.jetstream.journal.CONNECT_S", 0.3)
    path = tmp_path / "journal.db"
    fill(path)
    assert run(["migrate", "--journal", f"sqlite:{path}", f"sqlite:{path}"]) == 78
    assert run(["migrate", "--journal", f"sqlite:{tmp_path}/none.db", "nats://127.0.0.1:1/S"]) == 78
    assert run(["migrate", "--journal", f"sqlite:{path}", "nats://127.0.0.1:1/S"]) == 69
    assert "NATS does not answer" in capfd.readouterr().err
