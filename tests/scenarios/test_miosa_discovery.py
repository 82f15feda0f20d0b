"""What MIOSA lists: who is found and followed, and what an examination says of a key."""

from __future__ import annotations

import asyncio

import pytest

from bridge.sources.port import Depth, Level
from tests.stages.miosa import KEY, Setting, Stage, play


def assert_tickets_in_order(stage: Stage) -> None:
    book = stage.sim.world.tickets
    assert (book.used_twice, book.unused) == (0, 0)


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


@pytest.mark.parametrize("runs_path", ["runs", "agent_runs"])
def test_what_is_at_work_is_found_soon_after_a_start_that_knows_nothing(runs_path: str) -> None:
    """Nothing is known of a predecessor, so all places but one are assumed to be taken."""

    async def scenario(stage: Stage) -> None:
        things = [stage.sim.create(k) for k in ("run", "sandbox", "build", "computer")]
        await asyncio.sleep(3)
        assert len(list(stage.follows.entries())) >= 1
        await asyncio.sleep(12)  # what is found is read first
        assert len(list(stage.follows.entries())) == len(things)
        assert stage.refused == 0

    play(scenario, Setting(discover=True, knows_window=False), runs_path=runs_path)


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
