"""Following spaces of the simulated moot service on virtual time; the numbers are those of the
behaviour that docs/following.md promises.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.stages.moot import ENDED, GAP, STATUS, MootStage, caught_up, play


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
