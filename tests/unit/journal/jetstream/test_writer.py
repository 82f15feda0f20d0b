"""Appends that wait for their turn share a batch, and nobody loses by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bridge.core.errors import JournalUnavailableError
from bridge.core.event import Draft
from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.engine import Engine
from bridge.journal.jetstream.journal import StreamJournal
from bridge.journal.jetstream.messages import ROLLUP, Outgoing
from bridge.journal.jetstream.writer import DRAFTS_MAX, MERGED_BYTES_MAX
from bridge.journal.port import FencedError
from tests.journal_records import drafts, feed, read_all
from tests.nats_server import new_stream, shared_server


class Counting(Engine):
    """Knows the size of each batch that it sent."""

    sizes: list[int]
    deaf: int | None = None  # number of the batch whose answer is lost

    async def store_all(self, *args: Any) -> int:
        self.sizes.append(len(args[0]))
        last = await super().store_all(*args)
        if len(self.sizes) == self.deaf:
            raise JournalUnavailableError("the answer was lost")
        return last


@pytest.fixture
async def journal() -> AsyncIterator[StreamJournal]:
    journal = await StreamJournal.open(parse(shared_server().url(new_stream())))
    journal._engine.__class__ = Counting
    counting(journal).sizes = []
    yield journal
    await journal.close()


def counting(journal: StreamJournal) -> Counting:
    assert isinstance(journal._engine, Counting)
    return journal._engine


Outcome = Sequence[int | None] | BaseException


async def at_once(journal: StreamJournal, *appends: Sequence[Draft], **more: Any) -> list[Outcome]:
    """Appends that all begin before the first has an answer."""
    return await asyncio.gather(
        *(journal.append(each, **more) for each in appends), return_exceptions=True
    )


def flat(given: Sequence[Outcome]) -> list[int | None]:
    return [seq for each in given if not isinstance(each, BaseException) for seq in each]


async def test_appends_that_wait_share_a_batch_in_the_order_of_their_calls(
    journal: StreamJournal,
) -> None:
    pages = [drafts(f"r{n}", 0, 10) for n in range(5)]
    given = await at_once(journal, *pages)
    assert counting(journal).sizes == [12, 45], "the first alone, with its feed and the cursor"
    records = await read_all(journal)
    assert [(r.feed, r.id) for r in records] == [(d.feed, d.id) for page in pages for d in page]
    assert [r.seq for r in records] == flat(given)


async def test_a_shared_batch_is_no_larger_than_the_engine_takes(journal: StreamJournal) -> None:
    many = DRAFTS_MAX * 2 // 3
    given = await at_once(journal, *(drafts(f"r{n}", 0, many) for n in range(4)))
    assert counting(journal).sizes == [many + 2] * 4, "no two fit"
    assert not any(isinstance(each, BaseException) for each in given)


async def test_states_stay_in_the_batch_of_their_records(journal: StreamJournal) -> None:
    """J3: those that do not fit into a shared batch wait for the next one."""
    await asyncio.gather(
        *(
            journal.append(
                drafts(f"r{n}", 0, DRAFTS_MAX // 2),
                states=[FeedState(feed(f"s{n}.{m}")) for m in range(100)],
            )
            for n in range(3)
        )
    )
    assert counting(journal).sizes == [DRAFTS_MAX // 2 + 1 + 2 * 100 + 1] * 3


async def test_large_appends_do_not_wait_for_each_other(journal: StreamJournal) -> None:
    large = [
        [drafts(f"r{n}", 0, 1)[0]._replace(tail=bytes(MERGED_BYTES_MAX // 2))] for n in range(3)
    ]
    await at_once(journal, *large)
    assert counting(journal).sizes == [3, 3, 3]


async def test_a_draft_that_two_waiting_appends_bring_is_stored_once(
    journal: StreamJournal,
) -> None:
    _, second, third = await at_once(
        journal, drafts("r", 0, 1), drafts("r", 1, 3), drafts("r", 2, 3)
    )
    assert len(counting(journal).sizes) == 2
    assert isinstance(second, Sequence)
    assert None not in second
    assert isinstance(third, Sequence)
    assert list(third[:2]) == [None, None]
    assert [r.id for r in await read_all(journal)] == ["e0", "e1", "e2", "e3", "e4"]


async def test_the_later_of_two_values_in_a_shared_batch_counts(journal: StreamJournal) -> None:
    states = [FeedState(feed("r"), events=n) for n in range(4)]
    wishes = [Wish(feed("r"), followed=bool(n % 2)) for n in range(4)]
    await asyncio.gather(
        *(
            journal.append(
                (), states=[states[n]], wishes=[wishes[n]], checkpoints=[("c", b"%d" % n)]
            )
            for n in range(4)
        )
    )
    assert len(counting(journal).sizes) == 2
    assert (await journal.states(), await journal.wishes()) == (states[3:], wishes[3:])
    assert await journal.checkpoint("c") == b"3"


async def test_an_append_that_can_never_be_stored_stops_no_other(journal: StreamJournal) -> None:
    """Those who shared its batch failed with it."""
    too_large = [("c", bytes(counting(journal)._client.max_payload + 1))]
    first, hopeless, last = await asyncio.gather(
        journal.append(drafts("r", 0, 5)),
        journal.append((), checkpoints=too_large),
        journal.append(drafts("q", 0, 5)),
        return_exceptions=True,
    )
    assert isinstance(hopeless, JournalUnavailableError)
    assert "more than it takes" in str(hopeless)
    assert isinstance(first, Sequence)
    assert isinstance(last, Sequence)
    assert [r.feed.id for r in await read_all(journal)] == ["r"] * 5 + ["q"] * 5


async def test_a_draft_without_an_encoding_fails_its_own_append_only(
    journal: StreamJournal,
) -> None:
    bad = [draft._replace(id="\ud800") for draft in drafts("r", 1, 1)]
    first, second, third = await at_once(journal, drafts("r", 0, 1), bad, drafts("r", 2, 1))
    assert isinstance(second, UnicodeEncodeError)
    assert isinstance(first, Sequence)
    assert isinstance(third, Sequence)


async def test_a_lost_answer_to_a_shared_batch_doubles_nothing(journal: StreamJournal) -> None:
    pages = [drafts(f"r{n}", 0, 5) for n in range(4)]
    counting(journal).deaf = 2
    given = await at_once(journal, *pages)
    await journal.catch_up()
    records = await read_all(journal)
    assert [(r.feed, r.id) for r in records] == [(d.feed, d.id) for page in pages for d in page]
    assert [r.seq for r in records] == flat(given)


async def test_a_shared_batch_under_an_older_fence_is_refused_for_all(
    journal: StreamJournal,
) -> None:
    lease = await journal.acquire("account/a")
    assert lease is not None
    cursor = journal._lanes[lease.fence]._cursor
    await journal._engine.store(Outgoing(cursor, b"heir", ROLLUP))  # as the next holder does
    given = await at_once(
        journal, drafts("r", 0, 2), drafts("q", 0, 2), drafts("p", 0, 2), fence=lease.fence
    )
    assert all(isinstance(each, FencedError) for each in given)
    assert not lease.is_valid()
    assert await read_all(journal) == []
