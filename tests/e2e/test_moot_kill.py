"""kill -9 of the real process while it follows spaces that talk, replay, tear and lose cursors:
afterwards the journal holds exactly what the simulator's spaces ever held, each event once.

Four kills by default; `MOOT_KILLS=50 pytest tests/e2e/test_moot_kill.py` for the whole proof.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import MootSimulator
from tests.e2e.processes import environment, serve

KILLS = int(os.environ.get("MOOT_KILLS", "4"))
KEY = "convo_key_" + "kill0000" * 3
EVENT = "io.mootup.space.event."
SETTLE_S = 90.0
CUTS = ("between_frames", "mid_frame", "whole_json", "clean")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120 + 20 * KILLS)]


def write_config(directory: Path, url: str) -> Path:
    key = directory / "key"
    key.write_text(KEY)
    config = directory / "bridge.toml"
    config.write_text(
        f"""
journal = "sqlite:{directory / "journal.db"}"
[[accounts]]
name = "spaces"
system = "moot"
base_url = "{url}"
token_file = "{key}"
requests_per_minute = 2000
discover = true
"""
    )
    return config


async def trouble(sim: MootSimulator, chance: random.Random) -> None:
    """Spaces talk all the time; now and then a stream is torn or a cursor forgotten."""
    while True:
        for space_id in sim.feed_ids:
            if sim.space(space_id).status == "active":
                sim.append(space_id, chance.choice((1, 1, 2, 5)))
        if chance.random() < 0.2:
            sim.cut_streams(chance.choice(CUTS))
        if chance.random() < 0.1 and not sim.world.faults.waiting:
            sim.fault(chance.choice(("cursor", "html_5xx", "reset", "cut_body")), endpoint="events")
        await asyncio.sleep(0.1)


async def test_no_kill_loses_or_doubles_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.e2e.processes.START_S", 90.0)  # many starts, on a busy machine
    chance = random.Random(os.environ.get("MOOT_KILLS", "seed"))
    async with MootSimulator() as sim:
        sim.create_space("replays", events=900)
        sim.create_space("no-replay", events=300, knobs={"replay": "none"})
        sim.create_space("wrapped", events=30, knobs={"frame": "wrapped", "frame_id": "counter"})
        config = write_config(tmp_path, sim.url)
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(trouble(sim, chance))
            for _ in range(KILLS):
                async with serve("--config", str(config), env=environment(None)) as daemon:
                    await asyncio.sleep(chance.uniform(0.0, 4.0))
                    daemon.process.send_signal(signal.SIGKILL)
                    await daemon.process.wait()
            talking.cancel()
        sim.world.faults.clear()
        for space_id in sim.feed_ids:
            sim.archive(space_id)
        async with serve("--config", str(config), env=environment(None)) as daemon:
            for space_id in sim.feed_ids:  # those that no life had time to discover
                assert await daemon.status("PUT", f"/v1/feeds/space/{space_id}") in (200, 201)
            records = await until_ended(daemon, len(sim.feed_ids))
            for space_id in sim.feed_ids:
                check(records, sim, space_id)
            everything = " ".join(daemon.stderr)
        assert KEY not in everything


async def until_ended(daemon: Any, count: int) -> list[dict[str, Any]]:
    until = asyncio.get_running_loop().time() + SETTLE_S
    while asyncio.get_running_loop().time() < until:
        feeds = (await daemon.json("/v1/feeds"))["feeds"]
        if sum(feed["following"] == "ended" for feed in feeds) >= count:
            return await daemon.records()
        await asyncio.sleep(0.3)
    raise AssertionError(f"not over: {feeds}, {daemon.stderr[-20:]}")


def check(records: list[dict[str, Any]], sim: MootSimulator, space_id: str) -> None:
    of_space = [r for r in records if r["subject"] == space_id]
    ids = [r["id"] for r in of_space if r["type"].startswith(EVENT)]
    truth = [event["event_id"] for event in sim.truth(space_id)["committed"]]
    assert len(set(ids)) == len(ids), "an event twice"
    assert sorted(ids) == sorted(truth), "not what there was"
    assert of_space[-1]["type"] == "bridge.space.ended"
    assert [r for r in of_space if r["type"] == "bridge.gap"] == []
