"""Tickets of MIOSA: where they come from, what becomes of each, and none in vain."""

from __future__ import annotations

import asyncio

import pytest

from tests.stages.miosa import Setting, Stage, numbered, play


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
