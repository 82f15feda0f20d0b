"""The newest events of a run, whatever came in between, went, or was asked at the same time."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from bridge.core.event import Draft
from bridge.journal.memory import MemoryJournal
from bridge.outputs.gateway import tails as module
from bridge.outputs.gateway.history import History
from bridge.outputs.gateway.port import Seen
from bridge.outputs.gateway.tails import EVENTS_MAX, Tails
from bridge.outputs.http.turns import Turns
from bridge.sources.mogplex.dialect import MogplexDialect
from tests import journal_records
from tests.virtual_clock import run_virtually

RUNS = ("one", "two", "three")


class Counting(MemoryJournal):
    """How often it was read backwards from its head, which looks at the records of everybody."""

    looks = 0

    async def read_last(self, *args: Any) -> Any:
        self.looks += 1
        return await super().read_last(*args)


def draft(run: str, id_: str) -> Draft:
    return journal_records.draft(run, id_)._replace(tail=b'","data":{}}')


def seen(run: str) -> Seen:
    return Seen("default", run, b"{}", 0, 0, is_followed=True, is_ended=False, version=object())


@pytest.mark.slow
@pytest.mark.parametrize("ahead_max", [0, 3, 2000])
def test_a_tail_is_what_the_journal_has(ahead_max: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_MAX", ahead_max)
    chance = random.Random(ahead_max)

    async def scenario() -> None:
        journal, dialect = MemoryJournal(records_max=2500), MogplexDialect()
        tails, turns = Tails(dialect, History(journal, dialect)), Turns()
        written: dict[str, list[int]] = {run: [] for run in RUNS}
        for _ in range(80):
            batch = [
                draft(run, f"{run}-{len(written[run]) + number}")
                for run in RUNS
                for number in range(chance.choice((0, 0, 0, 1, 1, 3, 40, 450)))
            ]
            for record, seq in zip(batch, await journal.append(batch), strict=True):
                written[record.feed.id].append(seq)
            run, count = chance.choice(RUNS), chance.choice((1, 7, 100, EVENTS_MAX))
            async with turns.reading("test") as reading, asyncio.TaskGroup() as group:
                asks = [
                    group.create_task(tails.newest(now, count, reading))
                    for now in (seen(run), seen(run))
                ]
            kept = [seq for seq in written[run] if seq >= journal.floor]
            for ask in asks:
                assert [event.seq for event in ask.result()] == kept[-count:]
        assert journal.floor > 1, "retention took part"
        await journal.close()

    run_virtually(scenario())


def test_of_a_run_that_is_polled_only_what_came_since_is_read() -> None:
    async def scenario() -> None:
        journal, dialect = Counting(), MogplexDialect()
        tails, turns = Tails(dialect, History(journal, dialect)), Turns()
        for number in range(50):
            await journal.append([draft(run, f"{run}-{number}") for run in RUNS])
            async with turns.reading("test") as reading:
                assert len(await tails.newest(seen("one"), 100, reading)) == number + 1
        assert journal.looks == 1
        await journal.close()

    run_virtually(scenario())
