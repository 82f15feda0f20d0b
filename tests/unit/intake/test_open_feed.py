"""A feed that is closed while batches of it wait for the journal, and rows of any depth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.core.status import State
from bridge.journal.memory import MemoryJournal
from bridge.sources.port import Batch
from bridge.wire.jsontext import loads
from tests.unit.intake.test_intake import Virtually, bodies, event, intake_on, opened


class SlowJournal(MemoryJournal):
    """A journal on a busy disk."""

    async def append(self, drafts: Sequence[Any], **more: Any) -> Any:
        await asyncio.sleep(5.0)
        return await super().append(drafts, **more)


def test_a_feed_that_closes_during_a_commit_does_not_end_who_hands_in(virtually: Virtually) -> None:
    """A list's row comes while the follow of its space ends: both batches are written."""

    async def main() -> None:
        journal = SlowJournal()
        feed = await opened(intake_on(journal))
        async with asyncio.TaskGroup() as group:
            first = group.create_task(feed.take(Batch(events=[event(1)])))
            row = group.create_task(feed.take(Batch(status="streaming", row={"id": "r"})))
            await asyncio.sleep(1.0)
            feed.close()
        assert [one.id for one in first.result().fresh] == ["e1"]
        assert row.result().state.status == "streaming"
        assert (await bodies(journal))[0]["id"] == "e1"
        assert feed.state.events == 1

    virtually(main())


def test_events_that_come_again_after_such_a_close_are_written_once(virtually: Virtually) -> None:
    async def main() -> None:
        journal = SlowJournal()
        feed = await opened(intake_on(journal))
        page = [event(1), event(2)]
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.take(Batch(events=page)))
            waiting = group.create_task(feed.take(Batch(events=page)))
            await asyncio.sleep(1.0)
            feed.close()
        assert waiting.result().fresh == []
        await feed.open()
        assert not (await feed.take(Batch(events=page))).fresh
        assert [body["id"] for body in await bodies(journal)] == ["e1", "e2"]
        assert feed.state.events == 2

    virtually(main())


def test_a_feed_opened_again_during_a_commit_knows_its_events(virtually: Virtually) -> None:
    async def main() -> None:
        journal = SlowJournal()
        feed = await opened(intake_on(journal))
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.take(Batch(events=[event(1)])))
            await asyncio.sleep(1.0)
            feed.close()
            await feed.open()
        assert feed.is_known("e1")

    virtually(main())


@pytest.mark.parametrize("levels", [400, 1000])
def test_a_row_nested_without_end_does_not_crash_the_follow(
    levels: int, virtually: Virtually
) -> None:
    """Spaces and everything of MIOSA had no bound; runs had one."""

    def row(mark: int) -> dict[str, Any]:
        value: Any = mark
        for _ in range(levels):
            value = [value]
        return {"status": "streaming", "metadata": value, "mark": mark}

    async def main() -> None:
        journal = MemoryJournal()
        feed = await opened(intake_on(journal))
        await feed.take(Batch(status="streaming", row=row(1)))
        await feed.take(Batch(status="success", state=State.SUCCEEDED, row=row(2)))
        (state,) = await journal.states()
        assert loads(state.row)["mark"] == 2
        assert len(await bodies(journal)) == 2

    virtually(main())
