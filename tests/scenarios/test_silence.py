"""A stream that says nothing: a pause, a dead connection, or the end; how they are told apart."""

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


def test_a_stream_that_was_connected_until_a_short_pause_proves_that_nothing_is_missing() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=10)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 5)
        stage.sim.pause(run)
        await asyncio.sleep(2)
        stage.sim.resume(run)
        stage.sim.append(run, 5)
        await asyncio.sleep(20)
        stage.sim.finish(run)
        await stage.over(100)
        await assert_whole(stage, run)

    play(scenario, segment_stream="ends")


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_pause_seen_only_in_the_row_beside_a_silent_stream_proves_nothing(is_dead: bool) -> None:
    """Alive and dead look the same to us: the gap is told, and `missing` is not."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=10)
        await stage.follow(run)
        await asyncio.sleep(10)
        if is_dead:
            stage.sim.cut_streams("silent")
        stage.sim.append(run, 5)
        stage.sim.pause(run)
        while not any(r.endpoint == "run" for r in stage.sim.requests):
            await asyncio.sleep(1)
        stage.sim.fault("database", endpoint="events", times=4)
        await asyncio.sleep(8)
        stage.sim.resume(run)
        stage.sim.append(run, 5)
        await asyncio.sleep(30)
        stage.sim.finish(run)
        await stage.over(100)
        missing = set(stage.truth_ids(run)) - set(await stage.event_ids(run))
        assert len(missing) == (5 if is_dead else 0)
        (gap,) = await stage.gaps(run)
        assert (gap["reason"], gap["missing"]) == ("segment_switched", None)

    play(scenario, pause_order="row_only")


def test_a_pause_that_nobody_could_see_is_told() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=10)
        await stage.follow(run)
        await asyncio.sleep(10)
        before = stage.truth_ids(run)
        stage.sim.fault("database", endpoint="events", times=5)
        await asyncio.sleep(2)
        stage.sim.append(run, 5)
        stage.sim.pause(run)
        await asyncio.sleep(2)
        stage.sim.resume(run)
        stage.sim.append(run, 5)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await stage.over(100)
        (gap,) = await stage.gaps(run)
        assert (gap["reason"], gap["after"]) == ("segment_switched", before[-1])
        assert gap["before"] == stage.truth_ids(run)[15]

    play(scenario, pause_order="row_only", may_stream=False)


@pytest.mark.parametrize("comment_s", [0.0, 15.0])
def test_a_connection_that_died_without_a_sign_is_noticed_within_minutes(comment_s: float) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.append(run, 1)
        stage.sim.cut_streams("silent")
        await asyncio.sleep(1)
        stage.sim.append(run, 250)
        await asyncio.sleep(125)
        assert len(await stage.event_ids(run)) == 256
        stage.sim.append(run, 1)
        await asyncio.sleep(1)
        assert len(await stage.event_ids(run)) == 257
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario, stream_comment_s=comment_s)


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_short_pause_beside_a_stream_is_a_gap_only_if_the_stream_may_have_been_dead(
    is_dead: bool,
) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        if is_dead:
            stage.sim.cut_streams("silent")
        stage.sim.append(run, 3)
        stage.sim.pause(run)
        await asyncio.sleep(2)
        stage.sim.resume(run)
        stage.sim.append(run, 2)
        await asyncio.sleep(200)
        stage.sim.finish(run)
        await stage.over(60)
        missing = set(stage.truth_ids(run)) - set(await stage.event_ids(run))
        assert len(missing) == (3 if is_dead else 0)
        reasons = [gap["reason"] for gap in await stage.gaps(run)]
        assert reasons == (["segment_switched"] if is_dead else [])

    play(scenario, pause_order="row_only", segment_stream="ends")


def test_comments_on_a_stream_do_not_hide_that_the_run_is_over() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.set_status(run, "failed")
        await stage.over(90)
        await assert_whole(stage, run)

    play(scenario, stream_comment_s=15.0)


def test_a_quiet_stream_costs_few_reads_and_is_not_left() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(790)
        asked = [r.endpoint for r in stage.sim.requests if r.endpoint != "events"]
        assert asked == ["stream", "run", "run", "run"]  # at 60 s, 240 s and 780 s

    play(scenario)


def test_a_stream_left_because_the_run_is_over_does_not_move_the_place_to_resume_from() -> None:
    """The run ends while the stream connects; then late events of before a burst become visible."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.append(run, 5, commit_after_s=6.0)
        await asyncio.sleep(0.5)
        stage.sim.append(run, 230)
        await asyncio.sleep(0.5)

        async def until_asked(endpoint: str) -> None:
            asked = len(stage.sim.requests)
            while endpoint not in [r.endpoint for r in stage.sim.requests[asked:]]:
                await asyncio.sleep(0.05)

        stage.sim.cut_streams()
        await until_asked("events")
        await asyncio.sleep(0.1)  # that page is of a run that goes on
        stage.sim.set_status(run, "failed")
        await until_asked("stream")
        stage.sim.append(run, {"type": "failed"})
        await stage.over(120)
        await assert_whole(stage, run)

    play(scenario)
