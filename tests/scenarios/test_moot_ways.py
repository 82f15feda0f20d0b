"""The ways to events of moot: stream in every form, WebSocket, pages; which is used when."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bridge.simulator.moot.variants import NAMELESS, VARIANTS
from tests.stages.moot import MootStage, caught_up, play

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
