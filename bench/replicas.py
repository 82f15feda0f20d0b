"""Several bridges on JetStream: appends, the way to another replica's subscriber, fail-over.

    python -m bench.replicas [--kills 5] [--seconds 5] [--nodes 1]

Appends: one bridge stores pages, one after the other and then of several feeds of an account at
once, and reads them back. The other bridge comes with the next measurement.

Needs nats-server beside this Python (the development environment has it). Nodes sync every write
(`sync_interval: always`) on this machine's disk. "floor" is the same bytes appended to a file with
one fsync a page, in the same minute, and what one such fsync took. Machine and load decide the
times; processor time for each event says what they would be elsewhere.

Fail-over: three bridges poll more runs than the token has requests for, and who follows is killed
again and again. Told are the seconds until another follows, and the most requests that upstream
got in any 60 s, against what it allows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from bridge.core.errors import JournalUnavailableError
from bridge.core.event import Draft, Feed, feed_of
from bridge.journal.jetstream.address import Address, parse
from bridge.journal.jetstream.journal import StreamJournal
from bridge.loop import run
from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN
from tests.e2e.replicas import Replicas, configured
from tests.nats_server import NatsCluster, NatsServer, new_stream

FEED = feed_of("mogplex", "default", "run", "bench")
FEEDS = 4  # of one account that append at once
LIMIT = 54  # requests a minute, as by default; first contacts may use what is left of the allowed
ALLOWED = 60  # by upstream
RUNS = 20  # each would like one a second
WINDOW_S = 60.0
PAGE = 100
BODY_BYTES = 700


def page(feed: Feed, number: int, count: int = PAGE) -> list[Draft]:
    pad = b"x" * (BODY_BYTES - 60)
    return [
        Draft(
            feed, f"{number}-{n}", "com.mogplex.run.event.log",
            b'{"sequence":"', b'","t":%d,"data":"%b"}' % (time.monotonic_ns(), pad),
        )
        for n in range(count)
    ]  # fmt: skip


class Appends(NamedTuple):
    """What appends of pages took."""

    per_s: float  # events
    own_us: float  # processor time for each event: here, its reading back included
    engine_us: float

    def __str__(self) -> str:
        return (f"{self.per_s:,.0f} events/s, processor {self.own_us:.0f} µs/event here,"
                f" {self.engine_us:.0f} in the engine")  # fmt: skip


async def appends(
    journal: StreamJournal, engines: Sequence[int], seconds: float, feeds: int = 1
) -> Appends:
    """Each feed appends its pages one after the other. `engines`: process ids."""
    pages, started = 0, time.monotonic()
    own_s, engine_s = time.process_time(), processor_s(engines)

    async def follow(feed: Feed) -> None:
        nonlocal pages
        number = 0
        while time.monotonic() - started < seconds:
            await journal.append(page(feed, number))
            number += 1
            pages += 1

    async with asyncio.TaskGroup() as group:
        for number in range(feeds):
            group.create_task(follow(feed_of("mogplex", "default", "run", f"{feeds}-{number}")))
    took, events = time.monotonic() - started, pages * PAGE
    own_us = (time.process_time() - own_s) / events * 1e6
    return Appends(events / took, own_us, (processor_s(engines) - engine_s) / events * 1e6)


def processor_s(pids: Sequence[int]) -> float:
    """Used so far by other processes of ours."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def floor(directory: Path, seconds: float) -> tuple[float, list[float]]:
    """The same bytes into a file: events a second, and how long each fsync took, in ms."""
    body = b"x" * BODY_BYTES * PAGE
    syncs_ms: list[float] = []
    started = time.monotonic()
    with (directory / "floor").open("wb", buffering=0) as file:
        while (took := time.monotonic() - started) < seconds:
            file.write(body)
            before = time.monotonic()
            os.fsync(file.fileno())
            syncs_ms.append((time.monotonic() - before) * 1e3)
    return len(syncs_ms) * PAGE / took, syncs_ms


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
            await writer.append(page(FEED, number, 1))
            number += 1
        await asyncio.sleep(0.5)
        reading.cancel()
    return found


