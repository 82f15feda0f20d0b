"""Following MIOSA: how soon what a run says reaches a subscriber.

    python -m bench.miosa                 20 runs by stream: from the write to the read
    python -m bench.miosa --kind sandbox  the same for another kind

A run costs four to five requests until its stream is open, so a key of 54 a minute needs some two
minutes for 20 of them; here it may ask 600 times.

Simulator and subscriber share one process, the bridge is one of its own; all on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.moot import bridge_on, percentile
from bridge.simulator.miosa.server import Simulator

KEY = "msk_live_" + "bench000" * 3
THINGS = 20
SECONDS = 30.0
EVENTS_PER_S = 50.0
PER_MINUTE = 600
WARM_S = 40.0  # until every stream is open
KINDS = ("run", "sandbox", "computer", "build", "snapshot")


async def stream(kind: str, seconds: float) -> None:
    async with Simulator(knobs={"limiter_limit": PER_MINUTE}) as sim:
        things = [sim.create(kind) for _ in range(THINGS)]
        follow = [thing.feed_id for thing in things]
        with tempfile.TemporaryDirectory() as directory:
            key = Path(directory) / "key"
            key.write_text(KEY)
            key.chmod(0o600)
            section = (
                f'name = "cloud"\nsystem = "miosa"\nbase_url = "{sim.url}"\n'
                f'requests_per_minute = {PER_MINUTE}\ntoken_file = "{key}"\nfollow = {follow}\n'
            )
            async with bridge_on(section, Path(directory)) as (_, url):
                await asyncio.sleep(WARM_S)
                lags = await measured(sim, things, url, seconds)
        refused = sim.refused(KEY)
    print(f"{THINGS} of {kind}, {len(lags)} events, milliseconds from write to read")
    for share in (0.5, 0.9, 0.99, 1.0):
        print(f"p{share * 100:<5g} {percentile(lags, share) * 1000:8.1f}")
    print(f"requests refused for the limit: {refused}")


async def measured(sim: Any, things: list[Any], url: str, seconds: float) -> list[float]:
    """Lags of events that carry the instant they were written at."""
    lags: list[float] = []

    async def read() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(url + "/v1/events", headers={"Accept": "text/event-stream"}) as response,
        ):
            async for line in response.content:
                if line.startswith(b"data: "):
                    text = orjson.loads(line[6:])["data"].get("message", "")
                    if isinstance(text, str) and text.startswith("at "):
                        lags.append(time.monotonic() - float(text[3:]))

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(1.0)
        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            number += 1
            said = ("log", {"message": f"at {time.monotonic()}"})
            sim.append(things[number % len(things)], [said])
            await asyncio.sleep(1 / EVENTS_PER_S)
        await asyncio.sleep(5.0)
        reading.cancel()
    return lags


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kind", choices=KINDS, default="run")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    asyncio.run(stream(options.kind, options.seconds))


if __name__ == "__main__":
    main()
