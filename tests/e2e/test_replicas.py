"""Three bridges on one stream of a real engine: they die, freeze, and take over from each other."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import ids
from tests.e2e.replicas import WAIT_S, Replicas, configured, require_truth
from tests.engine_away import engine_away
from tests.nats_server import NatsServer, new_stream
from tests.replica_kills import torment

pytestmark = pytest.mark.e2e

EVENTS = 60
RUNS = 4


@asynccontextmanager
async def engine(directory: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(directory)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.kill)


async def grow(sim: Simulator, run: Any, chance: random.Random) -> None:
    left = EVENTS - 1
    while left:
        count = min(left, chance.choice([1, 3, 8]))
        sim.append(run, count)
        left -= count
        await asyncio.sleep(chance.choice([0.2, 0.5, 1.0]))
    sim.finish(run, order="event_first", gap_s=0.2)


async def test_a_put_at_any_replica_reaches_the_one_that_follows(tmp_path: Path) -> None:
    async with engine(tmp_path / "n") as server, Simulator(knobs={"limiter": "off"}) as sim:
        url = server.url(new_stream())
        arguments = [configured(tmp_path / f"b{n}", url, sim.url) for n in range(2)]
        run = sim.create_run(events=5)
        async with AsyncExitStack() as stack:
            replicas = Replicas(stack, arguments)
            await replicas.start(0)
            await replicas.start(1)
            holder = await replicas.holder()
            other = replicas.running[1 - holder]
            assert await other.status("PUT", f"/v1/runs/{run.id}") == 201
            assert await other.status("PUT", f"/v1/runs/{run.id}") == 200
            sim.finish(run)
            for daemon in replicas.running.values():
                await daemon.ended(1, WAIT_S)
            pages = [await daemon.records() for daemon in replicas.running.values()]
            assert pages[0] == pages[1]
            require_truth(sim, [run], pages[0])
            left = sim.create_run(events=3)
            sim.set_status(left, "streaming")
            assert await other.status("PUT", f"/v1/runs/{left.id}") == 201
            async with asyncio.timeout(WAIT_S):
                while len(ids(await other.records(), left.id)) < 3:
                    await asyncio.sleep(0.1)
            assert await other.status("DELETE", f"/v1/runs/{left.id}") == 204
            async with asyncio.timeout(WAIT_S):
                while True:
                    view = await replicas.running[holder].json(f"/v1/runs/{left.id}")
                    if view["state"] == "stopped":
                        break
                    await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_the_followers_are_killed_one_after_the_other(tmp_path: Path) -> None:
    """kill -9 of whoever follows, six times; all see every event once and in one order."""
    async with engine(tmp_path / "n") as server, Simulator(knobs={"limiter": "off"}) as sim:
        url = server.url(new_stream())
        arguments = [configured(tmp_path / f"b{n}", url, sim.url) for n in range(3)]
        runs = [sim.create_run() for _ in range(RUNS)]
        for run in runs:
            sim.set_status(run, "streaming")
        async with AsyncExitStack() as stack:
            replicas = Replicas(stack, arguments)
            for number in range(3):
                await replicas.start(number)
            for n, run in enumerate(runs):
                assert await replicas.running[n % 3].status("PUT", f"/v1/runs/{run.id}") == 201
            async with asyncio.TaskGroup() as group:
                growing = [
                    group.create_task(grow(sim, run, random.Random(seed)))
                    for seed, run in enumerate(runs)
                ]
                killed = 0
                while not all(task.done() for task in growing) or killed < 6:
                    holder = await replicas.holder()
                    await asyncio.sleep(0.5)
                    await replicas.kill(holder)
                    killed += 1
                    await replicas.start(holder)
            for daemon in replicas.running.values():
                await daemon.ended(RUNS, WAIT_S)
            pages = [await daemon.records() for daemon in replicas.running.values()]
            assert pages[0] == pages[1] == pages[2]
            require_truth(sim, runs, pages[0])


@pytest.mark.slow
async def test_a_follower_that_was_frozen_for_longer_than_its_lease_stores_nothing_more(
    tmp_path: Path,
) -> None:
    async with engine(tmp_path / "n") as server, Simulator(knobs={"limiter": "off"}) as sim:
        url = server.url(new_stream())
        arguments = [configured(tmp_path / f"b{n}", url, sim.url) for n in range(2)]
        run = sim.create_run()
        sim.set_status(run, "streaming")
        async with AsyncExitStack() as stack:
            replicas = Replicas(stack, arguments)
            await replicas.start(0)
            await replicas.start(1)
            assert await replicas.running[0].status("PUT", f"/v1/runs/{run.id}") == 201
            for _ in range(2):
                sim.append(run, 10)
                holder = await replicas.holder()
                frozen = replicas.running.pop(holder)
                frozen.process.send_signal(signal.SIGSTOP)
                await replicas.holder()  # the other one has taken over
                sim.append(run, 10)
                frozen.process.send_signal(signal.SIGCONT)
                replicas.running[holder] = frozen
            sim.finish(run)
            for daemon in replicas.running.values():
                await daemon.ended(1, WAIT_S)
            pages = [await daemon.records() for daemon in replicas.running.values()]
            assert pages[0] == pages[1]
            require_truth(sim, [run], pages[0])


@pytest.mark.slow
async def test_an_engine_that_is_away_keeps_sources_waiting_and_readers_served(
    tmp_path: Path,
) -> None:
    """Longer than a lease; `python -m tests.engine_away --seconds 60` does it for a minute."""
    await engine_away(tmp_path, 5.0)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_doubled_when_replicas_nodes_and_wires_fail(
    tmp_path: Path,
) -> None:
    """One of each; `python -m tests.replica_kills --kills 300` does so at random."""
    happened = await torment(tmp_path, 1, faults=("both", "frozen", "swallowed", "node", "cut"))
    assert sum(happened.values()) == 5
