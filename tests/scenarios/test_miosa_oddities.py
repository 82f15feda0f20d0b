"""What MIOSA or a proxy before it may do although nobody has reported it, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from tests.stages.miosa import KEY, Setting, Stage, numbered, play

HEADS = {"sandbox": "sandboxes.stream", "tenant": "tenant.stream"}


@pytest.mark.parametrize("kind", ["tenant", "sandbox", "build", "run"])
def test_a_stream_whose_head_never_comes_is_connected_again(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.fault("slow", delay_s=3_000.0, endpoint=HEADS.get(kind, f"{kind}s.stream"))
        stage.sim.cut_streams()
        await asyncio.sleep(60)
        stage.sim.append(thing, 2 if kind == "run" else numbered(thing, 2))
        await asyncio.sleep(1)
        assert len((await stage.told(thing)).events) == 2

    play(scenario)


def test_service_unavailable_on_a_stream_is_tried_three_times_though_the_row_is_read() -> None:
    async def scenario(stage: Stage) -> None:
        build = stage.sim.create("build")
        stage.sim.fault(
            "reply", status=503, code="SERVICE_UNAVAILABLE", retry_after="20",
            endpoint="builds.stream", times=1_000,
        )  # fmt: skip
        await stage.follow(build)
        await stage.over(600)
        (failure,) = (await stage.told(build)).failures
        assert failure["code"] == "SERVICE_UNAVAILABLE"
        assert len(stage.asked("builds.stream")) == 3

    play(scenario)


def test_a_sandbox_that_runs_and_is_said_not_to_is_given_up_at_last() -> None:
    async def scenario(stage: Stage) -> None:
        sandbox = stage.sim.create("sandbox", status="running")
        await stage.follow(sandbox)
        await stage.over(7_200)
        (failure,) = (await stage.told(sandbox)).failures
        assert failure["code"] == "SANDBOX_NOT_RUNNING"

    play(scenario, not_running=1_000_000)


def test_a_sandbox_that_is_paused_for_hours_is_waited_for() -> None:
    async def scenario(stage: Stage) -> None:
        sandbox = stage.sim.create("sandbox", status="paused")
        stage.sim.fault(
            "reply", status=409, code="SANDBOX_NOT_RUNNING", endpoint="sandboxes.stream",
            times=200,
        )  # fmt: skip
        await stage.follow(sandbox)
        await asyncio.sleep(7_200)
        stage.sim.set_status(sandbox, "running")
        stage.sim.world.faults.waiting.clear()
        await asyncio.sleep(60)
        stage.sim.append(sandbox, numbered(sandbox, 2))
        await asyncio.sleep(5)
        told = await stage.told(sandbox)
        assert (len(told.events), told.failures) == (2, [])

    play(scenario)


@pytest.mark.parametrize("status", [409, 503])
def test_a_wait_of_zero_seconds_is_no_leave_to_spend_the_key(status: int) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        stage.sim.fault(
            "reply", status=status, code="SANDBOX_STARTING" if status == 409 else "X_Y",
            retry_after="0", times=1_000,
        )  # fmt: skip
        await stage.follow(run)
        await asyncio.sleep(60)
        assert len(stage.sim.requests) <= 12

    play(scenario)


@pytest.mark.parametrize("done", ["sentinel", "named"])
@pytest.mark.parametrize("kind", ["sandbox", "tenant"])
def test_a_stream_that_says_done_while_the_thing_lives_hides_no_gap(kind: str, done: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        for _ in range(40):
            stage.sim.append(thing, numbered(thing, 1))
            await asyncio.sleep(1)
        (await stage.told(thing)).assert_honest(may_repeat=False)

    play(scenario, ids="none", resume="none", done=done, stream_max_s=5.0, stream_cut="clean")


@pytest.mark.parametrize("shape", ["paged", "named", "bare"])
def test_discovery_finds_what_stands_behind_the_first_page_of_a_list(shape: str) -> None:
    async def scenario(stage: Stage) -> None:
        for _ in range(130):
            stage.sim.create("sandbox")
        await asyncio.sleep(120)
        assert len(list(stage.follows.entries())) == 130

    play(scenario, Setting(discover=True, per_minute=6_000), list_shape=shape, limiter_limit=6_000)


@pytest.mark.parametrize("kind", ["sandbox", "tenant"])
def test_an_exit_in_a_thing_that_goes_on_hides_no_gap(kind: str) -> None:
    """The stream may end after it, and without ids nothing proves that no event is missing."""

    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        for number in range(1, 41):
            stage.sim.append(thing, [("exit" if number % 10 == 0 else "log", {"n": number})])
            await asyncio.sleep(1)
        await asyncio.sleep(30)
        stage.sim.append(thing, numbered(thing, 1))
        await asyncio.sleep(1)
        (await stage.told(thing)).assert_honest(may_repeat=False)

    play(scenario, ids="none", resume="none")


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_cursor_that_upstream_forgets_more_than_once_ends_no_run(status: int) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        for _ in range(3):
            stage.sim.fault("reply", status=status, code="NO_SUCH_CURSOR", endpoint="runs.events")
            stage.sim.append(run, 3)
            await asyncio.sleep(120)
        stage.sim.finish(run)
        await stage.over(120)
        (await stage.told(run)).assert_whole()

    play(scenario, Setting(may_stream=False))


@pytest.mark.parametrize(("before", "after"), [("agent_runs", "runs"), ("runs", "agent_runs")])
def test_runs_whose_name_changes_with_an_upgrade_are_followed_on(before: str, after: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.knobs.change({"runs_path": after})
        stage.sim.append(run, 3)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await stage.over(120)
        (await stage.told(run)).assert_whole()

    play(scenario, runs_path=before)


def test_a_success_that_holds_an_error_is_judged_by_its_code() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=2)
        stage.sim.fault("reply", status=200, code="SERVICE_UNAVAILABLE", times=10)
        await stage.follow(run)
        await stage.over(60)
        (failure,) = (await stage.told(run)).failures
        assert failure["code"] == "SERVICE_UNAVAILABLE"
        assert len(stage.sim.requests) == 1

    play(scenario)


def test_tickets_that_move_to_the_other_path_with_an_upgrade_are_still_found() -> None:
    async def scenario(stage: Stage) -> None:
        build = stage.sim.create("build")
        await stage.follow(build)
        await asyncio.sleep(10)
        stage.sim.knobs.change({"ticket_path": "auth"})
        stage.sim.cut_streams()
        await asyncio.sleep(60)
        stage.sim.append(build, numbered(build, 2))
        await asyncio.sleep(5)
        told = await stage.told(build)
        assert (len(told.events), told.failures) == (2, [])

    play(scenario, ticket_path="sse", ticket_refusal=404)


@pytest.mark.parametrize("kind", ["tenant", "sandbox"])
def test_an_error_in_place_of_a_stream_is_shown_whatever_its_status(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        stage.sim.fault("reply", status=200, code="INTERNAL_ERROR", endpoint=HEADS[kind], times=3)
        await stage.follow(thing)
        await asyncio.sleep(1)
        failure = stage.progress(thing).failure
        assert failure is not None
        assert failure.code == "INTERNAL_ERROR"
        await asyncio.sleep(60)
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(5)
        assert len((await stage.told(thing)).events) == 2
        assert stage.progress(thing).failure is None

    play(scenario)


@pytest.mark.parametrize("kind", ["sandbox", "run", "build"])
def test_a_thing_that_is_gone_takes_the_streams_of_no_other_away(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        gone, other = stage.sim.create(kind), stage.sim.create(kind)
        await stage.follow(gone, other)
        await asyncio.sleep(20)
        del stage.sim.world.store.things[gone.feed_id]
        stage.sim.cut_streams()
        await asyncio.sleep(10)
        stage.sim.cut_streams()
        await asyncio.sleep(30)
        assert stage.progress(other).followed_by == "stream"
        stage.sim.append(other, 2 if kind == "run" else numbered(other, 2))
        await asyncio.sleep(0.5)
        assert len((await stage.told(other)).events) == 2

    play(scenario)


def test_a_follow_that_its_stream_gave_up_does_not_wait_for_the_key() -> None:
    """The log said that the feed had ended, when the key was replaced at last."""

    async def scenario(stage: Stage) -> None:
        sandbox, run = stage.sim.create("sandbox"), stage.sim.create("run", events=2)
        await stage.follow(sandbox, run, stage.sim.create("tenant"))
        await asyncio.sleep(20)
        stage.sim.set_key(KEY, valid=False)
        stage.sim.cut_streams()
        await asyncio.sleep(120)
        assert len((await stage.told(sandbox)).failures) == 1
        (entry,) = [one for one in stage.follows.entries() if one.feed.feed.kind == "sandbox"]
        assert entry.task is not None
        assert entry.task.done()

    play(scenario)


@pytest.mark.parametrize("kind", ["tenant", "sandbox", "build"])
def test_a_frame_over_the_limit_is_recorded_cut_and_does_not_come_for_ever(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        before = len(stage.asked(HEADS.get(kind, f"{kind}s.stream")))
        name, data = numbered(thing, 1)[0]
        stage.sim.append(thing, [(name, {**data, "line": "x" * (9 * 2**20)})])
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(60)
        assert len((await stage.told(thing)).events) == 3
        assert len(stage.asked(HEADS.get(kind, f"{kind}s.stream"))) == before

    play(scenario)
