"""Tickets, keys, limits, and everything that MIOSA refuses, on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.stages.miosa import KEY, Setting, Stage, numbered, play

TICKETED = ["build", "snapshot"]


def assert_tickets_in_order(stage: Stage) -> None:
    book = stage.sim.world.tickets
    assert (book.used_twice, book.unused) == (0, 0)


def test_invalid_token_on_a_json_route_suspends_the_key_and_asks_slowly() -> None:
    async def scenario(stage: Stage) -> None:
        things = [stage.sim.create("run", events=2), stage.sim.create("sandbox")]
        stage.sim.set_key(KEY, valid=False)
        await stage.follow(*things)
        await asyncio.sleep(30)
        standing = stage.source.standing()
        assert standing.failure is not None
        assert standing.failure.code == "invalid_token"
        assert standing.suspended_since is not None
        before = len(stage.sim.requests)
        await asyncio.sleep(600)
        assert len(stage.sim.requests) - before <= 6
        assert (await stage.told(things[0])).failures == []  # only its owner can end a key
        stage.sim.set_key(KEY)
        await asyncio.sleep(320)
        assert len((await stage.told(things[0])).events) == 2

    play(scenario)


def test_a_new_key_is_believed_at_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        stage.sim.set_key(KEY, valid=False)
        await stage.follow(run)
        await asyncio.sleep(60)
        stage.replace_token("msk_live_other")
        await asyncio.sleep(20)
        stage.sim.finish(run)
        await stage.over(60)
        (await stage.told(run)).assert_whole()

    play(scenario)


def test_one_spurious_refusal_of_the_key_ends_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.fault("unauthorized", endpoint="runs.events")
        stage.sim.cut_streams()
        await asyncio.sleep(30)
        stage.sim.finish(run)
        await stage.over(60)
        (await stage.told(run)).assert_whole()

    play(scenario)


def test_a_missing_scope_is_told_by_its_name() -> None:
    async def scenario(stage: Stage) -> None:
        sandbox = stage.sim.create("sandbox")
        stage.sim.set_key(KEY, scopes=["runs:read"])
        await stage.follow(sandbox)
        await stage.over(60)
        (failure,) = (await stage.told(sandbox)).failures
        assert failure["code"] == "insufficient_scope"
        assert "sandboxes:read" in failure["message"]

    play(scenario)


def test_a_key_of_forty_a_minute_is_never_refused_with_three_runs_and_a_build() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create("run", events=60) for _ in range(3)]
        build = stage.sim.create("build")
        await stage.follow(*runs, build)
        for second in range(120):
            for run in runs:
                stage.sim.append(run, 1)
            stage.sim.append(build, numbered(build, 1))
            if second % 7 == 0:
                stage.sim.cut_streams("mid_frame")
            await asyncio.sleep(1)
        for thing in (*runs, build):
            stage.sim.finish(thing)
        await stage.over(600)
        assert stage.refused == 0
        assert stage.sim.peak(KEY) <= 40
        for run in runs:
            (await stage.told(run)).assert_whole()
        (await stage.told(build)).assert_honest(may_repeat=False)
        assert_tickets_in_order(stage)

    play(scenario, Setting(per_minute=40), limiter_limit=40)


def test_the_budget_holds_over_kills() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create("run", events=20) for _ in range(3)]
        await stage.follow(*runs)
        for _ in range(12):
            await asyncio.sleep(7)
            await stage.restart()
        assert stage.refused == 0
        await asyncio.sleep(120)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(600)
        for run in runs:
            (await stage.told(run)).assert_whole()

    play(scenario, Setting(per_minute=40), limiter_limit=40)


@pytest.mark.parametrize("where", ["header", "body_ms", "body_s", "none"])
def test_a_429_holds_the_whole_key_for_as_long_as_it_says(where: str) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create("run", events=5) for _ in range(3)]
        await stage.follow(*runs)
        await asyncio.sleep(90)
        refused_at = [r.at_s for r in stage.sim.requests if r.status == 429]
        assert refused_at
        silent_until = refused_at[-1] + 59.0
        during = [r for r in stage.sim.requests if refused_at[-1] + 0.1 < r.at_s < silent_until]
        assert during == []
        assert stage.source.standing().requests.blocked_until is not None  # type: ignore[union-attr]
        await asyncio.sleep(120)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(900)
        for run in runs:
            (await stage.told(run)).assert_whole()

    play(scenario, Setting(per_minute=60), limiter_limit=6, limiter_wait=where)


def test_a_409_holds_one_feed_and_not_the_others() -> None:
    async def scenario(stage: Stage) -> None:
        held, free = stage.sim.create("run", events=2), stage.sim.create("run", events=2)
        stage.sim.fault(
            "reply", status=409, code="SANDBOX_STARTING", retry_after="40", feed_id=held.feed_id
        )
        await stage.follow(held, free)
        await asyncio.sleep(15)
        assert len((await stage.told(free)).events) == 2
        assert (await stage.told(held)).events == []
        failure = stage.progress(held).failure
        assert failure is not None
        assert failure.request_id is not None
        await asyncio.sleep(60)
        assert len((await stage.told(held)).events) == 2

    play(scenario)


@pytest.mark.parametrize("envelope", ["nested", "flat", "top", "list", "plain"])
@pytest.mark.parametrize("kind", ["run", "sandbox", "build", "deployment"])
def test_a_runtime_without_an_address_is_waited_for(kind: str, envelope: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(60)
        stage.sim.append(thing, 2 if kind == "run" else numbered(thing, 2))
        await asyncio.sleep(15)
        told = await stage.told(thing)
        assert (len(told.events), told.failures) == (2, [])
        refused = [r.at_s for r in stage.sim.requests if r.status == 409]
        assert len(refused) == 3

    play(scenario, not_ready=3, envelope=envelope)


def test_a_sandbox_that_is_not_running_is_asked_for_its_row_until_it_runs() -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox", status="provisioning")
        await stage.follow(thing)
        await asyncio.sleep(40)
        stage.sim.set_status(thing, "running")
        await asyncio.sleep(40)
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(5)
        told = await stage.told(thing)
        assert (len(told.events), told.failures) == (2, [])
        assert len(stage.asked("sandboxes.get")) >= 2

    play(scenario, not_running=3)


def test_service_unavailable_is_given_up_with_advice_and_the_request_id() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        await stage.follow(run)
        await stage.over(60)
        (failure,) = (await stage.told(run)).failures
        assert failure["code"] == "SERVICE_UNAVAILABLE"
        assert "contact the vendor's support" in failure["message"]
        assert failure["requestId"].startswith("req_sim")
        assert len(stage.sim.requests) == 1

    play(scenario, unavailable=100)


@pytest.mark.parametrize("hint", ["header", "flag"])
def test_service_unavailable_with_a_hint_is_tried_three_times(hint: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        await stage.follow(run)
        await stage.over(120)
        assert len((await stage.told(run)).failures) == 1
        assert len(stage.sim.requests) == 3

    play(scenario, unavailable=100, unavailable_hint=hint)


def test_a_503_in_plain_text_passes() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        await stage.follow(run)
        await asyncio.sleep(200)
        assert len((await stage.told(run)).events) == 2

    play(scenario, unavailable=5, unavailable_hint="plain")


def test_missing_credits_wait_for_a_person_and_are_not_asked_for_again() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        stage.sim.fault("reply", status=402, code="INSUFFICIENT_CREDITS", times=100)
        await stage.follow(run)
        await stage.over(60)
        (failure,) = (await stage.told(run)).failures
        assert failure["code"] == "INSUFFICIENT_CREDITS"
        assert "top up" in failure["message"]
        await asyncio.sleep(600)
        assert len(stage.sim.requests) == 1

    play(scenario)


def test_a_thing_that_vanishes_is_given_up_after_three_looks() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        await stage.follow(run)
        await asyncio.sleep(20)
        del stage.sim.world.store.things[run.feed_id]
        stage.sim.cut_streams()
        await stage.over(120)
        (failure,) = (await stage.told(run)).failures
        assert failure["code"] == "NOT_FOUND"

    play(scenario, runs_path="runs")


@pytest.mark.parametrize("kind", ["reset", "html_5xx", "not_json", "lost_reply", "cut_body"])
@pytest.mark.parametrize("thing_kind", ["run", "sandbox", "build", "deployment"])
def test_what_breaks_on_the_way_is_tried_again(kind: str, thing_kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(thing_kind)
        for endpoint_skip in (0, 2):
            stage.sim.fault(kind, times=2, skip=endpoint_skip)
        await stage.follow(thing)
        await asyncio.sleep(120)
        stage.sim.append(thing, 3 if thing_kind == "run" else numbered(thing, 3))
        await asyncio.sleep(40)
        told = await stage.told(thing)
        assert (len(told.events), told.failures) == (3, [])

    play(scenario)


@pytest.mark.parametrize("code", ["invalid_token", "UNAUTHORIZED"])
def test_a_stream_refused_with_any_401_gives_up_no_other_follow(code: str) -> None:
    async def scenario(stage: Stage) -> None:
        sandbox, run = stage.sim.create("sandbox"), stage.sim.create("run", events=2)
        stage.sim.fault("reply", status=401, code=code, endpoint="sandboxes.stream", times=9)
        await stage.follow(sandbox, run)
        await asyncio.sleep(60)
        assert len((await stage.told(sandbox)).failures) == 1
        stage.sim.finish(run)
        await stage.over(60)
        (await stage.told(run)).assert_whole()

    play(scenario)


def test_a_406_is_answered_with_another_accept_once() -> None:
    async def scenario(stage: Stage) -> None:
        sandbox = stage.sim.create("sandbox")
        stage.sim.fault("reply", status=406, code="X", endpoint="sandboxes.stream")
        await stage.follow(sandbox)
        await asyncio.sleep(20)
        stage.sim.append(sandbox, numbered(sandbox, 2))
        await asyncio.sleep(2)
        assert len((await stage.told(sandbox)).events) == 2

    play(scenario)


def shown(value: Any) -> str:
    return str(value)


def test_no_secret_stands_in_any_record_progress_or_standing() -> None:
    async def scenario(stage: Stage) -> None:
        things = [stage.sim.create(kind) for kind in TICKETED]
        await stage.follow(*things)
        await asyncio.sleep(20)
        for thing in things:
            stage.sim.append(thing, [("log", {"line": f"using {KEY}", "n": 1})])
        await asyncio.sleep(5)
        stage.sim.fault("reply", status=401, code="UNAUTHORIZED", message=KEY, times=9)
        stage.sim.cut_streams()
        await asyncio.sleep(60)
        text = "".join(record.body.decode() for record in await stage.records())
        text += shown([stage.progress(thing) for thing in things]) + shown(stage.source.standing())
        text += shown(stage.follows.views("build"))
        text += stage.source.memory().decode()
        assert KEY not in text
        assert "sset_" not in text

    play(scenario)


@pytest.mark.parametrize("path", ["runs", "agent_runs", "both"])
def test_an_unknown_run_is_told_by_the_name_that_knows_runs(path: str) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.follows.follow("run", "00000000-0000-4000-8000-000000000000")
        await stage.over(60)
        (entry,) = stage.follows.entries()
        assert entry.feed.state.failed == "NOT_FOUND"

    play(scenario, runs_path=path)
