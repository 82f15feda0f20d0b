"""What moot or a proxy before it may do although nobody has reported it, on virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bridge.intake.open_feed import OpenFeed
from bridge.sources.port import Batch, Receipt
from tests.stages.moot import FAILED, GAP, KEY, MootStage, caught_up, play


def test_a_stream_that_never_opens_does_not_keep_events_back() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(65.0)
        await caught_up(stage, space)
        stage.sim.append(space, 3)
        await asyncio.sleep(65.0)
        await caught_up(stage, space)

    play(scenario, stream="broken", event_count="absent")


def test_pings_on_a_stream_without_events_do_not_hide_that_it_brings_none() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=5)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        stage.sim.append(space, 3)
        await asyncio.sleep(180.0)
        await caught_up(stage, space)

    play(scenario, subscribe_after_s=3000.0, replay="none", ping="comment", event_count="absent")


def test_a_listed_space_that_may_not_be_read_fails_once_and_not_with_every_list() -> None:
    async def scenario(stage: MootStage) -> None:
        for name in ("shut", "open"):
            stage.sim.create_space(name, events=3)
        stage.sim.set_token(KEY, forbidden=["shut"])
        await asyncio.sleep(600.0)
        assert len(await stage.of_type("shut", FAILED)) == 1
        await caught_up(stage, "open")

    play(scenario, {"discover": True})


def test_a_space_that_is_followed_over_a_change_of_keys_hears_of_a_later_suspension() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        await stage.follow(space)
        await asyncio.sleep(10.0)
        stage.replace_token(KEY + "New")
        await asyncio.sleep(60.0)
        stage.sim.knobs.change({"suspended": True})
        await asyncio.sleep(60.0)
        (failed,) = await stage.of_type(space, FAILED)
        assert failed["code"] == "TENANT_SUSPENDED"

    play(scenario)


def test_a_restart_in_a_long_catch_up_goes_on_where_the_journal_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Upstream neither replays nor counts: only the stored cursor brings the rest."""
    whole = OpenFeed.take
    taken = 0

    async def until_killed(feed: OpenFeed, batch: Batch) -> Receipt:
        nonlocal taken
        if len(batch.events) == 1_000 and taken:
            await asyncio.Event().wait()
        taken += len(batch.events)
        return await whole(feed, batch)

    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=10)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        await stage.stop()
        stage.sim.append(space, 2_500)
        last = space.reading[9]  # the cursor is lost: all pages come as one piece
        space.reading.remove(last)
        del space.by_id[last.id]
        nonlocal taken
        taken = 0
        with monkeypatch.context() as patch:
            patch.setattr(OpenFeed, "take", until_killed)
            await stage.start()
            await asyncio.sleep(40.0)
            await stage.stop()
        assert len(await stage.event_ids(space)) == 1_010
        await stage.start()
        await asyncio.sleep(60.0)
        assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))

    play(scenario, replay="none", event_count="absent")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_transcript_that_is_refused_for_a_while_is_asked_again(status: int) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=500)
        await stage.follow(space)
        await asyncio.sleep(8.0)
        await stage.stop()
        stage.sim.append(space, 450)
        stage.sim.fault("cursor", endpoint="events")
        stage.sim.fault("reply", endpoint="transcript", status=status, message="later")
        await stage.start()
        await asyncio.sleep(90.0)
        assert await stage.of_type(space, GAP) == []
        await caught_up(stage, space)

    play(scenario, before="ignored", replay="none")


def test_a_cursor_for_which_the_latest_page_comes_loses_nothing_of_a_long_absence() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=500)
        await stage.follow(space)
        await asyncio.sleep(8.0)
        await stage.stop()
        last = space.reading.pop()
        del space.by_id[last.id]
        stage.sim.append(space, 1_500)
        await stage.start()
        await asyncio.sleep(180.0)
        assert sorted(await stage.event_ids(space)) == sorted(stage.truth(space))
        assert await stage.of_type(space, GAP) == []

    play(scenario, cursor_unknown="latest", replay="none")


def test_a_key_that_pages_refuse_too_is_never_put_into_a_url() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        await stage.follow(space)
        await asyncio.sleep(5.0)
        stage.sim.set_token(KEY, valid=False)
        stage.sim.cut_streams("clean")
        await asyncio.sleep(120.0)
        assert not [r for r in stage.sim.requests if "token" in r.query]

    play(scenario)


def test_refused_connects_are_at_least_a_second_apart() -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("s", events=2)
        await stage.follow(space)
        await asyncio.sleep(120.0)
        at = [r.at_s for r in stage.sim.requests if r.endpoint == "stream"]
        assert min(later - earlier for earlier, later in pairwise(at)) >= 1.0

    play(scenario, {"stream": "sse"}, stream="broken")


def test_a_server_that_takes_the_key_from_the_query_streams_to_all_spaces() -> None:
    async def scenario(stage: MootStage) -> None:
        spaces = [stage.sim.create_space(f"s{n}", events=2) for n in range(5)]
        await stage.follow(*spaces)
        await asyncio.sleep(10.0)
        assert [stage.view(space)["followedBy"] for space in spaces] == ["stream"] * 5

    play(scenario, stream_auth="query")
