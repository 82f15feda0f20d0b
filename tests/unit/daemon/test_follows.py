"""What is followed: one task a run, whatever is asked for at once; what was given up stays so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.core.errors import JournalFullError
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
