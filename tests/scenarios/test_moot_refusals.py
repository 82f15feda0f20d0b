"""moot refuses: whom a refusal stops, for how long, and how few requests are refused at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.stages.moot import FAILED, KEY, MootStage, caught_up, play


def test_an_unknown_space_is_given_up_at_once() -> None:
    async def scenario(stage: MootStage) -> None:
        await stage.follow("nobody")
        await stage.over(5.0)
        (failed,) = await stage.of_type("nobody", FAILED)
        assert (failed["code"], failed["httpStatus"]) == ("NOT_FOUND", 404)
        assert len(stage.sim.requests) == 1

    play(scenario)


def test_a_space_that_was_read_is_given_up_after_three_refusals_over_30_seconds() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        stage.sim.fault("not_found", endpoint="status", times=2)
        await asyncio.sleep(90.0)
        assert stage.view(space)["following"] == "following"
        stage.sim.delete(space)
        gone_at = stage.clock.monotonic()
        await stage.over(120.0)
        assert stage.clock.monotonic() - gone_at >= 30.0
        (failed,) = await stage.of_type("s", FAILED)
        assert failed["code"] == "NOT_FOUND"

    play(scenario)


def test_a_suspended_tenant_stops_all_spaces_with_one_verdict_until_the_key_changes() -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(5)]
        await stage.follow(*spaces)
        await asyncio.sleep(30.0)
        stage.sim.knobs.change({"suspended": True})
        await asyncio.sleep(60.0)
        for space in spaces:
            (failed,) = await stage.of_type(space, FAILED)
            assert (failed["code"], failed["message"]) == (
                *("TENANT_SUSPENDED", "Tenant is suspended"),
            )
        asked = len(stage.sim.requests)
        refused = [r for r in stage.sim.requests if r.status == 403]
        assert len(refused) <= 2
        await asyncio.sleep(600.0)
        assert len(stage.sim.requests) == asked
        assert stage.metric("suspended") == 1
        stage.sim.knobs.change({"suspended": False})
        stage.replace_token(KEY + "New")
        stage.sim.append(spaces[0], 1)
        await asyncio.sleep(30.0)
        await caught_up(stage, spaces[0])
        assert stage.metric("suspended") == 0

    play(scenario)


def test_every_space_of_a_suspended_tenant_says_so_also_those_that_waited_for_their_turn() -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(8)]
        await stage.follow(*spaces)
        await asyncio.sleep(60.0)
        append = stage.journal.append

        async def slowly(*args: Any, **more: Any) -> Any:
            await asyncio.sleep(5.0)  # a busy disk: turns are granted while it writes
            return await append(*args, **more)

        stage.journal.append = slowly  # type: ignore[method-assign]
        stage.sim.cut_streams()
        await asyncio.sleep(1.1)  # all are connected again and want a page
        stage.sim.knobs.change({"suspended": True})
        await asyncio.sleep(60.0)
        for space in spaces:
            assert stage.view(space)["lastFailure"]["message"] == "Tenant is suspended"

    play(scenario, {"requests_per_minute": 20})


def test_a_forbidden_space_stops_alone_and_is_never_joined() -> None:
    async def scenario(stage: MootStage) -> None:
        for name in ("shut", "open"):
            stage.sim.create_space(name, events=3)
        stage.sim.set_token(KEY, forbidden=["shut"])
        await stage.follow("shut", "open")
        await asyncio.sleep(60.0)
        (failed,) = await stage.of_type("shut", FAILED)
        assert (failed["code"], failed["httpStatus"]) == ("FORBIDDEN", 403)
        await caught_up(stage, "open")
        assert stage.view("open")["following"] == "following"
        assert stage.asked("join") == 0

    play(scenario)


def test_a_refused_key_is_tried_twice_and_then_given_up_until_it_changes() -> None:
    async def scenario(stage: MootStage) -> None:
        stage.sim.set_token(KEY, valid=False)
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(3)]
        await stage.follow(*spaces)
        await stage.over(60.0)
        for space in spaces:
            (failed,) = await stage.of_type(space, FAILED)
            assert (failed["code"], failed["message"]) == ("UNAUTHORIZED", "Invalid API key")
        asked = len(stage.sim.requests)
        await asyncio.sleep(600.0)
        assert len(stage.sim.requests) == asked
        stage.replace_token(KEY + "New")
        await asyncio.sleep(10.0)
        for space in spaces:
            await caught_up(stage, space)

    play(scenario)


def test_one_spurious_401_ends_nothing() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        stage.sim.fault("unauthorized", endpoint="status", skip=1)
        await stage.follow(space)
        await asyncio.sleep(120.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, FAILED) == []

    play(scenario, ping="comment")


@pytest.mark.parametrize(("header", "wait_s"), [("absent", 30.0), ("sent", 60.0)])
def test_a_429_holds_the_whole_key_as_long_as_it_says_else_30_seconds(
    header: str, wait_s: float
) -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(4)]
        await stage.follow(*spaces)
        await asyncio.sleep(20.0)
        status = {"status": 429, "message": "slow down"}
        retry = {"retry_after": "60"} if header == "sent" else {}
        stage.sim.fault("reply", **status, **retry)
        await asyncio.sleep(30.0)
        at = next(r.at_s for r in stage.sim.requests if r.status == 429)
        await asyncio.sleep(90.0)
        later = [r.at_s for r in stage.sim.requests if r.at_s > at + 0.05]
        assert later[0] - at >= wait_s
        for space in spaces:
            await caught_up(stage, space)

    play(scenario)


def test_a_limiter_of_twenty_a_minute_refuses_nothing() -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=20) for n in range(10)]
        await stage.follow(*spaces)
        for _ in range(20):
            await asyncio.sleep(30.0)
            stage.sim.cut_streams("clean")
            for space in spaces:
                stage.sim.append(space, 1)
        await asyncio.sleep(240.0)
        for space in spaces:
            assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))
        assert all(r.status != 429 for r in stage.sim.requests)
        assert stage.sim.peak(KEY) <= 20

    play(scenario, {"requests_per_minute": 20}, limiter="on", ping="comment")


@pytest.mark.parametrize("kind", ["html_5xx", "empty_502", "reset", "cut_body", "not_json"])
def test_what_passes_is_tried_again(kind: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        stage.sim.fault(kind, times=4)
        await stage.follow(space)
        await asyncio.sleep(40.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, FAILED) == []

    play(scenario)


def test_a_web_page_says_that_the_base_url_is_wrong() -> None:
    async def scenario(stage: MootStage) -> None:
        stage.sim.create_space("s", events=2)
        stage.sim.fault("html_5xx", status=404, times=10)
        await stage.follow("s")
        await stage.over(5.0)
        (failed,) = await stage.of_type("s", FAILED)
        assert failed["code"] == "NOT_THE_API"
        assert "base_url" in failed["message"]

    play(scenario)


def test_the_key_goes_into_the_query_only_when_the_stream_alone_refuses_the_header() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        stage.sim.append(space, 1)
        await asyncio.sleep(0.5)
        await caught_up(stage, space)
        queries = [r.query for r in stage.sim.requests if "token" in r.query]
        assert queries == ["token=***"]
        assert all(r.endpoint == "stream" for r in stage.sim.requests if "token" in r.query)
        for record in await stage.records():
            assert KEY.encode() not in record.body

    play(scenario, stream_auth="query")


def test_the_key_is_never_in_a_url_in_the_clear_to_another_host() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        await stage.follow(space)
        await asyncio.sleep(10.0)
        stage.sim.append(space, 1)
        await asyncio.sleep(70.0)
        await caught_up(stage, space)
        assert not [r for r in stage.sim.requests if "token" in r.query]

    play(scenario, {"origin": "http://moot.test"}, stream_auth="query")


def test_ten_spaces_cut_at_once_queue_at_the_gate_and_are_shown_to_wait() -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(10)]
        await stage.follow(*spaces)
        await asyncio.sleep(300.0)
        asked = len(stage.sim.requests)
        stage.sim.cut_streams("clean")
        await asyncio.sleep(3.0)
        assert stage.source._desk.gate.line.waiting > 0
        requests = stage.source.standing().requests
        assert requests is not None
        assert requests.budget == 20
        await asyncio.sleep(57.0)
        assert len(stage.sim.requests) - asked <= 20 + 1
        assert stage.source.standing().requests.waited_s["budget"] > 0  # type: ignore[union-attr]

    play(scenario, {"requests_per_minute": 20}, ping="comment")
