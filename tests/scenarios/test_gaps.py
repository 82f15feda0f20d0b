"""What is told as missing is missing, and what is missing is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.simulator.mogplex.variants import VARIANTS
from tests.stages.mogplex import Stage, play

BROKEN = ("bad_utf8", "huge_number", "no_end")


def append_broken(stage: Stage, run: Any, name: str) -> str:
    (event,) = stage.sim.world.lifecycle.append(run, [VARIANTS[name]()])
    return str(event.id)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("may_stream", [True, False])
def test_one_unreadable_event_does_not_block_its_run_for_ever(name: str, may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 3)
        broken = append_broken(stage, run, name)
        stage.sim.append(run, 3)
        await asyncio.sleep(90)
        await stage.restart()
        stage.sim.finish(run)
        await stage.over(200)
        ids = stage.truth_ids(run)
        at = ids.index(broken)
        gaps = await stage.gaps(run)
        if name == "bad_utf8" and may_stream:
            # A stream is decoded as browsers do it: the bytes are replaced, the event is read.
            assert (await stage.event_ids(run), gaps) == (ids, [])
            return
        assert await stage.event_ids(run) == ids[:at] + ids[at + 1 :]
        (gap,) = gaps
        assert (gap["reason"], gap["after"], gap["missing"]) == ("unreadable", ids[at - 1], 1)
        assert gap["before"] in (None, ids[at + 1])
        text = stage.metrics.render()[0].decode()
        assert 'gaps_total{account="default",reason="unreadable"}' in text
        assert len(await stage.ends(run)) == 1

    play(scenario, may_stream=may_stream)


def test_a_page_full_of_unreadable_events_is_told_once_each() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        for _ in range(30):
            append_broken(stage, run, "huge_number")
            stage.sim.append(run, 1)
        await stage.follow(run)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await stage.over(100)
        assert [gap["missing"] for gap in await stage.gaps(run)] == [1] * 30
        assert len(await stage.event_ids(run)) == 36

    play(scenario, may_stream=False)


@pytest.mark.parametrize("may_stream", [True, False])
def test_an_event_of_millions_of_numbers_holds_nobody_up(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.append(run, {"type": "log", "message": "many", "payload": {}})
        event = run.commits[-1]
        event.draft = VARIANTS["big_number"]()
        object.__setattr__(event.draft, "broken", b'{"n":[' + b"1," * 500_000 + b"1]}")
        await stage.follow(run)
        stage.sim.finish(run)
        await stage.over(100)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        (record,) = [r for r in await stage.records(run) if r.id == event.id]
        assert len(record.body) < 200_000
        assert "items left out" in record.body.decode()

    play(scenario, may_stream=may_stream)


def test_foreign_events_under_a_runs_name_are_not_taken() -> None:
    async def scenario(stage: Stage) -> None:
        other, run = stage.sim.create_run(events=7), stage.sim.create_run(events=5)
        stage.sim.fault("other_run", feed_id=run.id, times=3)
        await stage.follow(run)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await stage.over(100)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        assert not set(stage.truth_ids(other)) & set(await stage.event_ids(run))

    play(scenario, may_stream=False)


@pytest.mark.parametrize("may_stream", [True, False])
@pytest.mark.parametrize("pause_s", [0.3, 5.0, 100.0])
def test_a_pause_behind_a_finished_segment_is_no_gap(pause_s: float, may_stream: bool) -> None:
    """The vendor's order: `finished` (a stream closes), then the row, then a new segment."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(30)
        stage.sim.append(run, 10)
        await asyncio.sleep(5)
        stage.sim.pause(run)
        await asyncio.sleep(1.5 if may_stream else 3.0)
        await asyncio.sleep(pause_s)
        stage.sim.resume(run)
        stage.sim.append(run, 15)
        await asyncio.sleep(30)
        stage.sim.finish(run)
        await stage.over(100)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        assert await stage.gaps(run) == []

    play(scenario, may_stream=may_stream)


@pytest.mark.parametrize("late_s", [12.0, 20.0, 30.0])
def test_an_event_half_a_minute_late_is_not_skipped_by_a_resume(late_s: float) -> None:
    """The stream is cut while it is late, and over 200 younger ones are on the page before it."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        for _ in range(60):
            await asyncio.sleep(1)
            stage.sim.append(run, 2)
        stage.sim.append(run, 4, commit_after_s=late_s)
        for _ in range(int(late_s) - 1):
            await asyncio.sleep(1)
            stage.sim.append(run, 20)
        stage.sim.cut_streams()
        stage.sim.fault("reply", status=429, code="RATE_LIMITED", retry_after="2", times=1)
        await asyncio.sleep(2)
        stage.sim.append(run, 30)
        await asyncio.sleep(30)
        stage.sim.finish(run)
        await stage.over(100)
        assert set(await stage.event_ids(run)) == set(stage.truth_ids(run))
        assert await stage.gaps(run) == []

    play(scenario)


@pytest.mark.parametrize("error", ["\x1b" * 720_000, "x" * 5_000_000])
def test_a_row_of_megabytes_ends_neither_the_process_nor_its_follow(error: str) -> None:
    async def scenario(stage: Stage) -> None:
        run, other = stage.sim.create_run(events=5), stage.sim.create_run(events=5)
        stage.sim.set_status(run, "streaming", error=error)
        await stage.follow(run, other)
        await asyncio.sleep(20)
        await stage.restart()
        for each in (run, other):
            stage.sim.finish(each)
        await stage.over(100)
        for each in (run, other):
            assert await stage.event_ids(each) == stage.truth_ids(each)
            assert len(await stage.ends(each)) == 1
        assert max(len(record.body) for record in await stage.records()) <= 4 * 2**20

    play(scenario, may_stream=False)


def test_a_nest_without_an_id_is_an_event_like_any_other() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.append(run, 1)
        event = run.commits[-1]
        event._wire = b'{"payload":' + b"[" * 300 + b"]" * 300 + b',"type":"log"}'
        event._style = "micros_offset"
        await stage.follow(run)
        stage.sim.finish(run)
        await stage.over(100)
        assert len(await stage.event_ids(run)) == 7
        assert await stage.gaps(run) == []

    play(scenario, may_stream=False)