class FailOvers(NamedTuple):
    """How kills of who follows went."""

    took_s: list[float]  # until another follows
    busiest: int  # most requests that upstream took in any 60 s
    refused: int  # with 429


async def fail_overs(directory: Path, url: str, kills: int) -> FailOvers:
    """Kill -9 of who follows, of three bridges; far more is to be polled than the limit allows."""
    took: list[float] = []
    settings = {"requests_per_minute": LIMIT, "stream": "false", "min_interval": '"1s"'}
    async with Simulator() as sim, AsyncExitStack() as stack:
        arguments = [configured(directory / f"b{n}", url, sim.url, **settings) for n in range(3)]
        replicas = Replicas(stack, arguments)
        await asyncio.gather(*(replicas.start(n) for n in range(3)))
        for _ in range(RUNS):
            run = sim.create_run(events=3)
            sim.set_status(run, "streaming")
            assert await replicas.running[0].status("PUT", f"/v1/runs/{run.id}") == 201
        await asyncio.sleep(WINDOW_S)  # a first start takes the requests of its minute as sent
        for _ in range(kills):
            holder = await replicas.holder()
            await asyncio.sleep(WINDOW_S / kills)  # the last kill is in the window of the first
            killed = time.monotonic()
            await replicas.kill(holder)
            await replicas.holder()
            took.append(time.monotonic() - killed)
            await replicas.start(holder)
        return FailOvers(took, sim.peak(TOKEN), sim.refused(TOKEN))


async def opened(address: Address) -> StreamJournal:
    """Open the journal when the nodes have elected a leader."""
    async with asyncio.timeout(60.0):
        while True:
            try:
                return await StreamJournal.open(address)
            except JournalUnavailableError:
                await asyncio.sleep(0.2)


async def measure(directory: Path, nodes: int, seconds: float, kills: int) -> None:
    engine = NatsServer(directory / "n") if nodes == 1 else NatsCluster(directory, nodes)
    await asyncio.to_thread(engine.start)
    try:
        hosts = [engine] if isinstance(engine, NatsServer) else engine.nodes
        names = ",".join(f"127.0.0.1:{host.port}" for host in hosts)
        address = parse(f"nats://{names}/{new_stream()}", None)
        writer = await opened(address)
        pids = [host.pid for host in hosts]
        print(f"append, pages of {PAGE}, one after the other:"
              f" {await appends(writer, pids, seconds)}", flush=True)  # fmt: skip
        print(f"append, pages of {PAGE}, {FEEDS} feeds at once:"
              f" {await appends(writer, pids, seconds, FEEDS)}", flush=True)  # fmt: skip
        most, syncs_ms = floor(directory, seconds)
        print(f"floor: {most:,.0f} events/s, an fsync {median(syncs_ms):.2f} ms,"
              f" p99 {quantiles(syncs_ms, n=100)[98]:.2f} ms", flush=True)  # fmt: skip
        reader = await StreamJournal.open(address)
        found = await delays_ms(writer, reader, seconds)
        print(f"append to another replica, 100/s: p50 {median(found):.1f} ms,"
              f" p99 {quantiles(found, n=100)[98]:.1f} ms, {len(found)} records",
              flush=True)  # fmt: skip
        await writer.close()
        await reader.close()
        if kills:
            over = await fail_overs(directory, f"nats://{names}/{new_stream()}", kills)
            took = over.took_s
            print(f"fail-over after kill -9: median {median(took):.2f} s, most {max(took):.2f} s,"
                  f" {len(took)} kills; most requests in 60 s: {over.busiest} of {ALLOWED} allowed"
                  f" ({max(0, over.busiest - ALLOWED)} over), {over.refused} refused",
                  flush=True)  # fmt: skip
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
        run(lambda: measure(Path(directory), asked.nodes, asked.seconds, asked.kills))


if __name__ == "__main__":
    main()
