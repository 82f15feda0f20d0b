"""The single writer: what becomes a record, once, in which order, and what is never written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import orjson

from bridge.core.errors import Failure, JournalFullError, Retry
from bridge.core.event import Event
from bridge.core.state import FeedState
from bridge.intake import JournalIntake
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import RECORD_BYTES_MAX
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.mogplex.api import feed_of, to_event
from bridge.sources.port import Batch, Gap
from tests.journal_records import StillClock
from tests.virtual_clock import VirtualClock

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
FEED = feed_of("default", RUN)
Virtually = Callable[[Coroutine[Any, Any, Any]], Any]


def event(number: int, message: str = "hello", type_: str = "log") -> Event:
    made = to_event(
        {
            "id": f"e{number}",
            "type": type_,
            "toolName": None,
            "message": message,
            "payload": {"n": number},
            "createdAt": f"2026-08-03T15:00:{number % 60:02}.5+00:00",
        }
    )
    assert made is not None
    return made


def intake_on(journal: Any) -> JournalIntake:
    clock = VirtualClock(asyncio.get_running_loop())
    return JournalIntake(journal, Redactor(), Metrics(["default"]), clock)


async def bodies(journal: Any) -> list[dict[str, Any]]:
    page = await journal.read(0, 10_000)
    return [orjson.loads(record.body) for record in page.records]


def test_a_batch_is_written_as_gap_events_status_and_end(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        receipt = await intake.take(
            Batch(
                FEED,
                events=[event(1), event(2)],
                gap=Gap("window_jumped", "e0", "e1", None),
                status="success",
                run={"runId": RUN, "status": "success", "error": "token mog_" + "a1B2" * 6},
                ended=True,
                cursor="c",
            )
        )
        records = await bodies(journal)
        assert [record["type"] for record in records] == [
            "bridge.gap",
            "com.mogplex.run.event.log",
            "com.mogplex.run.event.log",
            "com.mogplex.run.status",
            "bridge.run.ended",
        ]
        assert [int(record["sequence"]) for record in records] == [1, 2, 3, 4, 5]
        assert records[1]["time"] == "2026-08-03T15:00:01.5Z"
        assert records[1]["runstatus"] == "success"
        assert records[1]["data"]["createdAt"] == "2026-08-03T15:00:01.5+00:00"
        assert "a1B2a1B2" not in orjson.dumps(records).decode()
        assert records[4]["data"] == {"runId": RUN, "status": "success", "events": 2, "gaps": 1}
        assert len({(record["source"], record["id"]) for record in records}) == 5
        assert (receipt.state.events, receipt.state.gaps, receipt.state.ended) == (2, 1, True)
        assert receipt.state.cursor == "c"
        assert list(await journal.states()) == [receipt.state]

    virtually(main())


def test_the_same_event_twice_is_one_record_and_a_duplicate_counted(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        await intake.take(Batch(FEED, events=[event(1), event(2), event(1)]))
        receipt = await intake.take(Batch(FEED, events=[event(2), event(3)]))
        assert [e.id for e in receipt.fresh] == ["e3"]
        assert [record["id"] for record in await bodies(journal)] == ["e1", "e2", "e3"]
        assert receipt.state.events == 3
        text = intake._metrics.render()[0].decode()
        assert 'mogplex_bridge_duplicates_total{account="default"} 2.0' in text

    virtually(main())


def test_nothing_new_writes_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        await intake.take(Batch(FEED, events=[event(1)], status="streaming", run={}))
        states: list[FeedState] = []
        intake.on_change = states.append
        await intake.take(Batch(FEED, events=[event(1)], status="streaming", run={}))
        assert (journal.head, states) == (2, [])

    virtually(main())


async def test_ids_that_memory_forgot_are_known_to_the_journal(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "j.db")
    intake = intake_on(journal)
    await intake.open_feed(FeedState(FEED))
    await intake.take(Batch(FEED, events=[event(n) for n in range(5)]))
    intake._desks[FEED.source].seen = type(intake._desks[FEED.source].seen)()
    receipt = await intake.take(Batch(FEED, events=[event(n) for n in range(3, 7)]))
    assert [e.id for e in receipt.fresh] == ["e5", "e6"]
    assert receipt.state.events == 7
    await intake.take(Batch(FEED, ended=True))
    await journal.close()
    journal = await SqliteJournal.open(tmp_path / "j.db")
    (state,) = await journal.states()
    assert (state.events, state.ended) == (7, True)
    assert orjson.loads((await journal.read_last(1))[0].body)["data"]["events"] == 7
    await journal.close()


def test_an_end_is_written_once(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        await intake.take(Batch(FEED, ended=True))
        await intake.take(Batch(FEED, ended=True))
        assert [record["type"] for record in await bodies(journal)] == ["bridge.run.ended"]

    virtually(main())


def test_a_failure_is_a_record_with_code_and_redacted_message(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        text = "bad token mog_" + "z9Y8" * 6
        failure = Failure("runs.events", "UNAUTHORIZED", text, Retry.PERMANENT, 401)
        receipt = await intake.take(Batch(FEED, failure=failure))
        (record,) = await bodies(journal)
        assert record["type"] == "bridge.follow.failed"
        assert (record["data"]["code"], record["data"]["httpStatus"]) == ("UNAUTHORIZED", 401)
        assert "z9Y8z9Y8" not in record["data"]["message"]
        assert receipt.state.failed == "UNAUTHORIZED"

    virtually(main())


async def test_events_whose_records_retention_dropped_are_not_journalled_again(
    tmp_path: Path,
) -> None:
    """Upstream shows them as long as the run goes on: after a restart, after DELETE and PUT."""
    clock = StillClock()
    journal = await SqliteJournal.open(tmp_path / "j.db", clock=clock)
    intake = intake_on(journal)
    page = [event(number) for number in range(41)]
    await intake.open_feed(FeedState(FEED))
    receipt = await intake.take(Batch(FEED, events=page, status="streaming", run={}))
    clock.wall_s += 100
    await journal.retain(older_than_s=50, bytes_max=None, now_s=clock.wall_s)
    assert journal.floor == journal.head + 1
    intake.close_feed(FEED)
    await intake.open_feed(receipt.state)
    again = await intake.take(Batch(FEED, events=page, status="streaming", run={}))
    assert (list(again.fresh), again.state.events) == ([], 41)
    await journal.close()
    journal = await SqliteJournal.open(tmp_path / "j.db", clock=clock)
    intake = intake_on(journal)
    (state,) = await journal.states()
    await intake.open_feed(state)
    again = await intake.take(Batch(FEED, events=[*page, event(41)], status="streaming", run={}))
    assert [e.id for e in again.fresh] == ["e41"]
    assert again.state.events == 42
    await journal.close()


class FullForAWhile(MemoryJournal):
    """A journal whose disk is full for the first `left` appends."""

    left = 3

    async def append(self, drafts: Sequence[Any], **more: Any) -> Any:
        if self.left:
            self.left -= 1
            raise JournalFullError("no space")
        return await super().append(drafts, **more)


def test_a_full_disk_makes_the_source_wait_and_loses_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        journal = FullForAWhile()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(intake.take(Batch(FEED, events=[event(1)])))
            await asyncio.sleep(0.5)
            assert not taking.done()
        assert asyncio.get_running_loop().time() == 7.0  # 1 + 2 + 4
        assert [record["id"] for record in await bodies(journal)] == ["e1"]

    virtually(main())


def test_an_event_larger_than_a_record_may_be_is_cut_with_a_mark(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        # Six bytes each in JSON: the redactor reads fewer characters than a record has bytes.
        await intake.take(Batch(FEED, events=[event(1, "\x01" * 900_000), event(2)]))
        first, second = (await journal.read(0, 10)).records
        assert len(first.body) <= RECORD_BYTES_MAX
        assert b"\n" not in first.body  # it would end the line, and the frame of an SSE stream
        record = orjson.loads(first.body)
        assert (record["id"], int(record["sequence"])) == ("e1", 1)
        assert record["truncated"] is True
        assert second.id == "e2"

    virtually(main())


def test_two_batches_of_one_feed_at_once_are_taken_one_after_the_other(
    virtually: Virtually,
) -> None:
    """A stream and its watchdog both hand in what they know."""

    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(intake.take(Batch(FEED, events=[event(1)], status="streaming")))
        types = [record["type"] for record in await bodies(journal)]
        assert types == ["com.mogplex.run.event.log", "com.mogplex.run.status"]

    virtually(main())


def test_a_page_of_large_messages_does_not_hold_up_the_loop(virtually: Virtually) -> None:
    """Review: a message of 30 MB blocked every subscriber for seconds."""

    async def main() -> None:
        journal = MemoryJournal(bytes_max=2**30)
        intake = intake_on(journal)
        await intake.open_feed(FeedState(FEED))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        text = "all good " * 120_000  # 1 MB
        events = [event(number, text + str(number)) for number in range(4)]
        events.append(event(9, text * 30 + "password=hunter2hunter2"))
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(others())
            await intake.take(Batch(FEED, events=events, status="running", cursor="c"))
            ticking.cancel()
        assert turns >= len(events)
        last = (await bodies(journal))[4]["data"]["message"]
        assert last.endswith("[REDACTED:unscanned]")
        assert "hunter2" not in last

    virtually(main())
