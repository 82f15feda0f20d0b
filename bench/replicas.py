"""Several bridges on JetStream: appends, the way to another replica's subscriber, fail-over.

    python -m bench.replicas [--kills 5] [--seconds 5] [--nodes 1]

Needs nats-server beside this Python (the development environment has it). Nodes sync every write
(`sync_interval: always`) on this machine's disk. "floor" is the same bytes appended to a file with
one fsync a page, in the same minute. Machine and load decide the numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles

from bridge.core.event import Draft, Feed
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.journal import StreamJournal
from bridge.simulator import Simulator
from tests.e2e.replicas import Replicas, configured
from tests.nats_server import NatsCluster, NatsServer, new_stream

FEED = Feed("mogplex", "default", "run", "bench", "/mogplex/default/runs/bench")
PAGE = 100
BODY_BYTES = 700


def page(number: int, count: int = PAGE) -> list[Draft]:
    pad = b"x" * (BODY_BYTES - 60)
    return [
        Draft(
            FEED, f"{number}-{n}", "com.mogplex.run.event.log",
            b'{"sequence":"', b'","t":%d,"data":"%b"}' % (time.monotonic_ns(), pad),
        )
        for n in range(count)
    ]  # fmt: skip


async def appends(journal: StreamJournal, seconds: float) -> float:
    """Events a second, one page after the other."""
    number, started = 0, time.monotonic()
    while (took := time.monotonic() - started) < seconds:
        await journal.append(page(number))
        number += 1
    return number * PAGE / took


def floor(directory: Path, seconds: float) -> float:
    """The same bytes into a file, one fsync a page."""
    body = b"x" * BODY_BYTES * PAGE
    number, started = 0, time.monotonic()
    with (directory / "floor").open("wb", buffering=0) as file:
        while (took := time.monotonic() - started) < seconds:
            file.write(body)
            os.fsync(file.fileno())
            number += 1
    return number * PAGE / took


async def delays_ms(writer: StreamJournal, reader: StreamJournal, seconds: float) -> list[float]:
    """From before an append here to the record there, at 100 a second."""
    found: list[float] = []

    async def read() -> None:
        after = reader.head
        while True:
            await reader.wait_above(after)
            got = await reader.read(after, 1000)
            now = time.monotonic_ns()
            found.extend((now - json.loads(r.body)["t"]) / 1e6 for r in got.records)
            after = got.next_after

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        started, number = time.monotonic(), 1_000_000
        while time.monotonic() - started < seconds:
            due = started + (number - 1_000_000) / 100
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await writer.append(page(number, 1))
            number += 1
        await asyncio.sleep(0.5)
        reading.cancel()
    return found


async def fail_overs(directory: Path, url: str, kills: int) -> list[float]:
    """Seconds from kill -9 of who follows to another following, three bridges."""
    took: list[float] = []
    async with Simulator(knobs={"limiter": "off"}) as sim, AsyncExitStack() as stack:
        arguments = [configured(directory / f"b{n}", url, sim.url) for n in range(3)]
        replicas = Replicas(stack, arguments)
        await asyncio.gather(*(replicas.start(n) for n in range(3)))
        for _ in range(kills):
            holder = await replicas.holder()
            await asyncio.sleep(1.0)
            killed = time.monotonic()
            await replicas.kill(holder)
            await replicas.holder()
            took.append(time.monotonic() - killed)
            await replicas.start(holder)
    return took


async def measure(directory: Path, nodes: int, seconds: float, kills: int) -> None:
    engine = NatsServer(directory / "n") if nodes == 1 else NatsCluster(directory, nodes)
    await asyncio.to_thread(engine.start)
    try:
        hosts = [engine] if isinstance(engine, NatsServer) else engine.nodes
        names = ",".join(f"127.0.0.1:{host.port}" for host in hosts)
        address = parse(f"nats://{names}/{new_stream()}", None)
        writer = await StreamJournal.open(address)
        reader = await StreamJournal.open(address)
        print(f"append, pages of {PAGE}: {await appends(writer, seconds):,.0f} events/s;"
              f" floor {floor(directory, seconds):,.0f}", flush=True)  # fmt: skip
        found = await delays_ms(writer, reader, seconds)
        print(f"append to another replica, 100/s: p50 {median(found):.1f} ms,"
              f" p99 {quantiles(found, n=100)[98]:.1f} ms, {len(found)} records",
              flush=True)  # fmt: skip
        await writer.close()
        await reader.close()
        if kills:
            took = await fail_overs(directory, f"nats://{names}/{new_stream()}", kills)
            print(f"fail-over after kill -9: median {median(took):.2f} s, most {max(took):.2f} s,"
                  f" {len(took)} kills", flush=True)  # fmt: skip
    finally:
        await asyncio.to_thread(engine.kill)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores,"
          f" load {os.getloadavg()[0]:.1f}, {asked.nodes} node(s)")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bench-replicas-") as directory:
        asyncio.run(measure(Path(directory), asked.nodes, asked.seconds, asked.kills))


if __name__ == "__main__":
    main()
