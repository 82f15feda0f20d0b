"""MIOSA's seven kinds against the simulator's truth, on virtual time."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.stages.miosa import Stage, numbered, play


def test_a_run_is_told_whole_and_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=35)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.append(run, 10)
        await asyncio.sleep(5)
        stage.sim.finish(run)
        await stage.over(120)
        (await stage.told(run)).assert_whole()
        assert stage.refused == 0

    play(scenario)


@pytest.mark.parametrize("kind", ["sandbox", "build", "snapshot", "computer", "deployment"])
def test_a_thing_is_told_from_the_moment_of_its_follow_to_its_end(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(20)
        for _ in range(5):
            stage.sim.append(thing, numbered(thing, 4))
            await asyncio.sleep(3)
        stage.sim.set_status(thing, {"sandbox": "destroyed", "computer": "deleted",
                                     "deployment": "live"}.get(kind, "ready"))  # fmt: skip
        await stage.over(300)
        told = await stage.told(thing)
        told.assert_whole()
        assert stage.refused == 0

    play(scenario)


# Pages and streams


def test_a_run_of_700_events_whose_stream_is_cut_every_two_seconds_is_told_exactly_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run")
        await stage.follow(run)
        for _ in range(140):
            stage.sim.append(run, 5)
            await asyncio.sleep(0.5)
        stage.sim.finish(run)
        await stage.over(300)
        (await stage.told(run)).assert_whole()
        assert len(run.events) == 701
        assert stage.refused == 0

    play(scenario, stream_max_s=2.0, stream_cut="mid_frame")


@pytest.mark.parametrize("clamp", [0, 20, 50, 100])
@pytest.mark.parametrize("stream", ["live", "replay", "json", "missing", "empty"])
def test_a_long_history_is_read_whatever_the_server_clamps_and_streams(
    stream: str, clamp: int
) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=450)
        await stage.follow(run)
        await asyncio.sleep(30)
        stage.sim.append(run, 7)
        await asyncio.sleep(3)
        stage.sim.finish(run, "failed")
        await stage.over(300)
        (await stage.told(run)).assert_whole()

    play(scenario, run_stream=stream, clamp=clamp)


@pytest.mark.parametrize("shape", ["data_events", "data_list", "events", "items", "bare"])
@pytest.mark.parametrize("event_shape", ["metadata", "payload"])
def test_a_page_is_read_in_any_shape(shape: str, event_shape: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=12)
        stage.sim.finish(run)
        await stage.follow(run)
        await stage.over(60)
        (await stage.told(run)).assert_whole()

    play(scenario, run_page=shape, event_shape=event_shape)


def test_a_stream_that_leaves_events_out_loses_none() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(20):
            stage.sim.append(run, 3)
            await asyncio.sleep(2)
        stage.sim.finish(run)
        await stage.over(200)
        told = await stage.told(run)
        assert sorted(told.ids) == sorted(event.id for event in run.events)
        assert len(set(told.ids)) == len(told.ids)
        told.assert_ended()

    play(scenario, drop_every=4)


def test_numbered_events_keep_their_order_although_the_stream_leaves_some_out() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(20):
            stage.sim.append(run, 3)
            await asyncio.sleep(2)
        stage.sim.finish(run)
        await stage.over(200)
        (await stage.told(run)).assert_whole()

    play(scenario, drop_every=4, event_shape="payload")


def test_a_stream_brings_events_early() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        for _ in range(10):
            stage.sim.append(run, 1)
            await asyncio.sleep(0.05)
            assert len((await stage.told(run)).ids) == len(run.events)
            await asyncio.sleep(3)

    play(scenario)


def test_a_quiet_run_beside_a_stream_costs_few_requests() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(20)
        before = len(stage.sim.requests)
        await asyncio.sleep(600)
        assert len(stage.sim.requests) - before <= 32

    play(scenario)


@pytest.mark.parametrize(
    ("how", "shape", "missing"),
    [
        ("start", "payload", 6),  # a server that ignores it can only be found out by numbers
        ("empty", "metadata", None),
        ("bad_request", "metadata", None),
        ("not_found", "payload", 6),
    ],
)
def test_a_cursor_that_upstream_forgot_is_a_gap(how: str, shape: str, missing: int | None) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=20)
        await stage.follow(run)
        await asyncio.sleep(20)
        await stage.stop()
        stage.sim.append(run, 10)
        stage.sim.purge(run, keep=4)
        await stage.start()
        await asyncio.sleep(20)
        stage.sim.append(run, 2)
        stage.sim.finish(run)
        await stage.over(200)
        told = await stage.told(run)
        assert [gap["reason"] for gap in told.gaps] == ["cursor_lost"]
        assert told.gaps[0]["missing"] == missing
        assert told.ids[-7:] == [event.id for event in run.events]
        told.assert_ended()

    play(scenario, unknown_cursor=how, run_stream="missing", event_shape=shape)


@pytest.mark.parametrize("gap_s", [0.5, 4.0])
def test_the_last_events_come_although_the_row_is_over_before_them(gap_s: float) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        await stage.follow(run)
        await asyncio.sleep(15)
        stage.sim.finish(run, "failed", row_first=True)
        await stage.over(60)
        (await stage.told(run)).assert_whole()

    play(scenario, row_gap_s=gap_s)


def test_a_run_ends_after_two_quiet_pages_and_five_seconds() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=5)
        stage.sim.finish(run)
        began = stage.clock.monotonic()
        await stage.follow(run)
        await stage.over(60)
        assert 5.0 <= stage.clock.monotonic() - began <= 15.0
        pages = stage.asked("runs.events")
        assert len(pages) >= 3

    play(scenario)


# Ids, frame by frame; gaps


@pytest.mark.parametrize("kind", ["build", "snapshot", "computer"])
def test_what_has_no_ids_has_a_gap_at_every_boundary(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        for _ in range(3):
            stage.sim.append(thing, numbered(thing, 4))
            await asyncio.sleep(1)
            stage.sim.cut_streams()
            stage.sim.append(thing, numbered(thing, 2))
            await asyncio.sleep(30)
        stage.sim.append(thing, numbered(thing, 1))
        await asyncio.sleep(5)
        told = await stage.told(thing)
        assert {gap["reason"] for gap in told.gaps} == {"resume_unsupported"}
        assert told.numbers == [1, 2, 3, 4, None, 7, 8, 9, 10, None, 13, 14, 15, 16, None, 19]

    play(scenario)


@pytest.mark.parametrize("kind", ["build", "computer"])
def test_a_kill_is_a_boundary_with_a_gap_too(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.append(thing, numbered(thing, 3))
        await asyncio.sleep(1)
        await stage.stop()
        stage.sim.append(thing, numbered(thing, 2))
        await stage.start()
        await asyncio.sleep(30)
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(1)
        told = await stage.told(thing)
        assert told.numbers == [1, 2, 3, None, 6, 7]
        (gap,) = told.gaps
        assert (gap["after"], gap["before"]) == (told.ids[2], told.ids[3])

    play(scenario)


def test_a_sandbox_with_ids_is_resumed_without_a_gap() -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox")
        await stage.follow(thing)
        await asyncio.sleep(10)
        for _ in range(6):
            stage.sim.append(thing, numbered(thing, 3))
            await asyncio.sleep(1)
            stage.sim.cut_streams("mid_frame")
            stage.sim.append(thing, numbered(thing, 2))
            await asyncio.sleep(20)
        stage.sim.finish(thing)
        await stage.over(100)
        (await stage.told(thing)).assert_whole()

    play(scenario)


def test_the_tenant_has_ids_but_no_replay_and_a_gap_at_each_boundary() -> None:
    async def scenario(stage: Stage) -> None:
        tenant = stage.sim.create("tenant")
        await stage.follow(tenant)
        await asyncio.sleep(10)
        stage.sim.append(tenant, 3)
        await asyncio.sleep(1)
        stage.sim.cut_streams()
        await asyncio.sleep(10)
        stage.sim.append(tenant, 3)
        await asyncio.sleep(1)
        told = await stage.told(tenant)
        assert told.numbers == [1, 2, 3, None, 4, 5, 6]
        assert told.all[0][2]["source"] == "/miosa/miosa/tenant"

    play(scenario)


def test_a_tenants_stream_that_does_replay_proves_it_and_has_no_gap() -> None:
    async def scenario(stage: Stage) -> None:
        tenant = stage.sim.create("tenant")
        await stage.follow(tenant)
        await asyncio.sleep(10)
        stage.sim.append(tenant, 3)
        await asyncio.sleep(1)
        stage.sim.cut_streams()
        stage.sim.append(tenant, 3)
        await asyncio.sleep(10)
        assert (await stage.told(tenant)).numbers == [1, 2, 3, 4, 5, 6]

    play(scenario, resume="all")


def test_ids_on_some_frames_only_are_used_where_they_are() -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox")
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.append(thing, numbered(thing, 9))
        await asyncio.sleep(1)
        told = await stage.told(thing)
        assert [id_.startswith("line-") for id_ in told.ids] == [True, True, False] * 3
        assert told.numbers == list(range(1, 10))

    play(scenario, id_every=3)


@pytest.mark.parametrize("ends", ["lf", "crlf", "cr"])
@pytest.mark.parametrize("split", ["off", "halves", "bytes"])
@pytest.mark.parametrize("place", ["after", "before"])
def test_frames_are_read_however_they_are_cut_and_ended(ends: str, split: str, place: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox")
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.append(thing, [("sandbox.exec.stdout", {"n": 1, "line": "π € \u2028 x"})])
        stage.sim.append(thing, numbered(thing, 3))
        await asyncio.sleep(10)
        stage.sim.finish(thing)
        await stage.over(60)
        (await stage.told(thing)).assert_whole()

    play(scenario, line_ends=ends, split=split, id_place=place)


@pytest.mark.parametrize("done", ["sentinel", "named", "off"])
@pytest.mark.parametrize("kind", ["build", "sandbox", "snapshot"])
def test_the_end_of_a_stream_is_no_record_but_for_a_named_one(kind: str, done: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.append(thing, numbered(thing, 3))
        await asyncio.sleep(1)
        stage.sim.finish(thing)
        await stage.over(60)
        told = await stage.told(thing)
        assert "[DONE]" not in str(told.all)
        assert told.gaps == []
        assert len(told.events) == 4 + (done == "named")
        told.assert_ended()

    play(scenario, done=done)


@pytest.mark.parametrize("beat", ["comment", "tight", "named", "ping"])
def test_a_dead_connection_is_noticed_where_there_were_heartbeats(beat: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox")
        await stage.follow(thing)
        await asyncio.sleep(60)
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(1)
        stage.sim.cut_streams("silent")
        stage.sim.append(thing, numbered(thing, 2))
        await asyncio.sleep(50)
        told = await stage.told(thing)
        assert told.numbers == [1, 2, 3, 4]
        assert all("heartbeat" not in type_ and "ping" not in type_ for type_, _, _ in told.all)

    play(scenario, heartbeat=beat)


def test_silence_alone_does_not_end_a_stream_that_sends_no_heartbeats() -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("build")
        await stage.follow(thing)
        await asyncio.sleep(900)
        assert len([r for r in stage.asked("builds.stream") if r.status == 200]) == 1

    play(scenario, heartbeat="off")


# 204, JSON, nothing there


@pytest.mark.parametrize("kind", ["build", "sandbox", "snapshot"])
def test_204_and_a_finished_row_is_the_end(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create(kind)
        stage.sim.finish(thing)
        await stage.follow(thing)
        await stage.over(60)
        told = await stage.told(thing)
        assert (len(told.ends), told.gaps) == (1, [])

    play(scenario)


def test_204_and_an_unfinished_row_is_no_storm_of_connects() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create("run", events=3)
        await stage.follow(run)
        await asyncio.sleep(300)
        assert 2 <= len(stage.asked("runs.stream")) <= 12

    play(scenario, run_stream="empty")


def test_a_connect_is_at_least_a_second_after_the_one_before() -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("sandbox")
        await stage.follow(thing)
        await asyncio.sleep(100)
        at = [r.at_s for r in stage.asked("sandboxes.stream")]
        waits = [b - a for a, b in itertools.pairwise(at)]
        assert min(waits) >= 1.0
        assert waits[-1] >= 10.0  # streams that do not live are opened less and less often

    play(scenario, stream_max_s=0.2)


def test_a_computer_without_a_websocket_is_followed_by_its_row_alone() -> None:
    for socket in ("upgrade_required", "plain", "missing"):

        async def scenario(stage: Stage) -> None:
            thing = stage.sim.create("computer")
            await stage.follow(thing)
            await asyncio.sleep(600)
            assert len(stage.asked("computers.socket")) == 1
            stage.sim.set_status(thing, "deleted")
            await stage.over(100)
            assert (await stage.told(thing)).ends[0]["state"] == "cancelled"

        play(scenario, socket=socket)


# Names of routes


@pytest.mark.parametrize("path", ["runs", "agent_runs", "both"])
def test_the_name_of_the_runs_is_learnt_once(path: str) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create("run", events=3) for _ in range(3)]
        await stage.follow(*runs)
        await asyncio.sleep(60)
        refused = [r for r in stage.sim.requests if r.status == 404]
        assert len(refused) <= (3 if path == "agent_runs" else 0)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(60)
        for run in runs:
            (await stage.told(run)).assert_whole()

    play(scenario, runs_path=path)


def test_a_run_under_neither_name_is_unknown() -> None:
    async def scenario(stage: Stage) -> None:
        await stage.follows.follow("run", "00000000-0000-4000-8000-000000000000")
        await stage.over(60)
        (entry,) = stage.follows.entries()
        assert entry.feed.state.failed == "NOT_FOUND"
        assert len(stage.sim.requests) == 2

    play(scenario, runs_path="both")


@pytest.mark.parametrize("root", ["computers", "sandboxes"])
def test_a_snapshot_is_found_under_its_owner(root: str) -> None:
    async def scenario(stage: Stage) -> None:
        thing = stage.sim.create("snapshot", owner_root=root)
        await stage.follow(thing)
        await asyncio.sleep(10)
        stage.sim.append(thing, numbered(thing, 3))
        await asyncio.sleep(1)
        stage.sim.finish(thing)
        await stage.over(60)
        told = await stage.told(thing)
        assert told.ends[0]["state"] == "succeeded"
        assert told.all[0][2]["source"].endswith(thing.id.replace("/", "%2F"))

    play(scenario)
