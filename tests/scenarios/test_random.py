"""Random servers, lives and faults against an oracle that is not the code: the simulator's truth.

`BRIDGE_SEEDS=1000` tries more seeds, `BRIDGE_SEEDS=500:600` a range of them.
"""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from tests.accounts import TOKEN
from tests.scenarios.lives import (
    accepted_runs,
    live,
    random_knobs,
    random_setting,
    use_token_elsewhere,
)
from tests.scenarios.oracle import Oracle
from tests.stages.mogplex import Stage, play

SEEDS = 30  # half a minute on one core
# Always tried: each once lost something in silence. 404, 966: late commits of the very instant from
# which a stream would be resumed; 149, 871: a pause beside a stream that was dead without a sign.
ONCE_LOST = (149, 404, 871, 966)


def _seeds() -> list[int]:
    first, _, last = os.environ.get("BRIDGE_SEEDS", str(SEEDS)).rpartition(":")
    return sorted({*range(int(first or 0), int(last)), *ONCE_LOST})


@pytest.mark.parametrize("seed", _seeds())
def test_what_comes_out_is_what_went_in(seed: int) -> None:
    chance = random.Random(seed)
    knobs = random_knobs(chance)
    setting = random_setting(chance, seed)
    is_shared = chance.random() < 0.15
    restarts = chance.choice([0, 0, 0, 1, 3])

    async def restart_now_and_then(stage: Stage) -> None:
        for _ in range(restarts):
            await asyncio.sleep(chance.choice([3.0, 30.0, 100.0]))
            await stage.restart()

    async def scenario(stage: Stage) -> None:
        oracle = Oracle(stage, knobs)
        runs = await accepted_runs(stage, chance)
        async with asyncio.TaskGroup() as group:
            other = [group.create_task(use_token_elsewhere(stage, chance))] if is_shared else []
            lives = [
                group.create_task(live(stage, run, random.Random(chance.random()))) for run in runs
            ]
            if chance.random() < 0.2:
                stage.sim.fault("unauthorized", skip=chance.randrange(20))
            if "segment_switch" not in knobs:  # a segment before the first read leaves no trace
                await asyncio.sleep(chance.choice([0.0, 0.0, 30.0]))
            await stage.follow(*runs)
            await restart_now_and_then(stage)
            await asyncio.wait(lives)
            for task in other:
                task.cancel()
        await stage.over(3600)
        for run in runs:
            await oracle.check(run)
        if not is_shared:
            assert stage.sim.refused(TOKEN) == 0

    play(scenario, setting, **knobs)
