"""The journal in memory: bounded, and nothing is lost to the reader that holds a pin."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bridge.core.errors import JournalError
from bridge.core.state import FeedState
from bridge.journal.memory import MemoryJournal
from tests.journal_records import draft, drafts, feed, read_all


async def test_without_pins_the_oldest_go_and_the_floor_moves() -> None:
    journal = MemoryJournal(records_max=10)
    await journal.append(drafts("r", 0, 25))
    assert (journal.floor, journal.head) == (16, 25)
    assert [r.seq for r in await read_all(journal)] == list(range(16, 26))
    assert [r.seq for r in await journal.read_last(3)] == [23, 24, 25]


async def test_the_bytes_are_bounded_too() -> None:
    journal = MemoryJournal(bytes_max=20_000)
    for first in range(0, 200, 10):
        await journal.append(drafts("r", first, 10, pad=1000))
    assert journal.head == 200
    assert 5 <= journal.head - journal.floor + 1 <= 20


async def test_a_pinned_reader_misses_nothing_however_slow() -> None:
    journal = MemoryJournal(records_max=50)
    seen: list[int] = []

    async def write() -> None:
        for first in range(0, 1000, 25):
            await journal.append(drafts("r", first, 25))

    async def read() -> None:
        with journal.pin() as pin:
            while len(seen) < 1000:
                await journal.wait_above(pin.after)
                page = await journal.read(pin.after, 7)
                seen.extend(r.seq for r in page.records)
                for _ in range(5):
                    await asyncio.sleep(0)
                assert journal.head - pin.after <= 50 + 25
                pin.move_to(page.next_after)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(0)
        group.create_task(write())
    assert reading.done()
    assert seen == list(range(1, 1001))


async def test_appends_that_wait_for_room_go_on_in_their_order() -> None:
    journal = MemoryJournal(records_max=5)
    pin = journal.pin()
    await journal.append(drafts("r", 0, 6))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.append([draft("r", f"x{n}")])) for n in range(4)]
        await asyncio.sleep(0.01)
        assert not any(t.done() for t in tasks)
        tasks[1].cancel()
        pin.release()
    assert [t.result() for t in tasks if not t.cancelled()] == [[7], [8], [9]]


async def test_states_and_checkpoints_need_no_room() -> None:
    journal = MemoryJournal(records_max=2)
    journal.pin()
    await journal.append(drafts("r", 0, 5))
    async with asyncio.timeout(5):
        await journal.append([], states=[FeedState(feed("r"))], checkpoints=[("f", b"1")])
    assert await journal.checkpoint("f") == b"1"


async def test_closing_ends_the_appends_that_wait_for_room() -> None:
    journal = MemoryJournal(records_max=2)
    journal.pin()
    await journal.append(drafts("r", 0, 5))
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(_refusal(journal, n)) for n in range(3)]
        await asyncio.sleep(0)
        await journal.close()
    assert all("closed" in str(t.result()) for t in tasks)


async def test_ids_outlive_their_records_while_the_run_goes_on() -> None:
    journal = MemoryJournal(records_max=5, ids_per_feed_max=20)
    await journal.append(drafts("r", 0, 15))
    assert list(await journal.append(drafts("r", 0, 15))) == [None] * 15
    assert await journal.event_ids(feed("r"), 3) == ["e12", "e13", "e14"]


async def test_the_ids_of_a_run_are_bounded_but_never_below_its_records() -> None:
    journal = MemoryJournal(records_max=30, ids_per_feed_max=10)
    for number in range(200):
        await journal.append(drafts("r", number, 1))
    assert len(journal._ids["/mogplex/default/runs/r"]) == 30
    assert list(await journal.append(drafts("r", 170, 30))) == [None] * 30


async def test_the_ids_of_an_ended_run_go_with_its_records() -> None:
    journal = MemoryJournal(records_max=5)
    await journal.append(drafts("r", 0, 15))
    await journal.append(drafts("r", 15, 1), states=[FeedState(feed("r"), ended=True)])
    assert await journal.event_ids(feed("r"), 100) == [f"e{n}" for n in range(11, 16)]
    await journal.append(drafts("s", 0, 10))
    assert await journal.event_ids(feed("r"), 100) == []
    assert "/mogplex/default/runs/r" not in journal._ids


@pytest.mark.parametrize("limit", [0, 1, 100])
async def test_event_ids_obey_their_limit(limit: int) -> None:
    journal = MemoryJournal()
    await journal.append(drafts("r", 0, 3))
    got: Sequence[str] = await journal.event_ids(feed("r"), limit)
    assert list(got) == ["e0", "e1", "e2"][3 - min(limit, 3) :]


async def _refusal(journal: MemoryJournal, number: int) -> JournalError | None:
    try:
        await journal.append([draft("r", f"x{number}")])
    except JournalError as error:
        return error
    return None
