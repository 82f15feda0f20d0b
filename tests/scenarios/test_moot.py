"""Following spaces of the simulated moot service on virtual time; the numbers are those of the
behaviour that docs/following.md promises.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from bridge.outputs.port import InvalidIdError
from bridge.simulator.moot.store import Draft
from bridge.simulator.moot.variants import NAMELESS, VARIANTS
from bridge.wire.jsontext import loads
from tests.stages.moot import ENDED, EVENT, FAILED, GAP, KEY, STATUS, MootStage, play

FRAME_FORMS: list[dict[str, object]] = [
    {"frame": "bare"},
    {"frame": "wrapped"},
    {"frame": "named"},
    {"frame": "named_wrapped", "frame_id": "event_id"},
    {"frame_id": "counter"},
    {"line_end": "crlf"},
    {"line_end": "cr", "data_lines": "several"},
    {"data_lines": "several", "frame": "wrapped"},
    {"writes": "pieces"},
    {"ping": "comment", "ping_s": 1.0},
    {"ping": "text", "ping_s": 1.0},
    {"ping": "json", "ping_s": 1.0},
    {"ping": "empty", "ping_s": 1.0},
    {"participants_every": 1},
]


def connects(stage: MootStage) -> list[float]:
    return [r.at_s for r in stage.sim.requests if r.endpoint == "stream"]


async def caught_up(stage: MootStage, space: Any) -> None:
    """Everything upstream has is here, in its order and once."""
    assert await stage.event_ids(space) == stage.truth(space)


# 1: the order of a connect


def test_the_stream_is_opened_before_pages_catch_up() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=30)
        await stage.follow(space)
        await asyncio.sleep(1.0)
        await caught_up(stage, space)
        order = [r.endpoint for r in stage.sim.requests]
        assert order.index("stream") < order.index("events")

    play(scenario)


def test_what_is_written_between_the_catch_up_and_the_connect_is_not_lost() -> None:
    """A server that does not replay: only the order of the connect saves these."""

    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=10)
        await stage.follow(space)
        for _ in range(40):
            stage.sim.append(space, 1)
            await asyncio.sleep(0.03)
        await asyncio.sleep(1.0)
        await caught_up(stage, space)
        assert stage.asked("events") <= 2

    play(scenario, replay="none", event_count="absent")


# 2: once, over replays, reconnects and restarts (reference scenario 11)


@pytest.mark.parametrize("replay", ["full", "none"])
@pytest.mark.parametrize("cut", ["between_frames", "mid_frame", "whole_json", "clean"])
def test_every_event_once_however_the_stream_is_cut(replay: str, cut: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=250)
        await stage.follow(space)
        for round_ in range(4):
            await asyncio.sleep(1.5)
            stage.sim.append(space, 230 if round_ == 2 else 5)
            stage.sim.cut_streams(cut)
            stage.sim.append(space, 2)
        await asyncio.sleep(8.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, GAP) == []

    play(scenario, replay=replay)


def test_every_event_once_over_restarts() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=250)
        await stage.follow(space)
        for _ in range(4):
            await asyncio.sleep(1.5)
            await stage.stop()
            stage.sim.append(space, 260)
            await stage.start()
        await asyncio.sleep(5.0)
        await caught_up(stage, space)

    play(scenario)


def test_a_late_event_is_a_record_when_it_arrives() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        await stage.follow(space)
        await asyncio.sleep(1.0)
        for _ in range(30):
            stage.sim.append(space, 1)
            await asyncio.sleep(1.0)
        await asyncio.sleep(10.0)
        await caught_up(stage, space)  # the order of becoming visible, which is not that of time

    play(scenario, late_every=4, late_s=3.0)


def test_a_late_event_that_no_cursor_shows_is_found_by_the_count() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=50)
        await stage.follow(space)
        await asyncio.sleep(1.0)
        stage.sim.cut_streams("clean")
        stage.sim.append(space, 3)
        stage.sim.append(space, 1, timestamp="2020-01-01T00:00:00Z")
        await asyncio.sleep(60.0)
        assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))
        assert await stage.of_type(space, GAP) == []

    play(scenario, {"stream": "poll"})


# 3: bad cursors


@pytest.mark.parametrize("how", ["400", "404", "422", "empty", "latest"])
def test_a_cursor_that_upstream_forgot_is_repaired_by_walking_back(how: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=500)
        await stage.follow(space)
        await asyncio.sleep(8.0)
        await stage.stop()
        last = space.reading.pop()  # the event at which the bridge stands is gone
        del space.by_id[last.id]
        stage.sim.append(space, 450)
        await stage.start()
        await asyncio.sleep(90.0)
        assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))
        assert await stage.of_type(space, GAP) == []

    play(scenario, cursor_unknown=how, replay="none")


def test_where_before_does_nothing_the_transcript_repairs_a_lost_cursor() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=500)
        await stage.follow(space)
        await asyncio.sleep(8.0)
        await stage.stop()
        stage.sim.append(space, 450)
        stage.sim.fault("cursor", endpoint="events")
        await stage.start()
        await asyncio.sleep(60.0)
        await caught_up(stage, space)
        assert stage.asked("transcript") >= 1
        assert await stage.of_type(space, GAP) == []

    play(scenario, before="ignored", replay="none")


def test_a_cursor_that_nothing_repairs_is_told_as_a_gap() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=100)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        await stage.stop()
        stage.sim.append(space, 450)
        stage.sim.fault("cursor", endpoint="events")
        known = await stage.event_ids(space)
        await stage.start()
        await asyncio.sleep(3.0)
        (gap,) = await stage.of_type(space, GAP)
        assert (gap["reason"], gap["after"]) == ("cursor_lost", known[-1])
        assert gap["before"] == (await stage.event_ids(space))[len(known)]

    play(scenario, before="ignored", transcript="404", replay="none")


def test_a_history_that_shrank_is_told_as_a_gap() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=100)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        await stage.stop()
        stage.sim.append(space, 50)
        stage.sim.shrink(space, 120)
        await stage.start()
        await asyncio.sleep(10.0)
        (gap,) = await stage.of_type(space, GAP)
        assert gap["reason"] == "history_shrank"
        assert (await stage.event_ids(space))[-30:] == stage.truth(space)[-30:]

    play(scenario, replay="none")


# 4: the count is a check


def test_a_count_that_stays_too_high_is_told_once_and_with_how_many() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=40)
        await stage.follow(space)
        await asyncio.sleep(300.0)
        await stage.restart()
        await asyncio.sleep(300.0)
        gaps = await stage.of_type(space, GAP)
        assert [(gap["reason"], gap["missing"]) for gap in gaps] == [("count_mismatch", 2)]
        assert await stage.event_ids(space) == stage.truth(space)

    play(scenario, event_count="high")


@pytest.mark.parametrize("how", ["low", "flapping", "absent"])
def test_a_count_that_is_lower_or_flaps_is_no_gap(how: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=40)
        await stage.follow(space)
        for _ in range(20):
            await asyncio.sleep(30.0)
            stage.sim.append(space, 1)
        await asyncio.sleep(5.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, GAP) == []

    play(scenario, event_count=how, ping="comment")


# 5: when to connect again


def test_connects_are_at_least_a_second_apart_and_grow_on_failures_only() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(120.0)
        at = connects(stage)
        apart = [later - earlier for earlier, later in pairwise(at)]
        assert min(apart) >= 1.0
        assert max(apart) < 4.5  # a stream that lived 2 s is no failure
        stage.sim.knobs.change({"stream": "broken", "stream_max_s": 0.0})
        await asyncio.sleep(300.0)
        at = [moment for moment in connects(stage) if moment > at[-1]]
        apart = [later - earlier for earlier, later in pairwise(at[1:])]
        assert max(apart) > 14.0
        assert max(apart) <= 31.0

    play(scenario, {"stream": "sse"}, stream_max_s=2.0, stream_cut="clean")


def test_after_a_minute_of_silence_there_is_one_look_and_another_connect() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(2.0)
        stage.sim.cut_streams("silent")
        pages, before = stage.asked("events"), len(connects(stage))
        await asyncio.sleep(57.0)
        assert len(connects(stage)) == before
        stage.sim.append(space, 3)
        await asyncio.sleep(6.0)
        assert len(connects(stage)) == before + 1
        assert stage.asked("events") == pages + 2  # the look, and the catch-up of the connect
        await caught_up(stage, space)

    play(scenario, event_count="absent")


def test_a_dead_stream_is_noticed_by_the_count_before_it_is_silent_for_long() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(2.0)
        stage.sim.cut_streams("silent")
        stage.sim.append(space, 3)
        await asyncio.sleep(28.0)
        await caught_up(stage, space)

    play(scenario)


# 6: the status


@pytest.mark.parametrize("count", [1, 6])
def test_the_status_is_never_older_than_30_seconds(count: int) -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=3) for n in range(count)]
        await stage.follow(*spaces)
        await asyncio.sleep(20.0)
        for _ in range(4):
            stage.sim.set_status(spaces[-1], "paused")
            await asyncio.sleep(30.0)
            assert stage.view(spaces[-1])["status"] == "paused"
            stage.sim.set_status(spaces[-1], "active")
            await asyncio.sleep(30.0)
            assert stage.view(spaces[-1])["status"] == "active"
        if count > 2:  # lists are read instead of each status
            assert stage.asked("my_spaces") > 5
            assert stage.asked("status") < 6 * count

    play(scenario, ping="comment")


# 7: the end (reference scenario 12)


def test_an_archived_space_ends_after_its_last_page() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=20)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        stage.sim.cut_streams("silent")
        stage.sim.append(space, 3)
        stage.sim.archive(space)
        stage.sim.fault("html_5xx", endpoint="events", times=3)
        await stage.over(120.0)
        await caught_up(stage, space)
        types = [record.type for record in await stage.records(space)]
        assert types[-2:] == [STATUS, ENDED]
        (end,) = await stage.of_type(space, ENDED)
        assert {key: end[key] for key in ("spaceId", "kind", "id", "status", "state")} == {
            "spaceId": "s",
            "kind": "space",
            "id": "s",
            "status": "archived",
            "state": "succeeded",
        }
        assert (end["events"], end["gaps"]) == (23, 0)

    play(scenario)


def test_a_space_that_is_archived_already_gives_its_history_and_ends() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=450, status="archived")
        await stage.follow(space)
        await stage.over(60.0)
        await caught_up(stage, space)
        assert stage.asked("stream") == 0
        assert len(await stage.of_type(space, ENDED)) == 1

    play(scenario)


# 8, 9: active again, paused


def test_a_space_that_is_active_again_is_taken_up_and_ends_a_second_time() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await asyncio.sleep(25.0)  # discovery finds it
        await caught_up(stage, space)
        for _ in range(2):
            stage.sim.archive(space)
            await asyncio.sleep(60.0)
            stage.sim.set_status(space, "active")
            stage.sim.append(space, 2)
            await asyncio.sleep(60.0)
        await caught_up(stage, space)
        words = ["active", "archived", "active", "archived", "active"]
        assert await stage.statuses(space) == words
        ends = [r for r in await stage.records(space) if r.type == ENDED]
        assert len({r.id for r in ends}) == 2

    play(scenario, {"discover": True})


def test_put_takes_an_archived_space_up_again_only_when_it_is_active() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5, status="archived")
        await stage.follow(space)
        await stage.over(60.0)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        assert len(await stage.of_type(space, ENDED)) == 1
        stage.sim.set_status(space, "active")
        stage.sim.append(space, 1)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        await caught_up(stage, space)
        assert (await stage.statuses(space))[-1] == "active"

    play(scenario)


def test_a_paused_space_stays_connected_and_does_not_end() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(2.0)
        stage.sim.set_status(space, "paused")
        await asyncio.sleep(200.0)
        view = stage.view(space)
        assert (view["status"], view["state"], view["following"]) == (
            *("paused", "waiting", "following"),
        )
        assert len(stage.sim.world.streams) == 1
        stage.sim.set_status(space, "active")
        stage.sim.append(space, 2)
        await asyncio.sleep(31.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, ENDED) == []

    play(scenario, ping="comment")


def test_discovery_takes_active_and_paused_spaces_and_no_archived_one() -> None:
    async def scenario(stage: MootStage) -> None:
        for name in ("active", "paused", "archived"):
            stage.sim.create_space(name, events=2, status=name)
        await asyncio.sleep(30.0)
        stage.sim.create_space("later", events=2)
        await asyncio.sleep(31.0)
        assert {view["id"] for view in stage.follows.views()} == {"active", "paused", "later"}
        assert stage.metric("discovered_total") == 3

    play(scenario, {"discover": True})


def test_what_an_operator_stopped_is_not_discovered_again_not_even_after_a_restart() -> None:
    async def scenario(stage: MootStage) -> None:
        stage.sim.create_space("s", events=2)
        await asyncio.sleep(30.0)
        assert await stage.follows.unfollow("space", "s")
        await asyncio.sleep(60.0)
        await stage.restart()
        await asyncio.sleep(60.0)
        assert stage.follows.following_count == 0

    play(scenario, {"discover": True})


# 10: gone


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


# 11: whose key it is


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


# 12: refusals of requests


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


# 13: where the key stands


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


# 14, 15


def test_ids_are_taken_as_they_are_and_encoded_in_paths() -> None:
    async def scenario(stage: MootStage) -> None:
        for name in ("Sprint Planning", "é%2F?x=1#y", "a+b&c"):
            space = stage.sim.create_space(name, events=2)
            await stage.follow(space)
            await asyncio.sleep(3.0)
            await caught_up(stage, space)
        for name in ("a/b", ".", "..", "x" * 201, ""):
            with pytest.raises(InvalidIdError):
                await stage.follow(name)

    play(scenario)


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


# 16: transports


@pytest.mark.parametrize("refusal", ["404", "405", "406", "501", "json"])
def test_where_the_stream_is_refused_the_websocket_is_used_and_remembered(refusal: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        await asyncio.sleep(60.0)
        stage.sim.append(space, 3)
        await asyncio.sleep(0.5)
        await caught_up(stage, space)
        assert stage.view(space)["followedBy"] == "websocket"
        tried = stage.asked("stream")
        assert tried <= 3
        await stage.restart()
        await asyncio.sleep(60.0)
        assert stage.view(space)["followedBy"] == "websocket"

    play(scenario, stream=refusal)


def test_a_stream_that_nobody_understands_is_counted_and_left_for_the_websocket() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        for _ in range(30):
            await asyncio.sleep(5.0)
            stage.sim.append(space, 1)
        await asyncio.sleep(30.0)
        await caught_up(stage, space)
        assert stage.view(space)["followedBy"] == "websocket"
        assert stage.metric("skipped_frames_total", reason="unknown") > 0

    play(scenario, stream="garbage")


def test_a_mute_stream_is_left_when_pages_show_news() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        for _ in range(40):
            await asyncio.sleep(5.0)
            stage.sim.append(space, 1)
        await asyncio.sleep(30.0)
        await caught_up(stage, space)
        assert stage.view(space)["followedBy"] == "websocket"

    play(scenario, stream="mute")


def test_without_stream_and_websocket_spaces_are_polled() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        await asyncio.sleep(120.0)
        for _ in range(5):
            stage.sim.append(space, 2)
            await asyncio.sleep(61.0)
            await caught_up(stage, space)
        assert stage.view(space)["followedBy"] == "poll"

    play(scenario, stream="404", websocket="404")


def test_the_websocket_sends_heartbeats_and_catches_up_after_each_connect() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=300)
        await stage.follow(space)
        for _ in range(15):
            await asyncio.sleep(40.0)
            stage.sim.append(space, 1)
        assert stage.asked("ws") == 1  # upstream closes one without heartbeats after 90 s
        for _ in range(3):
            stage.sim.cut_streams("between_frames")
            stage.sim.append(space, 5)
            await asyncio.sleep(4.0)
            await caught_up(stage, space)
        assert stage.asked("stream") == 0

    play(scenario, {"stream": "websocket"})


# The reader of frames


@pytest.mark.parametrize("form", FRAME_FORMS, ids=str)
def test_every_form_of_a_frame_is_read(form: dict[str, object]) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        await asyncio.sleep(4.0)
        pages = stage.asked("events")
        for name in ("line_separator", "emoji", "long_text", "bare", "no_metadata"):
            stage.sim.append(space, VARIANTS[name]())
        await asyncio.sleep(4.0)
        await caught_up(stage, space)
        assert stage.asked("events") == pages  # the stream brought them
        assert stage.metric("skipped_frames_total", reason="not_json") == 0
        assert stage.metric("skipped_frames_total", reason="unknown") == 0

    play(scenario, **form)


def test_an_event_without_id_or_of_another_space_is_skipped_and_counted() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=3)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        for name in sorted(VARIANTS):
            stage.sim.append(space, VARIANTS[name]())
        await asyncio.sleep(10.0)
        good = [e for e in stage.sim.truth(space)["committed"] if e.get("space_id") in ("s", None)]
        ids = [e["event_id"] for e in good if isinstance(e.get("event_id"), str)]
        assert await stage.event_ids(space) == ids
        assert len(ids) == 3 + len(VARIANTS) - len(NAMELESS)
        assert stage.metric("skipped_frames_total", reason="no_id") >= 2
        assert stage.metric("skipped_frames_total", reason="other_space") >= 1

    play(scenario, event_count="absent")


# Records


def test_records_keep_data_untouched_and_name_types_from_a_closed_alphabet() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        kinds = {
            "no_metadata": "message",
            "type_null": "message",
            "type_number": "other",
            "type_empty": "other",
            "type_long": "other",
            "type_strange": "other",
            "metadata_text": "message",
            "long_text": "code_share",
        }
        for name in kinds:
            stage.sim.append(space, VARIANTS[name]())
        await stage.follow(space)
        await asyncio.sleep(3.0)
        records = [r for r in await stage.records(space) if r.type.startswith(EVENT)]
        assert [r.type.removeprefix(EVENT) for r in records] == list(kinds.values())
        truth = stage.sim.truth(space)["committed"]
        for record, event in zip(records, truth, strict=True):
            body = loads(record.body)
            event.pop("visibleAt")
            assert body["data"] == event
            assert body["source"] == "/moot/default/spaces/s"
            assert body["subject"] == "s"

    play(scenario)


@pytest.mark.parametrize("style", ["micros_offset", "millis_z", "seconds_z", "unreadable"])
def test_times_are_read_in_every_form_and_stand_in_for_unreadable_ones(style: str) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        stage.sim.append(space, 1, timestamp="2026-08-03T15:00:20Z")
        await stage.follow(space)
        await asyncio.sleep(3.0)
        (record,) = [r for r in await stage.records(space) if r.type.startswith(EVENT)]
        body = loads(record.body)
        if style == "unreadable":
            assert body["time"] == body["recordedtime"]
        else:
            assert body["time"].startswith("2026-08-03T15:00:20")
            assert body["time"].endswith("Z")

    play(scenario, time_format=style)


def test_secrets_in_text_and_metadata_are_masked_before_the_journal() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        for name in ("secret_text", "secret_metadata"):
            stage.sim.append(space, VARIANTS[name]())
        stage.sim.append(space, Draft("token ghp_x1Yz2Ab3Cd4Ef5Gh6Ij7Kl8Mn9Op0Qr1St2u here"))
        await stage.follow(space)
        await asyncio.sleep(3.0)
        bodies = b"".join(r.body for r in await stage.records(space))
        for secret in (b"q7W8e9R0t1Y2u3I4", b"Zx9Cv8Bn7Mq6Lw5K", b"x1Yz2Ab3Cd4Ef5Gh"):
            assert secret not in bodies
        assert len(await stage.event_ids(space)) == 3

    play(scenario)


def test_a_burst_of_a_thousand_comes_whole_and_in_order() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=10)
        await stage.follow(space)
        await asyncio.sleep(3.0)
        stage.sim.append(space, 1_000)
        await asyncio.sleep(3.0)
        await caught_up(stage, space)

    play(scenario)


def test_events_that_reach_a_stream_late_after_its_head_are_found() -> None:
    """Live events are sent only some time after the head, and none is replayed."""

    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=10)
        await stage.follow(space)
        await asyncio.sleep(2.0)
        stage.sim.append(space, 5)
        await asyncio.sleep(60.0)
        assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))
        assert await stage.of_type(space, GAP) == []

    play(scenario, replay="none", subscribe_after_s=4.0)


def test_ties_that_a_cursor_by_time_hides_are_found_by_the_count() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s")
        await stage.follow(space)
        await asyncio.sleep(2.0)
        for _ in range(4):
            stage.sim.append(space, 1, timestamp="2026-08-03T15:00:00Z")
            await asyncio.sleep(30.0)
        await asyncio.sleep(60.0)
        await caught_up(stage, space)
        assert await stage.of_type(space, GAP) == []

    play(scenario, {"stream": "poll"}, since="timestamp")
