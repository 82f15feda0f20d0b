"""What is followed: one task a run, whatever is asked for at once; what was given up stays so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.core.errors import JournalFullError, JournalUnavailableError
from bridge.core.event import Feed
from bridge.journal.port import FencedError
from tests.accounts import TOKEN
from tests.record_types import FOLLOW_FAILED
from tests.stages.mogplex import Stage, play


def test_five_wishes_for_one_run_at_once_start_one_follow() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        asked = await asyncio.gather(*(stage.follows.follow("run", run.id) for _ in range(5)))
        assert sorted(asked) == [False, False, False, False, True]
        tasks = [t for t in asyncio.all_tasks() if t.get_name() == f"follow {run.id}"]
        assert len(tasks) == 1
        await asyncio.sleep(5)
        stage.sim.finish(run)
        await stage.over(60)
        assert await stage.event_ids(run) == stage.truth_ids(run)

    play(scenario)


def test_a_stopped_run_is_not_revived_by_a_new_token() -> None:
    async def scenario(stage: Stage) -> None:
        kept, stopped = (stage.sim.create_run(events=3) for _ in range(2))
        stage.sim.set_token(TOKEN, valid=False)
        await stage.follow(kept, stopped)
        await asyncio.sleep(100)
        assert await stage.follows.unfollow("run", stopped.id)
        assert stage.view(stopped)["following"] == "stopped"  # type: ignore[index]
        stage.replace_token("mog_" + "n" * 24)
        await asyncio.sleep(20)
        assert len(await stage.event_ids(kept)) == 3
        assert await stage.event_ids(stopped) == []

    play(scenario)


def test_a_full_journal_is_told_to_who_asks_and_changes_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        append = stage.journal.append

        async def full(*_: Any, **__: Any) -> Any:
            raise JournalFullError("no space")

        stage.journal.append = full  # type: ignore[method-assign]
        with pytest.raises(JournalFullError):
            await stage.follows.follow("run", run.id)
        assert stage.follows.view("run", run.id) is None
        stage.journal.append = append  # type: ignore[method-assign]
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.journal.append = full  # type: ignore[method-assign]
        with pytest.raises(JournalFullError):
            await stage.follows.unfollow("run", run.id)
        assert stage.view(run)["following"] == "following"  # type: ignore[index]
        stage.journal.append = append  # type: ignore[method-assign]
        assert await stage.follows.unfollow("run", run.id)

    play(scenario)


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_firewall_in_the_way_does_not_end_a_run_that_was_read(status: int) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.fault("html_5xx", times=8, status=status)
        await asyncio.sleep(120)
        stage.sim.append(run, 3)
        stage.sim.finish(run)
        await stage.over(200)
        assert await stage.event_ids(run) == stage.truth_ids(run)

    play(scenario, may_stream=False)


def test_a_base_url_without_the_api_ends_a_run_that_was_never_read() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.fault("html_5xx", times=100, status=404)
        await stage.follow(run)
        await stage.over(200)
        (record,) = await stage.records(run)
        assert record.type == FOLLOW_FAILED
        assert b"base_url is not where the Mogplex API is" in record.body
        assert stage.clock.monotonic() >= 30

    play(scenario)


def test_a_follow_begins_when_the_journal_can_be_read_back() -> None:
    """A replica that took over while the engine had no leader ended, and so did the next."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        event_ids, refused = stage.journal.event_ids, 0

        async def away(feed: Feed, limit: int) -> Sequence[str]:
            nonlocal refused
            refused += 1
            if refused <= 3:
                raise JournalUnavailableError("the engine does not answer")
            return await event_ids(feed, limit)

        stage.journal.event_ids = away  # type: ignore[method-assign]
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.finish(run)
        await stage.over(60)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        assert refused > 3

    play(scenario)


def test_follows_end_with_their_lease_though_a_wish_waits_for_the_journal() -> None:
    """They went on sending requests beside the next holder's until the journal answered."""

    async def scenario(stage: Stage) -> None:
        run, wished = (stage.sim.create_run(events=3) for _ in range(2))
        await stage.follow(run)
        await asyncio.sleep(5)
        append, answers = stage.journal.append, asyncio.Event()

        async def silent(*drafts: Any, **more: Any) -> Any:
            await answers.wait()
            return await append(*drafts, **more)

        stage.journal.append = silent  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as group:
            group.create_task(stage.follow(wished))
            await asyncio.sleep(0)
            group.create_task(stage.follows.pause("default"))
            await asyncio.sleep(1)
            sent = len(stage.sim.requests)
            await asyncio.sleep(60)
            assert len(stage.sim.requests) == sent
            answers.set()

    play(scenario)


def test_a_wish_whose_lease_was_lost_meanwhile_is_left_to_who_follows() -> None:
    """It was refused as a request that cannot be: 500, and a list of runs ended the process."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        append = stage.journal.append

        async def fenced(*drafts: Any, **more: Any) -> Any:
            if more.get("states"):
                raise FencedError("another holds it by now; nothing was stored")
            return await append(*drafts, **more)

        stage.journal.append = fenced  # type: ignore[method-assign]
        assert await stage.follows.follow("run", run.id)
        assert [wish.feed.id for wish in await stage.journal.wishes()] == [run.id]

    play(scenario)
