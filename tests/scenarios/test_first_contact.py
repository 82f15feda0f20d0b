"""First contact: what was never heard, or is unheard for longest, does not wait for the pace.

A page shows 200 events at the most, so a run that is heard too late has lost some for good.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.accounts import TOKEN
from tests.stages.mogplex import Stage, play


def first_heard(stage: Stage, runs: list[Any]) -> list[float]:
    """When each run was first asked about with success, on the simulator's clock."""
    heard: dict[str, float] = {}
    for request in stage.sim.requests:
        if request.endpoint in ("events", "stream") and request.status == 200:
            heard.setdefault(str(request.feed_id), request.at_s)
    return [heard.get(run.id, float("inf")) for run in runs]


async def check(stage: Stage, run: Any) -> None:
    """Everything came, in order, with one end and without a gap."""
    assert await stage.event_ids(run) == stage.truth_ids(run)
    assert await stage.gaps(run) == []
    assert len(await stage.ends(run)) == 1


async def talk(stage: Stage, runs: list[Any], *, per_s: int, seconds: int) -> None:
    for _ in range(seconds * 10):
        for run in runs:
            stage.sim.append(run, per_s // 10)
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("may_stream", [True, False])
@pytest.mark.parametrize(("count", "within_s"), [(16, 1.0), (50, 2.0)])
def test_many_runs_at_once_are_not_heard_one_a_second(
    count: int, within_s: float, may_stream: bool
) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(count)]
        started = stage.sim.clock.now()
        await stage.follow(*runs)
        await asyncio.sleep(within_s + 1)
        assert max(first_heard(stage, runs)) - started <= within_s
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=may_stream)


def test_sixteen_busy_runs_are_joined_before_their_first_events_are_gone() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=1) for _ in range(16)]
        await stage.follow(*runs)
        await talk(stage, runs, per_s=100, seconds=3)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(300)
        for run in runs:
            await check(stage, run)
        assert stage.sim.refused(TOKEN) == 0

    play(scenario)


def test_two_hundred_runs_are_heard_as_places_come_free() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(200)]
        started = stage.sim.clock.now()
        await stage.follow(*runs)
        await asyncio.sleep(241)
        waits = sorted(at - started for at in first_heard(stage, runs))
        assert waits[52] <= 2.0
        assert waits[-1] <= 240.0
        assert stage.sim.refused(TOKEN) == 0

    play(scenario)


@pytest.mark.parametrize("may_stream", [True, False])
def test_ten_restarts_two_seconds_apart_starve_nobody(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(8)]
        await stage.follow(*runs)
        for _ in range(10):
            await talk(stage, runs, per_s=10, seconds=2)
            await stage.restart()
        asked = [r.feed_id for r in stage.sim.requests if r.status == 200]
        counts = [asked.count(run.id) for run in runs]
        assert min(counts) >= 3
        assert max(counts) - min(counts) <= 2, counts
        await asyncio.sleep(70)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(120)
        for run in runs:
            await check(stage, run)
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=may_stream)


@pytest.mark.parametrize("apart_s", [2.0, 6.0])
def test_a_crash_loop_does_not_spend_the_window_and_leave_polled_runs_blind(apart_s: float) -> None:
    """Each life could hear all runs at once, until nothing is left for the rest of the minute."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(8)]
        await stage.follow(*runs)
        for _ in range(10):
            await talk(stage, runs, per_s=10, seconds=int(apart_s))
            await stage.restart()
        await talk(stage, runs, per_s=10, seconds=60)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(120)
        for run in runs:
            await check(stage, run)
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=False)


def test_a_stream_connect_after_a_restart_does_not_spend_two_places() -> None:
    """What a restarted run asks out of line is the turn that it was promised at the start."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(8)]
        await stage.follow(*runs)
        await asyncio.sleep(130)
        before = len(stage.sim.requests)
        await stage.restart()
        await asyncio.sleep(5)
        asked = len(stage.sim.requests) - before
        assert asked >= len(runs)
        snapshot = stage.gate.scheduler.snapshot(stage.clock.monotonic())
        old = [r for r in stage.sim.requests[:before] if r.at_s > stage.sim.clock.now() - 60]
        assert snapshot.used == asked + len(old)

    play(scenario)


@pytest.mark.parametrize("may_stream", [True, False])
@pytest.mark.parametrize("life_s", [0.3, 0.6, 0.9])
def test_lives_that_end_within_a_second_do_not_contact_the_same_run_each(
    life_s: float, may_stream: bool
) -> None:
    """A kill stores nothing: whom the life heard must be stored before."""

    async def scenario(stage: Stage) -> None:
        stage.is_killed = True
        runs = [stage.sim.create_run(events=3) for _ in range(8)]
        await stage.follow(*runs)
        await asyncio.sleep(2)
        before = len(stage.sim.requests)
        for _ in range(60):
            await stage.restart()
            await asyncio.sleep(life_s)
        asked = [r.feed_id for r in stage.sim.requests[before:] if r.status == 200]
        counts = [asked.count(run.id) for run in runs]
        assert max(counts) - min(counts) <= 3, counts  # each kill may forget one
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=may_stream)


