"""A refused token is suspended and asked about slowly; it is never dead (mogplex.md 1.14).

While upstream's database is away every answer is 401, whatever the token.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.accounts import TOKEN
from tests.record_types import FOLLOW_FAILED
from tests.stages.mogplex import Stage, play


async def outage(stage: Stage, seconds: float) -> None:
    """The database goes away, and all streams end at once."""
    stage.sim.set_token(TOKEN, valid=False)
    stage.sim.cut_streams()
    await asyncio.sleep(seconds)
    stage.sim.set_token(TOKEN, valid=True)


async def check(stage: Stage, run: Any) -> None:
    assert await stage.event_ids(run) == stage.truth_ids(run)
    assert await stage.gaps(run) == []
    assert len(await stage.ends(run)) == 1
    assert FOLLOW_FAILED not in [r.type for r in await stage.records(run)]


@pytest.mark.parametrize("may_stream", [True, False])
@pytest.mark.parametrize("seconds", [45, 60, 1800])
def test_an_outage_that_answers_401_ends_no_follow(seconds: float, may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(5)]
        await stage.follow(*runs)
        await asyncio.sleep(60)
        for run in runs:
            stage.sim.append(run, 20)
        await outage(stage, seconds)
        for run in runs:
            stage.sim.append(run, 20)
            stage.sim.finish(run)
        await stage.over(600)
        for run in runs:
            await check(stage, run)
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, may_stream=may_stream)


def test_while_it_is_suspended_one_request_in_minutes_asks_for_all_runs() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(5)]
        await stage.follow(*runs)
        await asyncio.sleep(60)
        stage.sim.set_token(TOKEN, valid=False)
        stage.sim.cut_streams()
        await asyncio.sleep(600)
        assert stage.gate.credential.suspended_since is not None
        before = len(stage.sim.requests)
        await asyncio.sleep(1200)
        assert 3 <= len(stage.sim.requests) - before <= 5
        stage.sim.set_token(TOKEN, valid=True)
        await asyncio.sleep(305)
        assert stage.gate.credential.suspended_since is None
        assert all(view["followedBy"] == "stream" for view in stage.follows.views())

    play(scenario)


def test_putting_a_run_asks_at_once_whether_the_token_is_good_again() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        await stage.follow(run)
        await asyncio.sleep(20)
        await outage(stage, 900)
        assert stage.gate.credential.suspended_since is not None
        await stage.follow(run)
        await asyncio.sleep(3)
        assert stage.gate.credential.suspended_since is None

    play(scenario)


def test_a_new_token_is_tried_at_once_and_all_runs_are_caught_up() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(3)]
        await stage.follow(*runs)
        await asyncio.sleep(10)
        stage.sim.set_token(TOKEN, valid=False)
        stage.sim.cut_streams()
        await asyncio.sleep(400)
        for run in runs:
            stage.sim.append(run, 4)
        stage.replace_token("mog_" + "n" * 24)
        await asyncio.sleep(5)
        for run in runs:
            assert await stage.event_ids(run) == stage.truth_ids(run)
            stage.sim.finish(run)
        await stage.over(200)
        for run in runs:
            await check(stage, run)

    play(scenario)


def test_a_token_that_was_never_good_keeps_its_runs_waiting_for_one_that_is() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(3)]
        stage.sim.set_token(TOKEN, valid=False)
        await stage.follow(*runs)
        await asyncio.sleep(3600)
        assert stage.follows.following_count == 3
        await outage(stage, 0)
        await stage.follow(runs[0])
        for run in runs:
            stage.sim.finish(run)
        await stage.over(100)
        for run in runs:
            await check(stage, run)

    play(scenario)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reply", "status": 400, "code": "BAD_REQUEST"},
        {"kind": "reply", "status": 403, "code": "FORBIDDEN"},
        {"kind": "reply", "status": 451, "code": "GEO_BLOCKED"},
    ],
    ids=["400", "403", "451"],
)
@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_short_fault_does_not_end_a_run_that_was_read(fault: dict[str, Any], times: int) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.fault(**fault, times=times)
        stage.sim.append(run, 5)
        await asyncio.sleep(200)
        stage.sim.finish(run)
        await stage.over(400)
        await check(stage, run)

    play(scenario, may_stream=False)


def test_one_redirect_to_the_login_page_is_no_end() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        await stage.follow(run)
        await asyncio.sleep(20)
        good, stage.tokens.text = stage.tokens.text, ""
        await asyncio.sleep(20)
        stage.tokens.text = good
        stage.sim.finish(run)
        await stage.over(100)
        await check(stage, run)

    play(scenario, may_stream=False)


def test_a_run_that_was_read_and_is_refused_for_long_is_given_up() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.fault("reply", status=403, code="FORBIDDEN", times=1000)
        started = stage.clock.monotonic()
        await stage.over(2000)
        assert stage.clock.monotonic() - started >= 600
        assert [r.type for r in await stage.records(run)][-1] == FOLLOW_FAILED
        assert len(stage.sim.requests) < 40

    play(scenario, may_stream=False)
