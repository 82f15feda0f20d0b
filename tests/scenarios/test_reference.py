"""The reference scenarios of common.md 0.4 for Mogplex, on virtual time.

Each runs over the stream and by polling where both make sense, on the real HTTP stack.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from bridge.wire.jsontext import loads
from tests.accounts import TOKEN
from tests.record_types import FOLLOW_FAILED, RUN_ENDED, RUN_STATUS
from tests.stages.mogplex import Stage, play

BOTH_WAYS = pytest.mark.parametrize("may_stream", [True, False], ids=["stream", "poll"])


async def assert_complete(stage: Stage, run: Any, status: str = "success") -> None:
    """Each event once, in order of commit; no gap; one end, the last record of the run."""
    ids = await stage.event_ids(run)
    assert ids == stage.truth_ids(run)
    assert await stage.gaps(run) == []
    records = await stage.records(run)
    assert [record.type for record in records].count(RUN_ENDED) == 1
    assert records[-1].type == RUN_ENDED
    (end,) = await stage.ends(run)
    told = {"runId": run.id, "status": status, "events": len(ids), "gaps": 0}
    assert end.items() >= told.items()
    assert (end["kind"], end["id"]) == ("run", run.id)


@BOTH_WAYS
def test_1_a_run_of_35_events_arrives_once_in_order_with_one_end(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=30)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 4)
        stage.sim.finish(run)
        await stage.over(60)
        await assert_complete(stage, run)

    play(scenario, may_stream=may_stream)


def test_2_a_head_window_is_told_once_and_the_status_is_still_right() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=190)
        await stage.follow(run)
        for _ in range(26):
            await asyncio.sleep(2)
            stage.sim.append(run, 10)
        stage.sim.finish(run)
        await stage.over(300)
        assert await stage.event_ids(run) == stage.truth_ids(run)[:200]
        (gap,) = await stage.gaps(run)
        assert gap["reason"] == "window_exhausted"
        assert (gap["after"], gap["before"]) == (stage.truth_ids(run)[199], None)
        (end,) = await stage.ends(run)
        assert (end["status"], end["events"], end["gaps"]) == ("success", 200, 1)

    play(scenario, window="head", stream="absent", tie_order="arbitrary")


def test_2_what_is_guessed_of_one_run_hides_nothing_of_another() -> None:
    """A run joined late looks like one of a newer server when its first event is an unusual one."""

    async def scenario(stage: Stage) -> None:
        odd, run = stage.sim.create_run(), stage.sim.create_run(events=150)
        await asyncio.sleep(5)
        stage.sim.append(odd, [{"type": "log"}] * 300)
        stage.sim.set_status(odd, "streaming")
        await stage.follow(odd, run)
        for _ in range(30):
            await asyncio.sleep(5)
            stage.sim.append(run, 10)
        stage.sim.finish(odd)
        stage.sim.finish(run)
        await stage.over(300)
        assert [gap["reason"] for gap in await stage.gaps(odd)] == ["joined_late"]
        assert [gap["reason"] for gap in await stage.gaps(run)] == ["window_exhausted"]

    play(scenario, window="head", stream="absent")


def test_2_a_head_window_that_holds_everything_is_no_gap() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.append(run, 49)
        stage.sim.finish(run, gap_s=3)
        await stage.over(300)
        assert len(stage.truth_ids(run)) == 200
        await assert_complete(stage, run)

    play(scenario, window="head", stream="absent")


def test_3_a_tail_window_faster_than_growth_is_complete_by_polling() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=10)
        await stage.follow(run)
        for _ in range(44):
            await asyncio.sleep(2)
            stage.sim.append(run, 10)
        stage.sim.finish(run)
        await stage.over(300)
        await assert_complete(stage, run)

    play(scenario, may_stream=False)


def test_3_a_burst_over_the_tail_window_is_filled_through_the_stream() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(60)
        stage.sim.cut_streams(run=run)
        stage.sim.append(run, 300)
        await asyncio.sleep(30)
        stage.sim.finish(run)
        await stage.over(300)
        await assert_complete(stage, run)

    play(scenario)


def test_3_a_burst_that_cannot_be_filled_is_a_gap_with_both_boundaries() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(20)
        stage.sim.append(run, 300)
        await asyncio.sleep(20)
        stage.sim.finish(run)
        await stage.over(300)
        truth = stage.truth_ids(run)
        assert await stage.event_ids(run) == truth[:150] + truth[250:]
        (gap,) = await stage.gaps(run)
        assert gap == {
            "runId": run.id,
            "kind": "run",
            "id": run.id,
            "reason": "window_jumped",
            "after": truth[149],
            "before": truth[250],
            "missing": None,
        }
        records = [r for r in await stage.records(run) if r.type != RUN_STATUS]
        at = [record.type for record in records].index("bridge.gap")
        assert (records[at - 1].id, records[at + 1].id) == (truth[149], truth[250])

    play(scenario, stream="absent")


@BOTH_WAYS
@pytest.mark.parametrize("order", ["event_first", "row_first", "double_failed"])
def test_4_the_terminal_event_is_delivered_in_any_order(may_stream: bool, order: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(7)
        stage.sim.finish(run, "failed", order=order)
        await stage.over(120)
        await assert_complete(stage, run, "failed")

    play(scenario, may_stream=may_stream)


@BOTH_WAYS
def test_4_text_after_the_finished_event_is_delivered(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(7)
        stage.sim.finish(run, order="logs_after_finished")
        await stage.over(120)
        await assert_complete(stage, run)

    play(scenario, may_stream=may_stream)


@BOTH_WAYS
def test_5_a_run_without_a_terminal_event_ends_after_the_grace_period(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(7)
        stage.sim.finish(run, "cancelled", order="row_only")
        await stage.over(120)
        await assert_complete(stage, run, "cancelled")

    play(scenario, may_stream=may_stream)


@BOTH_WAYS
def test_a_run_that_regresses_ends_once_with_its_last_status(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(7)
        stage.sim.finish(run, "cancelled")
        await stage.over(120)
        (end,) = await stage.ends(run)
        assert end["status"] == stage.sim.truth(run)["run"]["status"]
        assert await stage.event_ids(run) == stage.truth_ids(run)

    play(scenario, may_stream=may_stream, status_regress="failed", terminal_gap_s=1.5)


@BOTH_WAYS
def test_6_a_new_segment_is_complete_and_old_ids_are_not_repeated(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 10)
        stage.sim.pause(run)
        await asyncio.sleep(90)
        stage.sim.resume(run)
        stage.sim.append(run, 15)
        await asyncio.sleep(90)
        stage.sim.append(run, 5)
        stage.sim.finish(run)
        await stage.over(300)
        assert len(stage.sim.truth(run)["segments"]) == 2
        await assert_complete(stage, run)

    play(scenario, may_stream=may_stream)


@BOTH_WAYS
def test_7_five_runs_on_one_token_are_never_refused(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(5)]
        await stage.follow(*runs)
        for n in range(48):
            await asyncio.sleep(4)
            stage.sim.append(runs[n % 5], 5)
        for run in runs:
            stage.sim.finish(run)
        await stage.over(300)
        for run in runs:
            await assert_complete(stage, run)
        assert stage.sim.refused(TOKEN) == 0
        assert stage.sim.peak(TOKEN) <= 54
        sequences = [record.seq for record in await stage.records()]
        assert sequences == list(range(1, len(sequences) + 1))

    play(scenario, may_stream=may_stream)


def test_8_a_refusal_pauses_all_runs_of_the_token_and_loses_nothing() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=12) for _ in range(3)]
        await stage.follow(*runs)
        await asyncio.sleep(20)
        stage.sim.fault(
            "reply", status=429, code="RATE_LIMITED", retry_after="60", endpoint="events"
        )
        await asyncio.sleep(5)
        asked = len(stage.sim.requests)
        at = stage.clock.monotonic()
        for run in runs:
            stage.sim.append(run, 5)
        await asyncio.sleep(52)
        assert len(stage.sim.requests) == asked, "somebody asked during the pause"
        await asyncio.sleep(10)
        assert len(stage.sim.requests) > asked
        assert stage.clock.monotonic() - at < 70
        for run in runs:
            stage.sim.finish(run)
        await stage.over(400)
        for run in runs:
            await assert_complete(stage, run)

    play(scenario, may_stream=False)


@BOTH_WAYS
def test_9_one_spurious_401_does_not_end_the_follow(may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        stage.sim.fault("unauthorized")
        await stage.follow(run)
        await asyncio.sleep(40)
        stage.sim.fault("unauthorized")
        stage.sim.append(run, 5)
        stage.sim.finish(run)
        await stage.over(200)
        await assert_complete(stage, run)

    play(scenario, may_stream=may_stream)


def test_10_a_stream_cut_in_mid_frame_every_2_s_delivers_exactly_once() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        await stage.follow(run)
        for _ in range(60):
            await asyncio.sleep(1)
            stage.sim.append(run, 3)
        stage.sim.finish(run)
        await stage.over(200)
        await assert_complete(stage, run)
        streams = [r for r in stage.sim.requests if r.endpoint == "stream"]
        assert len(streams) > 5

    play(scenario, stream_max_s=2.0, stream_cut="mid_frame")


def test_status_records_tell_every_change_with_its_predecessor() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run()
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.set_status(run, "streaming")
        stage.sim.append(run, 3)
        await asyncio.sleep(5)
        stage.sim.finish(run)
        await stage.over(60)
        changes = [
            (data["previousStatus"], data["status"], data["run"]["runId"])
            for record in await stage.records(run)
            if record.type == RUN_STATUS
            for data in [loads(record.body)["data"]]
        ]
        assert changes == [
            (None, "pending", run.id),
            ("pending", "streaming", run.id),
            ("streaming", "success", run.id),
        ]

    play(scenario, may_stream=False)


def test_an_unknown_run_is_given_up_at_once() -> None:
    async def scenario(stage: Stage) -> None:
        missing = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
        await stage.follow(missing)
        await stage.over(30)
        (record,) = await stage.records()
        assert record.type == FOLLOW_FAILED
        assert loads(record.body)["data"]["code"] == "NOT_FOUND"
        assert len(stage.sim.requests) == 1

    play(scenario)


@pytest.mark.parametrize(("lasts_s", "is_gone"), [(20, False), (60, True)])
def test_a_run_that_was_read_is_gone_when_it_stays_away(lasts_s: int, is_gone: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.fault("reply", status=404, code="NOT_FOUND", message="Run not found", times=1000)
        await asyncio.sleep(lasts_s)
        stage.sim.base.faults.clear()
        stage.sim.append(run, 5)
        stage.sim.finish(run)
        await stage.over(90)
        types = [record.type for record in await stage.records(run)]
        assert (types[-1] == FOLLOW_FAILED) is is_gone
        if not is_gone:
            await assert_complete(stage, run)

    play(scenario, may_stream=False)


@BOTH_WAYS
@pytest.mark.parametrize(
    "kind", ["html_5xx", "reset", "database", "crash", "not_json", "lost_reply", "cut_body"]
)
def test_a_passing_fault_loses_and_repeats_nothing(may_stream: bool, kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=12)
        for times in (1, 4):
            stage.sim.fault(kind, times=times)
            if times == 1:
                await stage.follow(run)
            await asyncio.sleep(20)
            stage.sim.append(run, 3)
        stage.sim.cut_streams(run=run)
        await asyncio.sleep(60)
        stage.sim.finish(run)
        await stage.over(300)
        await assert_complete(stage, run)

    play(scenario, may_stream=may_stream)


def test_a_missing_stream_route_is_remembered_and_tried_again_later() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=5) for _ in range(4)]
        await stage.follow(*runs)
        await asyncio.sleep(300)
        streams = [r for r in stage.sim.requests if r.endpoint == "stream"]
        assert len(streams) == 1, "one run asked for all"
        stage.sim.knobs.change({"stream": "v2"})
        await asyncio.sleep(500)
        assert all(v["followedBy"] == "stream" for v in stage.follows.views())
        for run in runs:
            stage.sim.append(run, 3)
            stage.sim.finish(run)
        await stage.over(100)
        for run in runs:
            await assert_complete(stage, run)

    play(scenario, stream="absent")


def test_thirteen_streams_cost_few_requests() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=5) for _ in range(13)]
        await stage.follow(*runs)
        await asyncio.sleep(120)  # all are connected
        before = len(stage.sim.requests)
        for _, run in zip(range(13 * 100), itertools.cycle(runs), strict=False):
            await asyncio.sleep(1)
            stage.sim.append(run, 1)
        per_minute = (len(stage.sim.requests) - before) / (1300 / 60)
        assert per_minute <= 2.5  # a connect and a verifying read each 800 s: 13 * 2 / 13.3 min

    play(scenario)


def test_a_full_page_whose_row_moves_without_events_is_no_wall() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 50)
        for _ in range(2):
            await asyncio.sleep(10)
            stage.sim.set_status(run, "streaming")  # the row is written, nothing happened
        await asyncio.sleep(10)
        stage.sim.finish(run, gap_s=0.5)
        await stage.over(300)
        await assert_complete(stage, run)

    play(scenario, may_stream=False)


def test_a_full_head_window_is_told_at_the_end_when_nothing_told_it_before() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.append(run, 300)
        stage.sim.finish(run)
        await stage.over(300)
        (gap,) = await stage.gaps(run)
        assert (gap["reason"], gap["after"]) == ("window_exhausted", stage.truth_ids(run)[199])
        (end,) = await stage.ends(run)
        assert (end["status"], end["events"], end["gaps"]) == ("success", 200, 1)

    play(scenario, window="head", stream="absent", touch_row=False)


def test_a_restart_tells_nothing_twice_and_forgets_no_gap() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=190)
        await stage.follow(run)
        for n in range(30):
            await asyncio.sleep(2)
            stage.sim.append(run, 10)
            if n % 5 == 4:
                await stage.restart()
        stage.sim.finish(run)
        await stage.over(300)
        assert await stage.event_ids(run) == stage.truth_ids(run)[:200]
        (gap,) = await stage.gaps(run)
        assert gap["reason"] == "window_exhausted"
        assert len(await stage.ends(run)) == 1

    play(scenario, window="head", stream="absent")


def test_a_restart_while_a_run_is_paused_knows_that_it_has_read_everything() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        await asyncio.sleep(5)
        stage.sim.pause(run)
        await asyncio.sleep(20)
        await stage.stop()
        stage.sim.resume(run)
        stage.sim.append(run, 5)
        await stage.start()
        await asyncio.sleep(10)
        stage.sim.finish(run)
        await stage.over(100)
        await assert_complete(stage, run)

    play(scenario, may_stream=False)
