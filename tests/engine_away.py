"""One bridge whose engine is away for a while: who waits, who is served, what is told.

    python -m tests.engine_away --seconds 60

Sources wait: upstream is asked nothing from the end of the lease on. A reader that is connected
stays so, a new one is served from memory, `/readyz` stays 200; `/healthz` and the metrics tell.
When the engine is back everything goes on by itself, and nothing is missing or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, ids, serve
from tests.e2e.readers import Reader
from tests.e2e.replicas import WAIT_S, configured, metrics, require_truth
from tests.nats_server import NatsServer, new_stream

EVENTS = 20


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await is_so():
            await asyncio.sleep(0.1)


async def engine_away(directory: Path, away_s: float) -> dict[str, float]:
    """What was measured, in seconds. Raises AssertionError."""
    server = NatsServer(directory / "n")
    await asyncio.to_thread(server.start)
    async with Simulator(knobs={"limiter": "off"}) as sim:
        arguments = configured(directory / "b", server.url(new_stream()), sim.url)
        try:
            env = environment(None, MOGPLEX_TOKEN=TOKEN)
            async with serve(*arguments, env=env) as daemon, asyncio.TaskGroup() as group:
                where: list[str | None] = [f"{daemon.url}/v1/events"]
                reader = Reader(lambda: where[0])
                reading = group.create_task(reader.run())
                found = await _play(sim, server, daemon, reader, away_s)
                where[0] = None
                reading.cancel()
                return found
        finally:
            await asyncio.to_thread(server.kill)


async def _play(
    sim: Simulator, server: NatsServer, daemon: Daemon, reader: Reader, away_s: float
) -> dict[str, float]:
    run = sim.create_run(events=EVENTS)
    sim.set_status(run, "streaming")
    assert await daemon.status("PUT", f"/v1/runs/{run.id}") == 201

    async def are_read() -> bool:
        return len(ids(await daemon.records(), run.id)) == EVENTS

    async def is_told() -> bool:
        return await daemon.status("GET", "/healthz") == 503

    async def is_given_back() -> bool:
        return 'leases_held{account="default"} 0.0' in await metrics(daemon)

    await until(are_read)
    began = time.monotonic()
    await asyncio.to_thread(server.kill)
    sim.append(run, 10)
    await until(is_told)
    told_s = time.monotonic() - began
    await until(is_given_back)
    asked = len(sim.requests)
    while time.monotonic() - began < away_s:
        assert await daemon.status("GET", "/readyz") == 200
        assert await is_told()
        assert "journal_writable 0.0" in await metrics(daemon)
        assert await are_read(), "from memory"
        assert await daemon.status("PUT", f"/v1/runs/{run.id}x") in (400, 503)
        await asyncio.sleep(away_s / 20)
    assert len(sim.requests) == asked, "upstream was asked by who may not store"
    assert reader.connections == 1
    await asyncio.to_thread(server.start)
    back = time.monotonic()
    sim.finish(run)
    await daemon.ended(1, WAIT_S)
    ended_s = time.monotonic() - back
    records = await daemon.records()
    require_truth(sim, [run], records)

    async def has_all() -> bool:
        return len(reader.sequences) == len(records)

    await until(has_all)
    assert reader.sequences == [int(record["sequence"]) for record in records]
    assert reader.connections == 1, "it never had to come back"
    assert await daemon.status("GET", "/healthz") == 200
    assert "journal_writable 1.0" in await metrics(daemon)
    assert daemon.process.returncode is None
    return {"told": told_s, "away": back - began, "goes on": ended_s}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engine-away-") as directory:
        found = asyncio.run(engine_away(Path(directory), asked.seconds))
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.items())
    sys.stdout.write(f"engine away: {times}; 0 lost, 0 doubled, the reader stayed connected\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