def test_a_restart_that_can_hear_few_hears_those_that_are_unheard_for_longest() -> None:
    """Each life has room for a few requests; without an order the first runs would get them all."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(40)]
        await stage.follow(*runs)
        for _ in range(30):
            await asyncio.sleep(4)
            await stage.restart()
        asked = [r.feed_id for r in stage.sim.requests if r.status == 200]
        counts = [asked.count(run.id) for run in runs]
        assert max(counts) - min(counts) <= 2, counts
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=False)


def test_a_window_that_a_predecessor_without_a_disk_filled_costs_a_handful_of_refusals() -> None:
    async def scenario(stage: Stage) -> None:
        http = stage.http()
        for _ in range(57):
            await http.get("repos", "/api/v1/mogplex/repos", {"limit": "1"})
        await http.close()
        runs = [stage.sim.create_run(events=3) for _ in range(16)]
        await stage.follow(*runs)
        await asyncio.sleep(5)
        assert stage.sim.refused(TOKEN) <= 4
        await asyncio.sleep(65)
        assert max(first_heard(stage, runs)) < float("inf")
        assert stage.sim.refused(TOKEN) <= 4
        assert stage.gate.scheduler.snapshot(stage.clock.monotonic()).foreign == 0.0

    play(scenario)


def test_streams_that_are_cut_all_at_once_are_back_at_once() -> None:
    """A restart of upstream's database ends all of them, without a word (mogplex.md 1.14)."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(20)]
        await stage.follow(*runs)
        await asyncio.sleep(100)
        stage.sim.cut_streams()
        for run in runs:
            stage.sim.append(run, 5)
        await asyncio.sleep(3)
        assert all(view["followedBy"] == "stream" for view in stage.follows.views())
        for run in runs:
            assert await stage.event_ids(run) == stage.truth_ids(run)
        assert stage.sim.refused(TOKEN) == 0

    play(scenario)


def test_a_run_on_a_server_known_to_stream_costs_one_request() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.follow(stage.sim.create_run(events=3))
        await asyncio.sleep(5)
        before = len(stage.sim.requests)
        late = stage.sim.create_run(events=150)
        await stage.follow(late)
        await asyncio.sleep(5)
        stage.sim.append(late, 20)
        await asyncio.sleep(1)
        assert [r.endpoint for r in stage.sim.requests[before:]] == ["stream"]
        assert await stage.event_ids(late) == stage.truth_ids(late)
        stage.sim.finish(late)
        await asyncio.sleep(20)
        await check(stage, late)

    play(scenario)


@pytest.mark.parametrize("count", [199, 450])
def test_a_stream_that_begins_in_the_middle_of_a_run_says_so(count: int) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.follow(stage.sim.create_run(events=3))
        await asyncio.sleep(5)
        long = stage.sim.create_run(events=count)
        await asyncio.sleep(30)
        await stage.follow(long)
        await asyncio.sleep(10)
        gaps = [gap["reason"] for gap in await stage.gaps(long)]
        assert gaps == (["joined_late"] if count > 200 else [])
        assert await stage.event_ids(long) == stage.truth_ids(long)[-200:]
        marks = ("com.mogplex.run.event.", "bridge.gap")
        types = [r.type for r in await stage.records(long) if r.type.startswith(marks)]
        assert (types[0] == "bridge.gap") == bool(gaps)

    play(scenario)


def test_a_run_that_waits_for_a_person_is_not_asked_53_times_a_minute() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.pause(run)
        await asyncio.sleep(180)
        before = len(stage.sim.requests)
        await asyncio.sleep(60)
        assert len(stage.sim.requests) - before <= 8
        stage.sim.resume(run)
        resumed = stage.sim.clock.now()
        stage.sim.append(run, 3)
        while len(await stage.event_ids(run)) < len(stage.truth_ids(run)):
            await asyncio.sleep(0.1)
        assert stage.sim.clock.now() - resumed <= 11

    play(scenario)


def test_a_run_that_stays_pending_is_asked_less_and_less_often() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=1, status="pending")
        await stage.follow(run)
        await asyncio.sleep(600)
        before = len(stage.sim.requests)
        await asyncio.sleep(60)
        assert len(stage.sim.requests) - before <= 8

    play(scenario, may_stream=False)
