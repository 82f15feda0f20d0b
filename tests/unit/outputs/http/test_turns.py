"""Searches through the whole journal do not keep others waiting: counted in slices, not seconds."""

from __future__ import annotations

import asyncio

import pytest

from bridge.outputs.http.turns import LONG, SEARCHES_PER_CLIENT, HungUpError, Turns


class Journal:
    """Every read is one step; remembers whose it was."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.under_way = self.most_under_way = 0

    async def read(self, who: str) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.reads.append(who)
        self.under_way -= 1


async def ask(turns: Turns, journal: Journal, who: str, slices: int, client: str = "") -> None:
    async with turns.reading(client or who) as reading:
        for _ in range(slices):
            async with reading.slice():
                await journal.read(who)


async def test_a_page_is_through_after_a_handful_of_slices_of_forty_searches() -> None:
    turns, journal = Turns(), Journal()
    async with asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(ask(turns, journal, f"search{number}", 60))
        while len(journal.reads) < 500:
            await asyncio.sleep(0)
        asked_at = len(journal.reads)
        await group.create_task(ask(turns, journal, "page", 1))
        waited = journal.reads.index("page") - asked_at
    assert waited <= 2
    assert journal.most_under_way <= 2
    assert len(journal.reads) == 40 * 60 + 1


async def test_a_client_searches_a_few_times_at_once_and_then_the_rest() -> None:
    turns, journal = Turns(), Journal()
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ask(turns, journal, f"greedy{number}", 30, client="greedy"))
        group.create_task(ask(turns, journal, "other", 30))
    after_first = journal.reads[21 * LONG + 8 : 21 * LONG + 60]
    assert len({who for who in after_first if who != "other"}) <= SEARCHES_PER_CLIENT
    assert journal.reads.index("other") < 30
    assert len(journal.reads) == 21 * 30
    last_of_other = len(journal.reads) - journal.reads[::-1].index("other")
    assert last_of_other <= 21 * LONG + 30 * (SEARCHES_PER_CLIENT + 1)


async def test_who_is_cancelled_in_line_leaves_no_hole() -> None:
    turns, journal = Turns(at_once=1), Journal()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(turns, journal, f"s{n}", 30, client="c")) for n in range(12)]
        while len(journal.reads) < 100:
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    before = len(journal.reads)
    await asyncio.wait_for(ask(turns, journal, "late", 30, client="c"), 5)  # noqa: TID251
    assert len(journal.reads) == before + 30
    assert not turns._searching
    assert not turns._line


async def test_a_search_whose_client_hung_up_goes_on_for_nobody() -> None:
    turns, journal = Turns(), Journal()

    async def ask_and_leave() -> None:
        async with turns.reading("gone", lambda: len(journal.reads) >= 3) as reading:
            while True:
                async with reading.slice():
                    await journal.read("gone")

    for _ in range(SEARCHES_PER_CLIENT + 3):  # its places are free again
        journal.reads.clear()
        with pytest.raises(HungUpError):
            await ask_and_leave()
        assert journal.reads == ["gone"] * 3
    await ask(turns, journal, "next", 3, client="gone")
    assert journal.reads[3:] == ["next"] * 3
