"""Ten kills two seconds apart, with upstream's real limit: nobody starves, nothing is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import environment, journal, serve

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUNS = 8
LIVES, LIFE_S = 10, 2.0
TOKEN = "mog_" + "r" * 24


@pytest.mark.timeout(420)
async def test_ten_restarts_two_seconds_apart_starve_nobody_and_lose_nothing(
    tmp_path: Path,
) -> None:
    async with Simulator() as sim, asyncio.TaskGroup() as group:
        runs = [sim.create_run(events=3) for _ in range(RUNS)]
        options = journal(tmp_path) + [text for run in runs for text in ("--run", run.id)]
        env = environment(None, MOGPLEX_TOKEN=TOKEN, MOGPLEX_BASE_URL=sim.url)

        async def talk() -> None:
            while True:
                for run in runs:
                    sim.append(run, 2)
                await asyncio.sleep(0.2)

        talking = group.create_task(talk())
        for _ in range(LIVES):
            async with serve(*options, env=env):  # killed at its end
                await asyncio.sleep(LIFE_S)
        heard = Counter(r.feed_id for r in sim.requests if r.status == 200 and r.feed_id)
        assert len(heard) == RUNS
        # Exact shares are tests/scenarios/test_first_contact.py's; here a kill may hit any instant.
        assert max(heard.values()) <= 2 * min(heard.values()), heard
        talking.cancel()
        for run in runs:
            sim.finish(run)
        async with serve(*options, env=env) as daemon:
            await daemon.ended(RUNS, within_s=240.0)
            records = await daemon.records()
        assert sim.refused(TOKEN) == 0
        for run in runs:
            mine = [r for r in records if r["subject"] == run.id]
            ids = [r["id"] for r in mine if r["type"].startswith("com.mogplex.run.event.")]
            truth = [event["id"] for event in sim.truth(run)["committed"]]
            assert len(ids) == len(set(ids))
            assert set(ids) == set(truth)
            assert "bridge.gap" not in [r["type"] for r in mine]
