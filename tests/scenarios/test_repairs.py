"""Holes that a resumed stream fills, and reads that must not be made for it."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.accounts import TOKEN
from tests.stages.mogplex import Stage, play


async def assert_whole(stage: Stage, run: Any) -> None:
    taken, truth = await stage.event_ids(run), stage.truth_ids(run)
    assert (len(taken), set(taken)) == (len(truth), set(truth))
    assert await stage.gaps(run) == []
    assert len(await stage.ends(run)) == 1


@pytest.mark.parametrize("order", ["row_only", "event_first", "row_first"])
def test_a_head_window_beside_a_stream_that_resumes_hides_nothing(order: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(5):
            stage.sim.append(run, 60)
            await asyncio.sleep(5)
            stage.sim.cut_streams()
        stage.sim.finish(run, "failed", order=order)
        await stage.over(300)
        await assert_whole(stage, run)

    play(scenario, window="head", stream="v2")


def test_a_hole_that_no_connect_can_fill_is_told_and_costs_few_reads() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.cut_streams()
        stage.sim.fault("reply", status=429, code="RATE_LIMITED", retry_after="1",
                        endpoint="stream", times=900)  # fmt: skip
        stage.sim.append(run, 300)
        asked = len([r for r in stage.sim.requests if r.endpoint == "events"])
        while not await stage.gaps(run):
            await asyncio.sleep(1)
        reads = len([r for r in stage.sim.requests if r.endpoint == "events"]) - asked
        streams = len([r for r in stage.sim.requests if r.endpoint == "stream"]) - 1
        assert streams == 5
        assert reads <= streams + 2
        stage.sim.finish(run)
        await stage.over(300)
        (gap,) = await stage.gaps(run)
        assert gap["reason"] == "window_jumped"

    play(scenario)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reply", "status": 429, "code": "RATE_LIMITED", "retry_after": "1"},
        {"kind": "unauthorized"},
        {"kind": "database"},
    ],
    ids=["429", "401", "500"],
)
def test_a_refused_read_beside_a_stream_holds_no_place_on_the_wire(fault: dict[str, Any]) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.fault(**fault, endpoint="run")
        while not any(r.fault for r in stage.sim.requests):
            await asyncio.sleep(1)
        await asyncio.sleep(20)
        assert stage.gate.scheduler.snapshot(stage.clock.monotonic()).in_flight == 0

    play(scenario)


def test_a_row_that_is_read_while_its_stream_closes_is_counted_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(100)
        for _ in range(8):
            stage.sim.fault("slow", endpoint="run", delay_s=3.0)
            stage.sim.append(run, {"type": "status_changed", "message": "moved"})
            await asyncio.sleep(2)
            stage.sim.cut_streams()
            await asyncio.sleep(4)
        since = stage.sim.clock.now() - 60.0
        counted = [r for r in stage.sim.requests if r.at_s > since and r.outcome == "accepted"]
        assert len([r for r in counted if r.endpoint == "run"]) == 8
        used = stage.gate.scheduler.snapshot(stage.clock.monotonic()).used
        assert used == len(counted) == stage.sim.peak(TOKEN)

    play(scenario)


def test_a_stream_that_brought_nothing_is_resumed_from_some_seconds_ago_all_the_same() -> None:
    """One event is committed between the page and the connect, and is older than another."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.cut_streams()
        pages = len([r for r in stage.sim.requests if r.endpoint == "events"])
        stage.sim.append(run, 1, created_at="2026-07-25T17:20:13Z")
        while len([r for r in stage.sim.requests if r.endpoint == "events"]) == pages:
            await asyncio.sleep(0.01)
        stage.sim.append(run, 1, created_at="2026-07-25T17:20:12Z")
        assert len([r for r in stage.sim.requests if r.endpoint == "stream"]) == 1
        await asyncio.sleep(5)
        stage.sim.append(run, 300)
        for _ in range(30):
            await asyncio.sleep(2)
            stage.sim.append(run, 10)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario)


def test_a_run_without_events_is_not_streamed_for_nobody_could_say_where_that_begins() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run()
        await stage.follow(run)
        await asyncio.sleep(20)
        assert not [r for r in stage.sim.requests if r.endpoint == "stream"]
        stage.sim.append(run, 1)
        await asyncio.sleep(10)
        assert len([r for r in stage.sim.requests if r.endpoint == "stream"]) == 1

    play(scenario)


