"""`serve --workers N` beside one process: CPU per delivery, spread, memory of an idle subscriber.

    python -m bench.workers [--subscribers 1000] [--workers 2] [--rounds 2]

Real daemons on real files behind a real port, one after the other in turn, so that a ratio is of
one minute of one machine. All subscribers are in this process, as is the simulated upstream, which
makes `--rate` events a second in bursts. CPU is user and system time of all processes of the
daemon, following included, per record that a subscriber got; memory their proportional share (PSS).
A machine with more cores than two shows by how much the wall clock gains; this one does not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.replicas import processor_s
from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, quick_config, serve

BURST_S = 0.5
SETTLED_S = 120.0  # until everything has arrived
OPEN_AT_ONCE = 50
LIMITS = """
[limits]
subscribers = 50000
subscribers_per_address = 50000
connections = 50000
connections_per_address = 50000
"""
REQUEST = (
    "GET /v1/events?after={after} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
)


class Subscriber(asyncio.Protocol):
    """Counts frames; `opened` is set by the answer's head."""

    def __init__(self, after: str) -> None:
        self._after = after
        self.frames = 0
        self.is_refused = False
        self.opened = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        host, port = transport.get_extra_info("peername")
        transport.write(REQUEST.format(after=self._after, host=f"{host}:{port}").encode())

    def data_received(self, data: bytes) -> None:
        if not self.opened.is_set():
            self.is_refused = b" 200 " not in data[:20]
            self.opened.set()
        self.frames += data.count(b"\ndata:")


class Figures(NamedTuple):
    """Of one daemon."""

    cpu_us: float  # for each delivery
    idle_kib: float  # for each subscriber
    streams: list[int]  # of each worker
    took_s: float


def tree(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grand for child in children for grand in tree(int(child)))]


def memory_kib(pids: list[int]) -> int:
    found = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("Pss:")]
        found += int(line.split()[1])
    return found


async def subscribe(daemon: Daemon, count: int, after: str) -> list[Subscriber]:
    host, _, port = daemon.url.removeprefix("http://").rpartition(":")
    loop, at_once = asyncio.get_running_loop(), asyncio.Semaphore(OPEN_AT_ONCE)

    async def one() -> Subscriber:
        async with at_once:
            _, made = await loop.create_connection(lambda: Subscriber(after), host, int(port))
            await made.opened.wait()
            if made.is_refused:
                raise RuntimeError("a subscriber was refused")
            return made

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def measure(directory: Path, workers: int, asked: argparse.Namespace) -> Figures:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        config = quick_config(directory, sim.url)
        config.write_text(config.read_text() + LIMITS)
        more = ["--workers", str(workers)] if workers > 1 else []
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        async with serve("--config", str(config), *more, env=env) as daemon:
            run = sim.create_run(events=1)
            sim.set_status(run, "streaming")
            assert await daemon.status("PUT", f"/v1/runs/{run.id}") == 201
            first = await _first(daemon)
            pids = tree(daemon.process.pid)
            before_kib = memory_kib(pids)
            clients = await subscribe(daemon, asked.subscribers, first)
            streams = [asked.subscribers] if workers == 1 else await _spread(daemon, len(clients))
            idle_kib = (memory_kib(pids) - before_kib) / asked.subscribers
            return await _deliver(sim, run, clients, asked, pids, idle_kib, streams)


async def _first(daemon: Daemon) -> str:
    """The position behind the first record."""
    async with asyncio.timeout(SETTLED_S):
        while True:
            page = await daemon.json("/v1/events", after="0")
            if page["records"]:
                return str(page["next"])
            await asyncio.sleep(0.1)


async def _spread(daemon: Daemon, count: int) -> list[int]:
    """Streams of each worker, when all are counted."""
    async with asyncio.timeout(SETTLED_S):
        while True:
            found: list[int] = (await daemon.json("/healthz"))["checks"]["workers"]["streams"]
            if sum(found) == count:
                return found
            await asyncio.sleep(0.1)


async def _deliver(
    sim: Simulator, run: object, clients: list[Subscriber], asked: argparse.Namespace,
    pids: list[int], idle_kib: float, streams: list[int],
) -> Figures:  # fmt: skip
    bursts = round(asked.seconds / BURST_S)
    size = max(1, round(asked.rate * BURST_S))
    spent_s, began = processor_s(pids), time.monotonic()
    for number in range(bursts):
        sim.append(run, size)  # type: ignore[arg-type]
        await asyncio.sleep(max(0.0, began + (number + 1) * BURST_S - time.monotonic()))
    async with asyncio.timeout(SETTLED_S):
        while True:
            if all(client.frames >= bursts * size for client in clients):
                break
            await asyncio.sleep(0.1)
    assert all(client.frames == bursts * size for client in clients), "more than once"
    deliveries = bursts * size * len(clients)
    cpu_us = (processor_s(pids) - spent_s) / deliveries * 1e6
    return Figures(cpu_us, idle_kib, streams, time.monotonic() - began)


async def compare(directory: Path, asked: argparse.Namespace) -> None:
    found: dict[int, list[Figures]] = {1: [], asked.workers: []}
    for number in range(asked.rounds):
        for workers, figures in found.items():
            place = Path(tempfile.mkdtemp(prefix=f"{number}-{workers}-", dir=directory))
            figures.append(await measure(place, workers, asked))
            last = figures[-1]
            off = max(abs(n * len(last.streams) / sum(last.streams) - 1) for n in last.streams)
            who = "one process" if workers == 1 else f"{workers} workers"
            print(f"{who}: {last.cpu_us:.2f} µs a delivery, {last.idle_kib:.1f}"
                  f" KiB an idle subscriber, streams {last.streams} (± {off:.0%}),"
                  f" {last.took_s:.1f} s", flush=True)  # fmt: skip
    one, many = (
        (median(f.cpu_us for f in each), median(f.idle_kib for f in each))
        for each in found.values()
    )
    print(f"{asked.workers} workers against one process, {asked.subscribers} subscribers:"
          f" CPU a delivery × {many[0] / one[0]:.2f}, memory × {many[1] / one[1]:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores,"
          f" load {os.getloadavg()[0]:.1f}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bench-workers-") as directory:
        asyncio.run(compare(Path(directory), asked))


if __name__ == "__main__":
    main()
