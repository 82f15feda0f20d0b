"""What a source asks of upstream: one request a turn, turns that come back, quiet streams."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from bridge.core.errors import Failure, Retry
from bridge.wire.jsontext import loads
from tests.accounts import TOKEN
from tests.stages.mogplex import Setting, Stage, play


@pytest.mark.parametrize("kind", ["lost_reply", "reset"])
def test_a_get_without_a_reply_is_sent_once(kind: str) -> None:
    async def scenario(stage: Stage) -> None:
        http = stage.http()
        await http.get("repos", "/api/v1/mogplex/repos", {})  # the connection is in use by now
        asked, accepted = len(stage.sim.requests), stage.sim.accepted(TOKEN)
        stage.sim.fault(kind)
        failure = await http.get("repos", "/api/v1/mogplex/repos", {})
        assert isinstance(failure, Failure)
        assert (failure.code, failure.retry) == ("TRANSPORT", Retry.TRANSIENT)
        assert len(stage.sim.requests) == asked + 1
        assert stage.sim.accepted(TOKEN) == accepted + (kind == "lost_reply")
        await http.close()

    play(scenario)


def test_a_slow_reply_is_a_failure_and_its_unit_is_counted() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        stage.sim.fault("slow", delay_s=30.0)
        await stage.follow(run)
        progress = stage.progress(run)
        async with asyncio.timeout(30):
            while progress.failure is None:
                await asyncio.sleep(0.1)
        assert progress.failure.code == "TIMEOUT"
        used = stage.gate.scheduler.snapshot(stage.clock.monotonic()).used
        assert used >= stage.sim.accepted(TOKEN)

    play(scenario, may_stream=False)


@pytest.mark.parametrize("endpoint", ["events", "run"])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reply", "status": 429, "code": "RATE_LIMITED", "retry_after": "5"},
        {"kind": "unauthorized"},
        {"kind": "database"},
    ],
    ids=["429", "401", "500"],
)
def test_a_run_whose_read_beside_a_stream_was_refused_gets_another_turn(
    endpoint: str, fault: dict[str, Any]
) -> None:
    """Such a run is out of line; a refusal must not leave it there for ever."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=5)
        await stage.follow(run)
        await asyncio.sleep(10)
        stage.sim.fault(**fault, endpoint=endpoint)
        if endpoint == "events":
            stage.sim.cut_streams()
        await asyncio.sleep(200)
        stage.sim.append(run, 3)
        stage.sim.finish(run)
        await stage.over(120)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        assert len(await stage.ends(run)) == 1

    play(scenario)


def test_failed_reads_beside_streams_do_not_block_the_others() -> None:
    async def scenario(stage: Stage) -> None:
        quiet = [stage.sim.create_run(events=5) for _ in range(10)]
        await stage.follow(*quiet)
        await asyncio.sleep(40)
        stage.sim.fault("database", endpoint="run", times=10)
        await asyncio.sleep(70)
        asked = stage.clock.monotonic()
        late = stage.sim.create_run(events=5, knobs={"stream": "absent"})
        await stage.follow(late)
        stage.sim.finish(late)
        while not await stage.ends(late):
            await asyncio.sleep(1)
        assert stage.clock.monotonic() - asked < 40

    play(scenario)


def test_the_gate_counts_every_request_that_upstream_counted() -> None:
    """Also those that were dropped on the way: streams that end while their row is read."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=5) for _ in range(6)]
        await stage.follow(*runs)
        for n in range(240):
            await asyncio.sleep(0.5)
            stage.sim.append(runs[n % 6], {"type": "status_changed", "message": "moved"})
            if n % 3 == 0:
                stage.sim.cut_streams(run=runs[(n + 2) % 6])
        assert stage.sim.peak(TOKEN) <= 54
        assert stage.sim.refused(TOKEN) == 0

    play(scenario, delay_s=0.4)


def test_many_quiet_streams_leave_most_of_the_pace_to_others() -> None:
    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=3) for _ in range(60)]
        await stage.follow(*runs)
        await asyncio.sleep(900)
        before = stage.sim.accepted(TOKEN)
        await asyncio.sleep(600)
        assert (stage.sim.accepted(TOKEN) - before) / 10 < 54 / 2

    play(scenario, stream_max_s=0.0)


def test_a_quiet_stream_is_watched_less_often_until_something_is_heard() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        await stage.follow(run)
        await asyncio.sleep(1000)
        asked = [r.endpoint for r in stage.sim.requests]
        looks = stage.sim.requests[asked.index("stream") + 1 :]
        assert [r.endpoint for r in looks] == ["run", "events", "run", "events", "run"]
        assert [round(b.at_s - a.at_s) for a, b in itertools.pairwise(looks)] == [60, 120, 240, 300]
        stage.sim.append(run, 1)
        heard = stage.sim.clock.now()
        await asyncio.sleep(70)
        last = [r.at_s for r in stage.sim.requests if r.endpoint == "run"][-1]
        assert 59 < last - heard < 63

    play(scenario, stream_max_s=0.0)


def test_a_stream_that_never_says_a_word_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that holds back what it should pass on: pages must not wait for it for ever."""

    async def silent(*_: object) -> None:
        await asyncio.sleep(10_000)

    monkeypatch.setattr("bridge.simulator.mogplex.stream.OpenStream.serve", silent)

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        await stage.follow(run)
        await asyncio.sleep(120)
        streams = [r for r in stage.sim.requests if r.endpoint == "stream"]
        assert len(streams) == 3
        stage.sim.append(run, 2)
        await asyncio.sleep(5)
        assert await stage.event_ids(run) == stage.truth_ids(run)

    play(scenario)