def test_events_of_one_instant_that_come_and_go_at_the_wall_prove_that_there_is_one() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=170)
        await stage.follow(run)
        await asyncio.sleep(5)
        events = [{"type": "log"} for _ in range(60)]
        stage.sim.append(run, [*events, {"type": "finished"}], created_at="2026-07-25T18:00:00Z")
        await asyncio.sleep(30)
        stage.sim.set_status(run, "success")
        await stage.over(60)
        (gap,) = await stage.gaps(run)
        assert gap["reason"] == "window_exhausted"

    play(scenario, window="head", stream="absent", tie_order="arbitrary", touch_row=False)


def test_any_number_of_holes_is_filled_as_long_as_each_connect_brings_news() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(8):
            stage.sim.cut_streams()
            stage.sim.append(run, 300)
            await asyncio.sleep(10)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario)


def test_while_no_stream_is_connected_the_place_to_resume_from_waits() -> None:
    """Events that commit 13 s late, behind 250 others, and after the pages have moved on."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(15)
        stage.sim.fault("reply", status=429, code="RATE_LIMITED", retry_after="1",
                        endpoint="stream", times=4)  # fmt: skip
        stage.sim.cut_streams()
        await asyncio.sleep(1)
        stage.sim.append(run, 5, commit_after_s=13.0)
        stage.sim.append(run, 150)
        await asyncio.sleep(3)
        stage.sim.append(run, 100)
        for _ in range(20):
            await asyncio.sleep(2)
            stage.sim.append(run, 1)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario)


def test_a_stream_that_was_read_for_long_is_resumed_from_its_last_seconds() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        for _ in range(60):
            await asyncio.sleep(2)
            stage.sim.append(run, 1)
        stage.sim.cut_streams()
        await asyncio.sleep(5)
        last = [r for r in stage.sim.requests if r.endpoint == "stream"][-1]
        ids = stage.truth_ids(run)
        assert len(ids) - 33 <= ids.index(str(last.last_event_id)) < len(ids) - 29

    play(scenario)


def test_a_replay_of_the_first_version_that_ends_at_the_wall_is_told() -> None:
    """The page before it was not full; what came in between lies behind the wall."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        while not stage.sim.requests:
            await asyncio.sleep(0.01)
        stage.sim.append(run, 100)
        await asyncio.sleep(30)
        stage.sim.append(run, 10)
        await asyncio.sleep(10)
        stage.sim.finish(run)
        await stage.over(60)
        truth = stage.truth_ids(run)
        assert await stage.event_ids(run) == truth[:200] + truth[250:]
        (gap,) = await stage.gaps(run)
        assert gap["reason"] == "window_exhausted"

    play(scenario, window="head", stream="v1")


def test_the_first_version_that_was_connected_all_the_time_missed_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(30):
            await asyncio.sleep(1)
            stage.sim.append(run, 10)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)

    play(scenario, window="head", stream="v1")


def test_a_cursor_that_is_refused_is_not_offered_again() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.fault("reply", status=400, code="BAD_REQUEST", endpoint="stream")
        await stage.follow(run)
        await asyncio.sleep(30)
        assert len([r for r in stage.sim.requests if r.endpoint == "stream"]) == 1
        (event,) = stage.sim.append(run, 1)
        await asyncio.sleep(10)
        again = [r for r in stage.sim.requests if r.endpoint == "stream"][1:]
        assert [r.last_event_id for r in again] == [event.id]

    play(scenario)


def test_refused_connects_come_less_and_less_often() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.fault("reply", status=429, code="RATE_LIMITED", retry_after="1",
                        endpoint="stream", times=900)  # fmt: skip
        await stage.follow(run)
        await asyncio.sleep(300)
        tried = [r.at_s for r in stage.sim.requests if r.endpoint == "stream"]
        waits = [b - a for a, b in itertools.pairwise(tried)]
        assert waits[-1] >= 30
        assert all(wait >= least for wait, least in zip(waits, (1, 2, 4, 8, 16), strict=False))

    play(scenario)


def test_an_id_that_fits_no_header_is_not_sent_back_in_one() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run()
        odd = [{"type": "log", "id": f"{n}\r\nX-Evil: 1"} for n in range(3)]
        stage.sim.append(run, odd)
        stage.sim.append(run, 3)
        stage.sim.set_status(run, "streaming")
        await stage.follow(run)
        await asyncio.sleep(30)
        stage.sim.cut_streams()
        stage.sim.append(run, 2)
        await asyncio.sleep(10)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_whole(stage, run)
        cursors = {r.last_event_id for r in stage.sim.requests if r.endpoint == "stream"}
        assert cursors  # so it was streamed
        assert cursors <= set(stage.truth_ids(run)) - {event["id"] for event in odd}

    play(scenario)
