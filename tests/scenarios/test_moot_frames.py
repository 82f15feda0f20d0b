"""Frames of moot as large as they come: what fits is a record, what does not is told and read by
pages.
"""

from __future__ import annotations

import asyncio

import pytest

from bridge.simulator.moot.store import Draft
from tests.stages.moot import MootStage, play

PADDING = {"metadata": {"message_type": "message", "pad": "x" * (2 * 1024 * 1024)}}


@pytest.mark.parametrize("websocket", [False, True])
def test_a_frame_of_512_kib_is_a_record(*, websocket: bool) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("large", events=2)
        await stage.follow(space)
        await asyncio.sleep(20)
        stage.sim.append(space, [Draft(text="\U0001f600" * 65_536)])
        await asyncio.sleep(10)
        assert await stage.event_ids(space) == stage.truth(space)
        assert stage.metric("skipped_frames_total", reason="too_large") == 0

    play(scenario, {"stream": "websocket"} if websocket else {})


@pytest.mark.parametrize("websocket", [False, True])
def test_a_frame_over_2_mib_closes_the_stream_is_counted_and_comes_by_a_page(
    *, websocket: bool
) -> None:
    async def scenario(stage: MootStage) -> None:
        space = stage.sim.create_space("larger", events=2, knobs={"replay": "none"})
        await stage.follow(space)
        await asyncio.sleep(20)
        stage.sim.append(space, [Draft(text="too much", raw=PADDING)])
        await asyncio.sleep(90)
        stage.sim.append(space, 2)
        await asyncio.sleep(60)
        assert await stage.event_ids(space) == stage.truth(space)
        assert stage.metric("skipped_frames_total", reason="too_large") >= 1

    play(scenario, {"stream": "websocket"} if websocket else {})
