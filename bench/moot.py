"""Following spaces: how soon an event of upstream's reaches a subscriber, and what replays cost.

    python -m bench.moot stream      50 spaces by stream: upstream's write to the subscriber's read
    python -m bench.moot replays     one space of 20,000 events that is replayed every 2 s

Simulator and subscriber share one process, the bridge is one of its own; all on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bridge.simulator import MootSimulator
from bridge.simulator.moot.store import Draft

KEY = "convo_key_" + "bench000" * 3
SPACES = 50
SECONDS = 30.0
EVENTS_PER_S = 50.0
REPLAYED = 20_000


@asynccontextmanager
async def bridge(url: str, directory: Path, spaces: list[str]) -> Any:
    """The bridge on these spaces, as a process: (its pid, its URL)."""
    (directory / "key").write_text(KEY)
    names = ", ".join(f'"{name}"' for name in spaces)
    section = (
        f'name = "spaces"\nsystem = "moot"\nbase_url = "{url}"\n'
        f'token_file = "{directory / "key"}"\nrequests_per_minute = 6000\nspaces = [{names}]\n'
    )
    async with bridge_on(section, directory) as found:
        yield found


@asynccontextmanager
async def bridge_on(section: str, directory: Path) -> Any:
    """The bridge with one account, as a process: (its pid, its URL)."""
    config = directory / "bridge.toml"
    config.write_text(f'journal = "sqlite:{directory / "journal.db"}"\n[[accounts]]\n{section}')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "serve", "--config", str(config),
        "--listen", "127.0.0.1:0", stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        while True:
            line = (await process.stderr.readline()).decode()
            if found := re.search(r"listens on (http://\S+)", line):
                break
        draining = asyncio.get_running_loop().create_task(process.stderr.read())
        yield process.pid, found[1]
        draining.cancel()
    finally:
        process.kill()
        await process.wait()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def stream(seconds: float) -> None:
    async with MootSimulator() as sim:
        spaces = [sim.create_space(f"space-{n}", events=20).id for n in range(SPACES)]
        with tempfile.TemporaryDirectory() as directory:
            async with bridge(sim.url, Path(directory), spaces) as (_, url):
                await asyncio.sleep(12.0)
                lags = await measured(sim, spaces, url, seconds)
    print(f"{SPACES} spaces by stream, {len(lags)} events, milliseconds from write to read")
    for share in (0.5, 0.9, 0.99, 1.0):
        print(f"p{share * 100:<5g} {percentile(lags, share) * 1000:8.1f}")


async def measured(sim: Any, spaces: list[str], url: str, seconds: float) -> list[float]:
    """Lags of events whose text is the instant they were written at."""
    lags: list[float] = []

    async def read() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url + "/v1/events", headers={"Accept": "text/event-stream"}) as response,
        ):
            async for line in response.content:
                if line.startswith(b"data: "):
                    text = orjson.loads(line[6:])["data"].get("text", "")
                    if isinstance(text, str) and text.startswith("at "):
                        lags.append(time.monotonic() - float(text[3:]))

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(1.0)
        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            number += 1
            sim.append(spaces[number % len(spaces)], Draft(f"at {time.monotonic()}"))
            await asyncio.sleep(1 / EVENTS_PER_S)
        await asyncio.sleep(1.0)
        reading.cancel()
    return lags


def used(pid: int) -> tuple[float, float]:
    """(CPU seconds, resident MiB) of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def replays(seconds: float) -> None:
    knobs = {"stream_max_s": 2.0, "stream_cut": "clean"}
    async with MootSimulator(knobs=knobs) as sim:
        sim.create_space("replays", events=REPLAYED)
        with tempfile.TemporaryDirectory() as directory:
            async with bridge(sim.url, Path(directory), ["replays"]) as (pid, url):
                await asyncio.sleep(15.0)
                print("seconds  replayed  CPU s  us/event  resident MiB")
                began, before = await replayed(url), used(pid)
                for turn in range(1, 6):
                    await asyncio.sleep(seconds / 5)
                    now, (cpu_s, mib) = await replayed(url) - began, used(pid)
                    cpu_s -= before[0]
                    each = 1e6 * cpu_s / max(now, 1.0)
                    print(
                        f"{turn * seconds / 5:7.0f}{now:10.0f}{cpu_s:7.2f}{each:10.1f}{mib:14.1f}"
                    )


async def replayed(url: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(url + "/metrics") as response:
        text = await response.text()
    found = re.search(r"^mogplex_bridge_replayed_total\{[^}]*\} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("stream", "replays"))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    asyncio.run({"stream": stream, "replays": replays}[options.what](options.seconds))


if __name__ == "__main__":
    main()
