"""How long from upstream's commit to a subscriber's read? `python -m bench.freshness_stream`.

Real sockets on loopback and three processes: the simulator with its limiter off and a writer that
commits events of many runs at random instants; `mogplex-bridge serve` with its usual journal on
disk, which follows all of them by stream; and a subscriber that reads `/v1/events` as SSE. Every
event carries the instant of its commit on the machine's monotonic clock, which all three share.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from bridge.simulator import Simulator

TOKEN = "mog_" + "b" * 24
AIM_P99_MS = 50.0  # 0016-design.md
READY_S = 120.0


async def subscribe(url: str, count: int, within_s: float) -> None:
    """Read events until `count` of them came; print their delays in ns as one JSON array."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
    request = (
        f"GET /v1/events?type=com.mogplex.run.event.log HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Accept: text/event-stream\r\n\r\n"
    )
    writer.write(request.encode())
    delays: list[int] = []
    try:
        async with asyncio.timeout(within_s):
            await reader.readuntil(b"\r\n\r\n")
            print("ready", flush=True)
            while len(delays) < count:
                line = await reader.readline()
                if line.startswith(b"data:"):
                    now = time.monotonic_ns()
                    delays.append(now - int(orjson.loads(line[5:])["data"]["message"]))
    except TimeoutError:
        pass
    print(orjson.dumps(delays).decode(), flush=True)
    writer.close()


async def write_events(
    sim: Simulator, runs: list[Any], rate: float, seconds: float, burst: int
) -> int:
    """Commit bursts of `burst` events to random runs, `rate` events a second; how many."""
    chance = random.Random(1)
    count, at = 0, time.monotonic()
    until = at + seconds
    while at < until:
        at += chance.expovariate(rate / burst)
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        run = chance.choice(runs)
        for _ in range(burst):
            sim.append(run, {"type": "log", "message": str(time.monotonic_ns()), "payload": {}})
            count += 1
    return count


async def start(*args: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *args, env=env, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, limit=2**26,
    )  # fmt: skip


async def measure(
    sim: Simulator, runs: list[Any], url: str, env: dict[str, str], options: argparse.Namespace
) -> tuple[int, list[float]]:
    expected = 10**9  # it reads until the time is up
    within_s = options.seconds + 5.0
    reader = await start(
        "-m", "bench.freshness_stream", "--subscriber", url, str(expected), str(within_s), env=env
    )  # fmt: skip
    assert reader.stdout is not None
    assert (await reader.stdout.readline()).strip() == b"ready"
    written = await write_events(sim, runs, options.rate, options.seconds, options.burst)
    out, _ = await reader.communicate()
    return written, sorted(ns / 1e6 for ns in orjson.loads(out))


async def until_streaming(url: str, count: int) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(READY_S):
        while True:
            async with session.get(f"{url}/v1/runs") as response:
                views = orjson.loads(await response.read())["runs"]
            if sum(view["followedBy"] == "stream" for view in views) == count:
                return
            await asyncio.sleep(0.5)


async def bench(options: argparse.Namespace) -> float:
    """Print the table; return the p99 in ms."""
    with tempfile.TemporaryDirectory() as directory:
        async with Simulator(knobs={"limiter": "off", "stream_max_s": 0.0}) as sim:
            runs = [sim.create_run() for _ in range(options.runs)]
            for run in runs:
                sim.append(run, {"type": "started", "message": "accepted"})
                sim.set_status(run, "streaming")
            config = Path(directory) / "bridge.toml"
            config.write_text(
                f'journal = "sqlite:{directory}/journal.db"\n'
                f'[[accounts]]\nbase_url = "{sim.url}"\ntoken_env = "MOGPLEX_TOKEN"\n'
                'requests_per_minute = 6000\nmin_interval = "50ms"\n'
                f"runs = {orjson.dumps([run.id for run in runs]).decode()}\n"
            )
            env = os.environ | {"MOGPLEX_TOKEN": TOKEN}
            serve = await start(
                "-m", "bridge", "serve", "--config", str(config), "--listen", "127.0.0.1:0",
                "--log-level", "info", env=env,
            )  # fmt: skip
            assert serve.stderr is not None
            url = None
            while url is None:
                line = (await serve.stderr.readline()).decode()
                assert line, "serve did not start"
                if found := re.search(r"listens on (http://\S+)", line):
                    url = found[1].rstrip("/")
            try:
                async with asyncio.TaskGroup() as group:
                    drain = group.create_task(_drain(serve.stderr))
                    await until_streaming(url, options.runs)
                    cpu_before, began = _cpu_s(serve.pid), time.monotonic()
                    written, delays = await measure(sim, runs, url, env, options)
                    cpu = (_cpu_s(serve.pid) - cpu_before) / (time.monotonic() - began)
                    drain.cancel()
            finally:
                serve.terminate()
                await serve.wait()
    return _print(options, written, delays, cpu)


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(options: argparse.Namespace, written: int, delays: list[float], cpu: float) -> float:
    def at(part: float) -> float:
        return delays[min(len(delays) - 1, int(part * len(delays)))] if delays else float("inf")

    print("Commit upstream to read by the subscriber, over stream and SSE, in ms")
    head = ("runs", "events/s", "burst", "written", "read", "p50", "p90", "p99", "max", "CPU")
    row = (
        f"{options.runs}", f"{options.rate:.0f}", f"{options.burst}", f"{written}",
        f"{len(delays)}", f"{at(0.5):.1f}", f"{at(0.9):.1f}", f"{at(0.99):.1f}",
        f"{at(1.0):.1f}", f"{cpu:.0%}",
    )  # fmt: skip
    for line in (head, row):
        print("  ".join(cell.rjust(8) for cell in line))
    verdict = "reached" if at(0.99) <= AIM_P99_MS and len(delays) == written else "MISSED"
    print(f"aim: p99 <= {AIM_P99_MS:.0f} ms at 100 runs, nothing lost: {verdict}")
    return at(0.99)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--subscriber"]:
        url, count, within_s = arguments[1:]
        asyncio.run(subscribe(url, int(count), float(within_s)))
        return
    parser = argparse.ArgumentParser(prog="python -m bench.freshness_stream", description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0, help="events a second, of all runs")
    parser.add_argument("--burst", type=int, default=1, help="events committed together")
    parser.add_argument("--seconds", type=float, default=30.0)
    asyncio.run(bench(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
