"""L1 and L2 of bridge/journal/port.py, held by every journal, and what a fence does to `append`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.journal import StreamJournal
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import FencedError, OwnedJournal
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import drafts, feed, read_all
from tests.nats_server import new_stream, shared_server

KINDS = ("memory", "sqlite", "jetstream")


@pytest.fixture(params=KINDS)
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OwnedJournal]:
    opened: OwnedJournal
    if request.param == "jetstream":
        opened = await StreamJournal.open(parse(shared_server().url(new_stream())))
    elif request.param == "memory":
        opened = MemoryJournal()
    else:
        opened = await SqliteJournal.open(tmp_path / "journal.db")
    yield opened
    await opened.close()


async def test_l1_a_name_has_one_holder(journal: OwnedJournal) -> None:
    lease = await journal.acquire("account/a")
    assert lease is not None
    assert lease.is_valid()
    assert await journal.acquire("account/a") is None
    other = await journal.acquire("account/b")
    assert other is not None
    assert lease.is_valid()
    assert lease.fence != other.fence


async def test_l1_after_a_release_the_next_one_holds_it(journal: OwnedJournal) -> None:
    first = await journal.acquire("a")
    assert first is not None
    await first.release()
    assert not first.is_valid()
    second = await journal.acquire("a")
    assert second is not None
    assert second.is_valid()
    assert not first.is_valid()
    assert second.fence.number > first.fence.number
    await first.release()  # a holder of before cannot take it from its successor
    assert second.is_valid()
    assert await journal.acquire("a") is None


async def test_l1_what_is_stored_under_an_older_fence_is_refused_whole(
    journal: OwnedJournal,
) -> None:
    first = await journal.acquire("a")
    assert first is not None
    await journal.append(drafts("r", 0, 2), fence=first.fence)
    await first.release()
    second = await journal.acquire("a")
    assert second is not None
    with pytest.raises(FencedError, match='"a"'):
        await journal.append(
            drafts("r", 2, 2),
            states=[FeedState(feed("r"), events=4)],
            wishes=[Wish(feed("r"))],
            checkpoints=[("c", b"1")],
            fence=first.fence,
        )
    assert [r.id for r in await read_all(journal)] == ["e0", "e1"]
    assert await journal.states() == []
    assert await journal.wishes() == []
    assert await journal.checkpoint("c") is None
    await journal.append(drafts("r", 2, 2), fence=second.fence)
    await journal.append(drafts("s", 0, 1))  # what needs no lease has no fence
    assert [r.id for r in await read_all(journal)] == ["e0", "e1", "e2", "e3", "e0"]


async def test_l1_a_released_lease_that_nobody_took_is_over_too(journal: OwnedJournal) -> None:
    lease = await journal.acquire("a")
    assert lease is not None
    await lease.release()
    with pytest.raises(FencedError):
        await journal.append(drafts("r", 0, 1), fence=lease.fence)


async def test_l2_what_was_remembered_is_handed_on(journal: OwnedJournal) -> None:
    first = await journal.acquire("a")
    assert first is not None
    assert first.inherited == b""
    first.remember(b"one")
    first.remember(b"\x00two")
    await first.release()
    second = await journal.acquire("a")
    assert second is not None
    assert second.inherited == b"\x00two"
    await second.release()  # said nothing: what it was told stays
    third = await journal.acquire("a")
    assert third is not None
    assert third.inherited == b"\x00two"


async def test_who_waits_for_the_loss_hears_of_it(journal: OwnedJournal) -> None:
    lease = await journal.acquire("a")
    assert lease is not None
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(lease.until_lost())
        await asyncio.sleep(0)
        assert not waiting.done()
        await lease.release()
        await lease.release()


async def test_of_many_who_ask_at_once_one_gets_it(journal: OwnedJournal) -> None:
    got = await asyncio.gather(*(journal.acquire("a") for _ in range(10)))
    assert len([lease for lease in got if lease is not None]) == 1
