"""Three bridges on a cluster of three nodes, and one misfortune after another.

    python -m tests.replica_kills --kills 300 [--seed 7]

Replicas and nodes are killed, alone and together; replicas freeze for longer than a lease; between
one bridge and one node bytes vanish, are late, or the connection is cut. At the end nothing is
missing or doubled, and every reader had one order. Prints what happened; exit 1 when that is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bridge.simulator import Simulator
from bridge.tasks import first_of
from tests.e2e.readers import Reader
from tests.e2e.replicas import Replicas, configured, require_truth
from tests.faulty_wire import FaultyWire
from tests.nats_server import NatsCluster, NatsServer, new_stream

WAIT_S = 240.0  # until all is told, on a machine that is busy
LEASE_S = 3.0
RUNS = 4
FAULTS = ("replica", "replica", "node", "both", "frozen", "swallowed", "cut", "late")


class Torment:
    """The three bridges, their wires to the three nodes, and what happens to them."""

    def __init__(
        self, replicas: Replicas, cluster: NatsCluster, wires: list[list[FaultyWire]], seed: int
    ) -> None:
        self._replicas = replicas
        self._cluster = cluster
        self._wires = wires
        self._chance = random.Random(seed)
        self.happened: Counter[str] = Counter()

    async def once(self, fault: str) -> None:
        """One misfortune, and its end. Nobody ends by it who was not killed."""
        self._replicas.require_alive()
        number = self._chance.randrange(3)
        node = self._chance.choice(self._cluster.nodes)
        wire = self._chance.choice(self._wires[number])
        self.happened[fault] += 1
        match fault:
            case "replica":
                await self._restart(number)
            case "node":
                await self._restart_node(node)
            case "both":
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._restart(number))
                    group.create_task(self._restart_node(node))
            case "frozen":
                process = self._replicas.running[number].process
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(LEASE_S + 1)
                process.send_signal(signal.SIGCONT)
            case "swallowed":
                wire.is_swallowing = True
                await asyncio.sleep(self._chance.uniform(1, LEASE_S + 1))
            case "cut":
                wire.is_refusing = True
                wire.cut()
                await asyncio.sleep(self._chance.uniform(0, 1))
            case _:
                wire.delay_s = 0.2
                await asyncio.sleep(1)
        wire.heal()
        await asyncio.sleep(self._chance.uniform(0, 0.5))

    async def _restart(self, number: int) -> None:
        await self._replicas.kill(number)
        await self._replicas.start(number)

    async def _restart_node(self, node: NatsServer) -> None:
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(self._chance.uniform(0, 1))
        await asyncio.to_thread(node.start)

    def pick(self) -> str:
        return self._chance.choice(FAULTS)


async def torment(
    directory: Path, seed: int, faults: Sequence[str] = (), kills: int = 0
) -> Counter[str]:
    """Run it with these faults, or with random ones until so many processes were killed or frozen.

    Raises AssertionError when a promise was broken.
    """
    async with AsyncExitStack() as stack:
        cluster = NatsCluster(directory)
        await asyncio.to_thread(cluster.start)
        stack.callback(cluster.kill)
        sim = await stack.enter_async_context(Simulator(knobs={"limiter": "off"}))
        stream = new_stream()
        wires, arguments = [], []
        for number in range(3):
            own = [await stack.enter_async_context(FaultyWire(n.port)) for n in cluster.nodes]
            wires.append(own)
            hosts = ",".join(f"127.0.0.1:{wire.port}" for wire in own)
            place = directory / f"b{number}"
            arguments.append(configured(place, f"nats://{hosts}/{stream}", sim.url))
        replicas = Replicas(stack, arguments)
        await asyncio.gather(*(replicas.start(number) for number in range(3)))
        return await _run(
            stack, sim, replicas, Torment(replicas, cluster, wires, seed), faults, kills
        )


async def _run(
    stack: AsyncExitStack, sim: Simulator, replicas: Replicas, worst: Torment,
    faults: Sequence[str], kills: int,
) -> Counter[str]:  # fmt: skip
    runs = [sim.create_run(events=3) for _ in range(RUNS)]
    for number, run in enumerate(runs):
        sim.set_status(run, "streaming")
        status = 503
        while status == 503:  # while the stream has no leader
            status = await replicas.running[number % 3].status("PUT", f"/v1/runs/{run.id}")
        assert status == 201, status
    is_over = False

    def whom(number: int) -> str | None:
        daemon = replicas.running.get(number) or next(iter(replicas.running.values()))
        return None if is_over else f"{daemon.url}/v1/events"

    readers = [Reader(lambda n=n: whom(n)) for n in range(3)]  # type: ignore[misc]
    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(reader.run()) for reader in readers]
        growing = group.create_task(_grow(sim, runs))
        for fault in faults:
            await worst.once(fault)
        while _killed(worst.happened) < kills:
            await worst.once(worst.pick())
            if sum(worst.happened.values()) % 25 == 0:
                say(str(dict(worst.happened)))
        growing.cancel()
        replicas.require_alive()
        for run in runs:
            sim.finish(run)
        for daemon in replicas.running.values():
            await daemon.ended(RUNS, WAIT_S)
        pages = [await daemon.records() for daemon in replicas.running.values()]
        assert pages[0] == pages[1] == pages[2], "replicas differ"
        require_truth(sim, runs, pages[0])
        wanted = [int(record["sequence"]) for record in pages[0]]
        async with asyncio.timeout(WAIT_S):
            while any(len(reader.sequences) < len(wanted) for reader in readers):
                await asyncio.sleep(0.1)
        assert [reader.sequences for reader in readers] == [wanted] * 3
        is_over = True
        for task in reading:
            task.cancel()
    return worst.happened


async def _grow(sim: Simulator, runs: Sequence[Any]) -> None:
    """Events all the time; pages of 200 and polls of a tenth of a second never miss one."""
    while True:
        for run in runs:
            sim.append(run, 2)
        await asyncio.sleep(0.5)


def _killed(happened: Counter[str]) -> int:
    return sum(happened[name] * (2 if name == "both" else 1) for name in FAULTS[1:5])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    say(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="replica-kills-") as directory:
        try:
            happened = asyncio.run(torment(Path(directory), asked.seed, kills=asked.kills))
        except (AssertionError, ExceptionGroup) as failed:  # in as many groups as processes
            say("broken: " + "".join(traceback.format_exception(first_of(failed))))
            return 1
    say(f"{_killed(happened)} killed or frozen, {dict(happened)}: 0 lost, 0 doubled, one order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
