"""A bridge whose configuration file is written again and again while it runs."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, serve

OTHER = "mog_" + "o" * 24
WITHIN_S = 20.0


class Setup:
    """A configuration file that is written again and again."""

    def __init__(self, directory: Path, sim: Simulator) -> None:
        self.directory = directory
        self.sim = sim
        self.file = directory / "bridge.toml"
        self.env = environment(None, FIRST=TOKEN, SECOND=OTHER)

    def account(self, name: str = "default", env: str = "FIRST", **more: object) -> str:
        values = {"requests_per_minute": 6000, "min_interval": "50ms", **more}
        lines = [f"{key} = {orjson.dumps(value).decode()}" for key, value in values.items()]
        head = f'[[accounts]]\nname = "{name}"\nbase_url = "{self.sim.url}"\ntoken_env = "{env}"\n'
        return head + "\n".join(lines) + "\n"

    def output(self, name: str, more: str = "") -> str:
        return f'[[outputs]]\npath = "{self.directory / name}"\n{more}\n'

    def write(self, *tables: str, top: str = "") -> None:
        self.file.write_text(
            f'journal = "sqlite:{self.directory / "journal.db"}"\n{top}\n' + "\n".join(tables)
        )

    def serve(self) -> Any:
        return serve("--config", str(self.file), env=self.env)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """All files of an output, in order."""
        stem, _, suffix = name.rpartition(".")
        files = sorted(self.directory.glob(f"{stem}.0*.{suffix}"))
        return [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]


def logged(daemon: Daemon, event: str) -> list[dict[str, Any]]:
    found = (orjson.loads(line) for line in daemon.stderr if line.startswith("{"))
    return [entry for entry in found if entry["event"] == event]


async def until(condition: Callable[[], Any]) -> Any:
    """Look until it holds; returns what it said."""
    async with asyncio.timeout(WITHIN_S):
        while not (result := condition()):
            await asyncio.sleep(0.02)
    return result


async def reload(daemon: Daemon, event: str = "config.reloaded") -> dict[str, Any]:
    """Send SIGHUP and wait for the line that says how it went."""
    before = len(logged(daemon, event))
    daemon.process.send_signal(signal.SIGHUP)
    await until(lambda: len(logged(daemon, event)) > before)
    return logged(daemon, event)[-1]


async def states(daemon: Daemon) -> dict[str, str]:
    """As they were at most half a second ago."""
    return {run["runId"]: run["state"] for run in (await daemon.json("/v1/runs"))["runs"]}


async def state(daemon: Daemon, run_id: str) -> str:
    """As it is now; a run that is not known fails the test."""
    return str((await daemon.json(f"/v1/runs/{run_id}"))["state"])


async def events_of(daemon: Daemon, run_id: str, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while (await daemon.json(f"/v1/runs/{run_id}"))["events"] < count:
            await asyncio.sleep(0.05)


async def grow(sim: Simulator, run: Any, chance: random.Random) -> None:
    """Some five seconds of events, then the end."""
    for _ in range(40):
        sim.append(run, chance.choice([1, 2, 5]))
        await asyncio.sleep(chance.uniform(0.02, 0.12))
    sim.finish(run, order="event_first", gap_s=0.1)


async def subscribe(url: str, runs: int) -> list[int]:
    """The sequences that one connection brought until so many runs have ended."""
    seen: list[int] = []
    ended = 0
    headers = {"Accept": "text/event-stream"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/v1/events?after=0", headers=headers) as response,
    ):
        async for line in response.content:
            if line.startswith(b"data: "):
                record = orjson.loads(line[6:])
                seen.append(int(record["sequence"]))
                ended += record["type"] == "bridge.run.ended"
                if ended == runs:
                    return seen
    raise AssertionError(f"the stream ended after {len(seen)} records")
