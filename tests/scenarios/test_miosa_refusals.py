"""Tickets, keys, limits, and everything that MIOSA refuses, on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.sources.port import Depth, Level
from tests.stages.miosa import KEY, Setting, Stage, numbered, play

TICKETED = ["build", "snapshot"]


def ticket_counts(stage: Stage) -> dict[str, float]:
    metric = stage.metrics.own["tickets_total"]
    return {
        sample.labels["result"]: sample.value
        for family in metric.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def assert_tickets_in_order(stage: Stage) -> None:
    book = stage.sim.world.tickets
    assert (book.used_twice, book.unused) == (0, 0)


# Tickets


@pytest.mark.parametrize("path", ["both", "sse", "auth"])
@pytest.mark.parametrize("refusal", [404, 401, 405])
def test_the_ticket_path_that_works_is_found_and_kept(path: str, refusal: int) -> None:
    async def scenario(stage: Stage) -> None:
        builds = [stage.sim.create("build") for _ in range(3)]
        await stage.follow(*builds)
        await asyncio.sleep(20)
        for build in builds:
            stage.sim.append(build, numbered(build, 2))
        stage.sim.cut_streams()
        await asyncio.sleep(30)
        for build in builds:
            stage.sim.finish(build)
        await stage.over(100)
        for build in builds:
            told = await stage.told(build)
            assert len(told.ends) == 1
            assert told.failures == []
        refused = [r for r in stage.asked("ticket") if r.status != 200]
        assert len(refused) <= (3 if path == "auth" else 0)
        assert_tickets_in_order(stage)

    play(scenario, ticket_path=path, ticket_refusal=refusal)


@pytest.mark.parametrize("shape", ["bare", "wrapped"])
@pytest.mark.parametrize("code", ["UNAUTHORIZED", "missing sse ticket"])
def test_that_a_stream_wants_a_ticket_is_learnt_for_its_kind(shape: str, code: str) -> None:
    async def scenario(stage: Stage) -> None:
        things = [stage.sim.create("sandbox"), stage.sim.create("sandbox")]
        await stage.follow(things[0])
        await asyncio.sleep(20)
        await stage.follow(things[1])
        await asyncio.sleep(20)
        for thing in things:
            stage.sim.append(thing, numbered(thing, 3))
            stage.sim.finish(thing)
        await stage.over(100)
        for thing in things:
            (await stage.told(thing)).assert_whole()
        assert [r.status for r in stage.asked("sandboxes.stream")].count(401) == 1
        assert_tickets_in_order(stage)

    play(scenario, tickets="all", ticket_shape=shape, ticket_code=code)


def test_a_refused_ticket_gets_one_new_one_then_only_this_follow_is_given_up() -> None:
    async def scenario(stage: Stage) -> None:
        build, run = stage.sim.create("build"), stage.sim.create("run", events=3)
        await stage.follow(build, run)
        await asyncio.sleep(60)
        told = await stage.told(build)
        (failure,) = told.failures
        assert (failure["code"], failure["httpStatus"]) == ("UNAUTHORIZED", 401)
        assert failure["requestId"].startswith("req_sim")
        assert len(stage.asked("ticket")) == 2
        stage.sim.finish(run)
        await stage.over(60)
        (await stage.told(run)).assert_whole()
        assert_tickets_in_order(stage)

    play(scenario, ticket_life_s=0.01)


def test_a_used_ticket_is_refused_and_a_new_one_opens_the_stream() -> None:
    """Reference scenario 13: one connect is refused for its ticket, the next has another."""

    async def scenario(stage: Stage) -> None:
        build = stage.sim.create("build")
        stage.sim.fault("reply", status=401, code="UNAUTHORIZED", endpoint="builds.stream")
        await stage.follow(build)
        await asyncio.sleep(20)
        stage.sim.append(build, numbered(build, 3))
        stage.sim.finish(build)
        await stage.over(60)
        told = await stage.told(build)
        assert (len(told.events), told.failures) == (4, [])
        assert len(stage.asked("ticket")) == 2
        assert_tickets_in_order(stage)

    play(scenario)


def test_no_ticket_is_minted_while_its_connect_cannot_leave() -> None:
    async def scenario(stage: Stage) -> None:
        builds = [stage.sim.create("build") for _ in range(8)]
        await stage.follow(*builds)
        await asyncio.sleep(400)
        at: dict[str, list[float]] = {}
        for record in stage.sim.requests:
            if record.endpoint in ("ticket", "builds.stream"):
                at.setdefault(record.endpoint, []).append(record.at_s)
        assert len(at["ticket"]) == len(at["builds.stream"]) == 8
        waits = [b - a for a, b in zip(at["ticket"], at["builds.stream"], strict=True)]
        assert max(waits) < 1.0
        assert_tickets_in_order(stage)
        assert stage.refused == 0

    play(scenario, Setting(per_minute=12), limiter_limit=12)


def test_every_ticket_is_counted_by_what_became_of_it() -> None:
    async def scenario(stage: Stage) -> None:
        build = stage.sim.create("build")
        await stage.follow(build)
        await asyncio.sleep(20)
        stage.sim.cut_streams()
        await asyncio.sleep(20)
        assert ticket_counts(stage)["used"] == len(stage.asked("ticket")) == 2
        assert ticket_counts(stage)["unused"] == 0

    play(scenario)


# The key


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


def test_a_401_of_a_ticket_path_is_no_dead_key() -> None:
    async def scenario(stage: Stage) -> None:
        run, build = stage.sim.create("run", events=2), stage.sim.create("build")
        stage.sim.fault("reply", status=401, code="invalid_token", endpoint="ticket", times=50)
        await stage.follow(run, build)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await asyncio.sleep(30)
        (await stage.told(run)).assert_whole()
        assert stage.source.standing().failure is None

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


# Limits


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


# Refusals that pass, and those that do not


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


# Discovery


def test_what_is_at_work_is_found_and_what_is_over_is_not() -> None:
    async def scenario(stage: Stage) -> None:
        old = [stage.sim.create(kind) for kind in ("run", "sandbox", "build")]
        for thing in old:
            stage.sim.finish(thing)
        await asyncio.sleep(40)
        fresh = [stage.sim.create(k) for k in ("run", "sandbox", "build", "computer")]
        await asyncio.sleep(60)
        followed = {(e.feed.feed.kind, e.feed.feed.id) for e in stage.follows.entries()}
        assert followed == {(thing.kind, thing.id) for thing in fresh}
        (sample,) = [
            s for f in stage.metrics.own["discovered_total"].collect() for s in f.samples
            if s.name.endswith("_total")
        ]  # fmt: skip
        assert sample.value == 4

    play(scenario, Setting(discover=True))


@pytest.mark.parametrize("shape", ["paged", "named", "bare"])
def test_a_list_is_read_through_all_of_its_pages(shape: str) -> None:
    async def scenario(stage: Stage) -> None:
        count = 105 if shape == "paged" else 15
        things = [stage.sim.create("sandbox") for _ in range(count)]
        await asyncio.sleep(120)
        assert len(list(stage.follows.entries())) == len(things)

    play(scenario, Setting(discover=True, per_minute=600), limiter="off", list_shape=shape)


def test_a_feed_that_an_operator_stopped_stays_stopped() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=1)
        await asyncio.sleep(60)
        await stage.follows.unfollow("run", run.id)
        await asyncio.sleep(100)
        await stage.restart()
        await asyncio.sleep(100)
        assert not any(e.is_followed for e in stage.follows.entries())

    play(scenario, Setting(discover=True))


def test_discovery_takes_only_what_nobody_else_wants() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create("run", events=5) for _ in range(4)]
        await stage.follow(*runs)
        for _ in range(120):
            for run in runs:
                stage.sim.append(run, 1)
            await asyncio.sleep(1)
        assert stage.refused == 0
        waits = [stage.progress(run).read_at for run in runs]
        assert all(at is not None and at > 80 for at in waits)

    play(scenario, Setting(discover=True, per_minute=20, may_stream=False), limiter_limit=20)


def test_a_list_that_the_key_may_not_read_is_left_out() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.set_key(KEY, scopes=["runs:read"])
        run = stage.sim.create("run", events=1)
        await asyncio.sleep(200)
        assert [e.feed.feed.id for e in stage.follows.entries()] == [run.id]
        denied = [r for r in stage.sim.requests if r.status == 403]
        assert len(denied) == 4

    play(scenario, Setting(discover=True))


# A look from outside


def test_an_examination_names_the_paths_that_work_and_the_scopes_that_are_missing() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.set_key(KEY, scopes=["runs:read", "events:read"])
        findings = await stage.source.examine(Depth.ALL)
        texts = {finding.about: finding.text for finding in findings}
        assert "sandboxes:read" in texts["scope"]
        assert texts["ticket"] == "tickets come from /auth/sse-ticket"
        assert "/agent-runs" in texts["server"]
        assert "opens" in texts["stream"]
        assert_tickets_in_order(stage)

    play(scenario, ticket_path="auth", runs_path="agent_runs")


def test_an_examination_of_a_bad_key_says_so_and_stops() -> None:
    async def scenario(stage: Stage) -> None:
        stage.sim.set_key(KEY, valid=False)
        for depth in Depth:
            findings = await stage.source.examine(depth)
            assert [f.level for f in findings] == [Level.PROBLEM]
            assert "invalid_token" in findings[0].text
            assert "req_sim" in findings[0].text

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
