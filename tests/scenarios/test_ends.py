"""The end of a run: after its last event, once, and not because a page was short."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.stages.mogplex import Stage, play


async def assert_whole(stage: Stage, run: Any) -> None:
    taken, truth = await stage.event_ids(run), stage.truth_ids(run)
    assert (len(taken), set(taken)) == (len(truth), set(truth))
    assert await stage.gaps(run) == []
    assert len(await stage.ends(run)) == 1


def test_late_events_that_left_the_page_are_fetched_before_the_end() -> None:
    """They were created before 250 others and committed after them, while pages were read."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=100)
        stage.sim.fault("reply", status=429, code="RATE_LIMITED", retry_after="1",
                        endpoint="stream", times=2)  # fmt: skip
        await stage.follow(run)
        await asyncio.sleep(4)
        stage.sim.append(run, 5, commit_after_s=6.0)
        await asyncio.sleep(0.1)
        stage.sim.append(run, 150)
        await asyncio.sleep(2.5)
        stage.sim.append(run, 100)
        stage.sim.finish(run, order="event_first", gap_s=0.0)
        await stage.over(120)
        await assert_whole(stage, run)

    play(scenario)


def test_a_terminal_event_in_mid_history_does_not_stop_the_repair() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, {"type": "cancelled", "message": "not the end after all"})
        await asyncio.sleep(15)
        stage.sim.append(run, 350)
        await asyncio.sleep(15)
        stage.sim.finish(run)
        await stage.over(120)
        await assert_whole(stage, run)

    play(scenario)


def test_a_restart_between_the_terminal_event_and_its_row_is_no_gap() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 49)
        stage.sim.finish(run, order="event_first", gap_s=20.0)
        await asyncio.sleep(10)
        await stage.restart()
        await stage.over(100)
        assert len(stage.truth_ids(run)) == 200
        await assert_whole(stage, run)

    play(scenario, window="head", stream="absent")


def test_a_run_that_ends_between_page_and_connect_is_not_waited_for_on_a_silent_stream() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        while not stage.sim.requests:
            await asyncio.sleep(0.01)
        stage.sim.finish(run, "cancelled", order="row_only")
        await stage.over(20)
        assert [r.endpoint for r in stage.sim.requests][1] == "stream"
        await assert_whole(stage, run)

    play(scenario)


@pytest.mark.parametrize("may_stream", [True, False])
@pytest.mark.parametrize("times", [1, 2, 5])
def test_pages_without_the_events_that_were_there_end_no_run(may_stream: bool, times: int) -> None:
    """The last events commit while the database fails and pages come empty, with a good row."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.fault("empty_page", times=times)
        stage.sim.cut_streams()
        stage.sim.append(run, 3)
        stage.sim.finish(run, "failed", order="row_first", gap_s=0.1)
        await stage.over(200)
        await assert_whole(stage, run)

    play(scenario, may_stream=may_stream)


def test_the_first_page_of_a_run_that_is_over_is_not_believed_to_be_empty() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        stage.sim.finish(run)
        stage.sim.fault("empty_page", times=2)
        await stage.follow(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario)


def test_a_history_that_upstream_insists_on_having_deleted_is_told_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(10)
        before = stage.truth_ids(run)
        stage.sim.fault("empty_page", times=1000)
        stage.sim.append(run, 3)
        stage.sim.set_status(run, "failed")
        await stage.over(300)
        (gap,) = await stage.gaps(run)
        assert (gap["reason"], gap["after"]) == ("history_shrank", before[-1])
        assert len(await stage.ends(run)) == 1

    play(scenario, may_stream=False)


def test_a_run_that_never_had_an_event_ends_all_the_same() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run()
        stage.sim.set_status(run, "failed")
        await stage.follow(run)
        await stage.over(40)
        assert (await stage.gaps(run), len(await stage.ends(run))) == ([], 1)

    play(scenario)
