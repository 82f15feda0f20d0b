"""The single writer: what becomes a record, once, in which order, and what is never written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.core.dedupe import SeenIds
from bridge.core.errors import Failure, JournalCorruptError, JournalFullError, Retry
from bridge.core.event import Event
from bridge.core.state import FeedState
from bridge.core.status import State
from bridge.intake import Intake, OpenFeed
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import RECORD_BYTES_MAX
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.redact import Redactor
from bridge.sources.mogplex.api import to_event
from bridge.sources.mogplex.system import MOGPLEX, RUN_KIND
from bridge.sources.port import Batch, Gap
from tests.accounts import mogplex_metrics
from tests.journal_records import StillClock
from tests.virtual_clock import VirtualClock

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"
FEED = MOGPLEX.feed("default", "run", RUN)
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


def intake_on(journal: Any) -> Intake:
    clock = VirtualClock(asyncio.get_running_loop())
    return Intake(journal, Redactor(), mogplex_metrics(), clock)


async def opened(
    intake: Intake, on_change: Callable[[FeedState], None] = lambda _: None
) -> OpenFeed:
    feed = intake.feed(FeedState(FEED), RUN_KIND, on_change)
    await feed.open()
    return feed


async def bodies(journal: Any) -> list[dict[str, Any]]:
    page = await journal.read(0, 10_000)
    return [orjson.loads(record.body) for record in page.records]


def test_a_batch_is_written_as_gap_events_status_and_end(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        receipt = await feed.take(
            Batch(
                events=[event(1), event(2)],
                gaps=[Gap("window_jumped", "e0", "e1", None)],
                status="success",
                state=State.SUCCEEDED,
                row={"runId": RUN, "status": "success", "error": "token mog_" + "a1B2" * 6},
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
        assert records[4]["data"] == {
            "runId": RUN,
            "kind": "run",
            "id": RUN,
            "status": "success",
            "state": "succeeded",
            "events": 2,
            "gaps": 1,
            "error": "token [REDACTED:token]",
        }
        assert len({(record["source"], record["id"]) for record in records}) == 5
        assert (receipt.state.events, receipt.state.gaps, receipt.state.ended) == (2, 1, True)
        assert receipt.state.cursor == "c"
        assert list(await journal.states()) == [receipt.state]

    virtually(main())


def test_the_same_event_twice_is_one_record_and_a_duplicate_counted(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        await feed.take(Batch(events=[event(1), event(2), event(1)]))
        receipt = await feed.take(Batch(events=[event(2), event(3)]))
        assert [e.id for e in receipt.fresh] == ["e3"]
        assert [record["id"] for record in await bodies(journal)] == ["e1", "e2", "e3"]
        assert receipt.state.events == 3
        text = intake._metrics.render()[0].decode()
        assert 'mogplex_bridge_duplicates_total{account="default"} 2.0' in text

    virtually(main())


def told(number: int, type_: str, payload: dict[str, Any], message: str = "m") -> Event:
    made = to_event(
        {
            "id": f"e{number}",
            "type": type_,
            "toolName": "bash",
            "message": message,
            "payload": payload,
            "createdAt": f"2026-08-03T15:00:{number:02}.5+00:00",
        }
    )
    assert made is not None
    return made


def test_what_a_command_printed_is_judged_with_it_over_batches_and_refused_commits(
    virtually: Virtually,
) -> None:
    """The call is forgotten when its output is durable, not when it was read."""

    class Refusing(MemoryJournal):
        refuses = False

        async def append(self, *args: Any, **kwargs: Any) -> Any:
            if self.refuses:
                raise JournalCorruptError("no")
            return await super().append(*args, **kwargs)

    async def main() -> None:
        journal = Refusing()
        intake = intake_on(journal)
        feed = await opened(intake)
        started = {"toolCallId": "c1", "input": {"command": "op read op://prod/db/password"}}
        finished = {"toolCallId": "c1", "output": "Amber5528x\n"}
        await feed.take(Batch(events=[told(1, "tool_started", started)]))
        journal.refuses = True
        with pytest.raises(JournalCorruptError):
            await feed.take(Batch(events=[told(2, "tool_finished", finished)]))
        journal.refuses = False
        await feed.take(Batch(events=[told(2, "tool_finished", finished)]))
        assert "Amber5528x" not in orjson.dumps(await bodies(journal)).decode()

    virtually(main())


def test_a_secret_cut_in_two_fragments_is_not_in_the_text_they_make(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        parts = ["I set password = 'Amb", "er5528xQ9' there."]
        for number, part in enumerate(parts, 1):
            fragment = told(number, "log", {"kind": "assistant_delta"}, part)
            await feed.take(Batch(events=[fragment]))
        joined = "".join(record["data"]["message"] for record in await bodies(journal))
        assert "er5528" not in joined
        assert joined.endswith("' there.")

    virtually(main())


def test_nothing_new_writes_nothing(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        states: list[FeedState] = []
        feed = await opened(intake, states.append)
        await feed.take(Batch(events=[event(1)], status="streaming", row={}))
        states.clear()
        await feed.take(Batch(events=[event(1)], status="streaming", row={}))
        assert (journal.head, states) == (2, [])

    virtually(main())


async def test_ids_that_memory_forgot_are_known_to_the_journal(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "j.db")
    intake = intake_on(journal)
    feed = await opened(intake)
    await feed.take(Batch(events=[event(n) for n in range(5)]))
    feed._seen = SeenIds()
    receipt = await feed.take(Batch(events=[event(n) for n in range(3, 7)]))
    assert [e.id for e in receipt.fresh] == ["e5", "e6"]
    assert receipt.state.events == 7
    await feed.take(Batch(ended=True))
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
        feed = await opened(intake)
        await feed.take(Batch(ended=True))
        await feed.take(Batch(ended=True))
        assert [record["type"] for record in await bodies(journal)] == ["bridge.run.ended"]

    virtually(main())


def test_a_failure_is_a_record_with_code_and_redacted_message(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        text = "bad token mog_" + "z9Y8" * 6
        failure = Failure("runs.events", "UNAUTHORIZED", text, Retry.PERMANENT, 401)
        receipt = await feed.take(Batch(failure=failure))
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
    feed = await opened(intake)
    await feed.take(Batch(events=page, status="streaming", row={}))
    clock.wall_s += 100
    await journal.retain(older_than_s=50, bytes_max=None, now_s=clock.wall_s)
    assert journal.floor == journal.head + 1
    feed.close()
    await feed.open()
    again = await feed.take(Batch(events=page, status="streaming", row={}))
    assert (list(again.fresh), again.state.events) == ([], 41)
    await journal.close()
    journal = await SqliteJournal.open(tmp_path / "j.db", clock=clock)
    intake = intake_on(journal)
    (state,) = await journal.states()
    feed = intake.feed(state, RUN_KIND)
    await feed.open()
    again = await feed.take(Batch(events=[*page, event(41)], status="streaming", row={}))
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
        feed = await opened(intake)
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(feed.take(Batch(events=[event(1)])))
            await asyncio.sleep(0.5)
            assert not taking.done()
        assert asyncio.get_running_loop().time() == 7.0  # 1 + 2 + 4
        assert [record["id"] for record in await bodies(journal)] == ["e1"]

    virtually(main())


@pytest.mark.slow
def test_an_event_larger_than_a_record_may_be_is_cut_with_a_mark(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        # Six bytes each in JSON: the redactor reads fewer characters than a record has bytes.
        await feed.take(Batch(events=[event(1, "\x01" * 900_000), event(2)]))
        first, second = (await journal.read(0, 10)).records
        assert len(first.body) <= RECORD_BYTES_MAX
        assert b"\n" not in first.body  # it would end the line, and the frame of an SSE stream
        record = orjson.loads(first.body)
        assert (record["id"], int(record["sequence"])) == ("e1", 1)
        assert record["truncated"] is True
        assert second.id == "e2"

    virtually(main())


def test_an_event_is_cut_to_what_this_journal_takes(virtually: Virtually) -> None:
    """An engine that takes a megabyte refused the record, and the follow began anew for ever."""

    async def main() -> None:
        journal = MemoryJournal(record_bytes_max=100_000)
        intake = intake_on(journal)
        feed = await opened(intake)
        await feed.take(Batch(events=[event(1, "m " * 200_000), event(2)]))
        first, second = (await journal.read(0, 10)).records
        assert len(first.body) <= 100_000
        assert orjson.loads(first.body)["truncated"] is True
        assert second.id == "e2"

    virtually(main())


def test_two_batches_of_one_feed_at_once_are_taken_one_after_the_other(
    virtually: Virtually,
) -> None:
    """A stream and its watchdog both hand in what they know."""

    async def main() -> None:
        journal = MemoryJournal()
        intake = intake_on(journal)
        feed = await opened(intake)
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(feed.take(Batch(events=[event(1)], status="streaming")))
        types = [record["type"] for record in await bodies(journal)]
        assert types == ["com.mogplex.run.event.log", "com.mogplex.run.status"]

    virtually(main())


@pytest.mark.slow
def test_a_page_of_large_messages_does_not_hold_up_the_loop(virtually: Virtually) -> None:
    """Review: a message of 30 MB blocked every subscriber for seconds."""

    async def main() -> None:
        journal = MemoryJournal(bytes_max=2**30)
        intake = intake_on(journal)
        feed = await opened(intake)
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
            await feed.take(Batch(events=events, status="running", cursor="c"))
            ticking.cancel()
        assert turns >= len(events)
        last = (await bodies(journal))[4]["data"]["message"]
        assert last.endswith("[REDACTED:unscanned]")
        assert "hunter2" not in last

    virtually(main())


def test_the_row_is_kept_as_it_was_seen_last_also_when_the_status_stays(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        feed = await opened(intake_on(journal))
        await feed.take(Batch(status="streaming", row={"n": 1}))
        await feed.take(Batch(status="streaming", row={"n": 2, "password": "hunter2hunter2"}))
        (state,) = await journal.states()
        assert orjson.loads(state.row)["n"] == 2
        assert b"hunter2" not in state.row
        assert len(await bodies(journal)) == 1

    virtually(main())


def test_an_event_that_cannot_be_a_record_is_one_gap_and_the_others_are_kept(
    virtually: Virtually,
) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        feed = await opened(intake_on(journal))
        bad = Event("e2", "com.mogplex.run.event.log", None, None, {"payload": {1, 2}})
        events = [event(1), bad, event(3)]
        receipt = await feed.take(Batch(events=events))
        again = await feed.take(Batch(events=events))
        assert [e.id for e in receipt.fresh] == ["e1", "e3"]
        assert again.fresh == ()
        records = await bodies(journal)
        assert [r["id"] for r in records if r["type"] != "bridge.gap"] == ["e1", "e3"]
        (gap,) = [r for r in records if r["type"] == "bridge.gap"]
        assert (gap["id"], gap["data"]["reason"], gap["data"]["after"]) == (
            "e2",
            "unreadable",
            "e1",
        )
        assert receipt.state.gaps == 1

    virtually(main())


def test_a_feed_that_lives_again_has_a_second_end(virtually: Virtually) -> None:
    async def main() -> None:
        journal = MemoryJournal()
        feed = await opened(intake_on(journal))
        over = Batch(status="archived", state=State.SUCCEEDED, ended=True)
        await feed.take(over)
        await feed.take(Batch(status="active", state=State.RUNNING))
        assert not feed.state.ended
        await feed.take(over)
        ends = [r["id"] for r in await bodies(journal) if r["type"] == "bridge.run.ended"]
        assert len(set(ends)) == 2

    virtually(main())


def test_what_a_run_is_about_survives_a_restart_and_is_in_its_end(virtually: Virtually) -> None:
    """A title and a tool that runs are told by events, not by the row: they were lost."""

    def told(number: int, type_: str, payload: dict[str, Any], tool: str | None = None) -> Event:
        made = to_event(
            {
                "id": f"t{number}",
                "type": type_,
                "toolName": tool,
                "message": "",
                "payload": payload,
                "createdAt": f"2026-08-03T15:00:0{number}+00:00",
            }
        )
        assert made is not None
        return made

    async def main() -> None:
        journal = MemoryJournal()
        feed = await opened(intake_on(journal))
        row = {
            "runId": RUN,
            "status": "streaming",
            "harness": "codex",
            "branch": {"base": "main", "working": "mogplex/run/fix"},
            "createdAt": "2026-08-03T15:00:00+00:00",
            "updatedAt": "2026-08-03T15:00:02+00:00",
        }
        begun = told(2, "tool_started", {"toolCallId": "a", "input": {"command": "make"}}, "shell")
        prompt = told(1, "started", {"prompt": "Fix the report.\nToken: mog_" + "a1B2" * 6})
        await feed.take(Batch(events=[prompt, begun], status="streaming", row=row))
        (state,) = await journal.states()
        again = intake_on(journal).feed(state, RUN_KIND)
        assert again.told["title"] == "Fix the report."
        assert again.told["branch"] == "mogplex/run/fix"
        tool = {"name": "shell", "title": "make", "since": "2026-08-03T15:00:02Z"}
        assert again.told["currentTool"] == tool
        await again.open()
        over = {**row, "status": "failed", "error": "Out of memory (exit 137)"}
        await again.take(
            Batch(events=[told(5, "failed", {})], status="failed", row=over, ended=True)
        )
        assert "currentTool" not in again.told
        assert again.told["durationSeconds"] == 5.0
        end = (await bodies(journal))[-1]["data"]
        assert end["error"] == "Out of memory (exit 137)"
        assert (end["startedAt"], end["endedAt"]) == (
            "2026-08-03T15:00:00Z",
            "2026-08-03T15:00:05Z",
        )

    virtually(main())