def test_what_is_no_stream_three_times_is_left_alone_for_two_minutes() -> None:

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        stage.sim.fault("not_json", endpoint="stream", times=3)
        await stage.follow(run)
        await asyncio.sleep(100)
        streams = [r for r in stage.sim.requests if r.endpoint == "stream"]
        assert len(streams) == 3, "three strikes, then pages for two minutes"
        await asyncio.sleep(100)
        view = stage.view(run)
        assert view is not None
        assert view["followedBy"] == "stream"

    play(scenario)


def test_foreign_use_of_the_token_is_learnt_and_left_its_room() -> None:
    """Another program takes twenty places of each minute, and both are refused less and less."""

    async def scenario(stage: Stage) -> None:
        runs = [stage.sim.create_run(events=5) for _ in range(20)]
        await stage.follow(*runs)
        http = stage.http()

        async def other() -> None:
            while True:
                await asyncio.sleep(3.0)
                await http.get("repos", "/api/v1/mogplex/repos", {})

        async with asyncio.TaskGroup() as group:
            task = group.create_task(other())
            refused = []
            for _ in range(4):
                before = stage.sim.refused(TOKEN)
                await asyncio.sleep(600)
                refused.append(stage.sim.refused(TOKEN) - before)
            snapshot = stage.gate.scheduler.snapshot(stage.clock.monotonic())
            task.cancel()
        await http.close()
        assert refused[0] > 0, "nobody was in the way of anybody"
        assert sum(refused[2:]) <= refused[0]
        assert snapshot.refused_count > 0
        # A loop that does not learn is refused at every full window: more than once a minute.
        assert sum(refused) < 40

    play(scenario, may_stream=False)


def test_a_view_tells_how_a_run_is_followed() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        await asyncio.sleep(10)
        view = stage.view(run)
        assert view is not None
        assert (view["followedBy"], view["status"], view["events"]) == ("stream", "streaming", 150)
        assert (view["lagSeconds"], view["lastFailure"]) == (0.0, None)
        assert view["nextRequestInSeconds"] is None
        stage.sim.knobs.change({"stream": "absent"})
        stage.sim.cut_streams()
        stage.sim.append(run, 400)
        await asyncio.sleep(10)
        stage.sim.fault("database", times=3, endpoint="events")
        await asyncio.sleep(3)
        view = stage.view(run)
        assert view is not None
        assert (view["followedBy"], view["gaps"]) == ("poll", 1)
        assert view["lastFailure"]["code"] == "INTERNAL_ERROR"
        assert view["lastFailure"]["operation"] == "runs.events"
        assert view["nextRequestInSeconds"] > 0
        assert view["lagSeconds"] > 0

    play(scenario)


def test_odd_contents_and_compressed_replies_arrive_whole() -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=150)
        await stage.follow(run)
        stage.sim.finish(run)
        await stage.over(60)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        for record in await stage.records(run):
            loads(record.body)
        longest = max(len(record.body) for record in await stage.records(run))
        assert longest > 100_000

    play(
        scenario,
        gzip=True,
        payloads=["lone_surrogate", "many_keys", "deep", "preview", "long_message", "big_number"],
    )


@pytest.mark.parametrize("skew_s", [-3000.0, 3000.0])
@pytest.mark.parametrize("may_stream", [True, False])
def test_a_wrong_clock_loses_nothing(skew_s: float, may_stream: bool) -> None:
    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=20)
        await stage.follow(run)
        for _ in range(20):
            await asyncio.sleep(3)
            stage.sim.append(run, 5)
        stage.sim.finish(run)
        await stage.over(60)
        assert await stage.event_ids(run) == stage.truth_ids(run)
        assert await stage.gaps(run) == []

    play(scenario, Setting(may_stream=may_stream, skew_s=skew_s))


def test_the_row_of_a_quiet_run_is_read_once_a_minute_instead_of_its_page() -> None:
    """Newer servers notice a dead worker only there (mogplex.md 1.7)."""

    async def scenario(stage: Stage) -> None:
        run = stage.sim.create_run(events=3)
        await stage.follow(run)
        await asyncio.sleep(400)
        rows = [r.at_s for r in stage.sim.requests if r.endpoint == "run"]
        assert len(rows) == 6
        assert all(60 <= b - a < 66 for a, b in itertools.pairwise(rows))

    play(scenario, may_stream=False)
