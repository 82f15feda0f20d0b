"""Several real bridges on one stream, started and killed at will."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, ids, serve

WAIT_S = 90.0  # for machines slower than ours
STARTS = 20  # a start that meets nodes without a leader ends with a message


def configured(directory: Path, journal: str, url: str, **account: object) -> list[str]:
    """Arguments of one replica; each has a directory of its own."""
    directory.mkdir(exist_ok=True)
    settings = {"requests_per_minute": 6000, "min_interval": '"50ms"', **account}
    lines = [f'journal = "{journal}"', "[[accounts]]", 'name = "default"', f'base_url = "{url}"']
    lines += [
        'token_env = "MOGPLEX_TOKEN"',
        *(f"{key} = {value}" for key, value in settings.items()),
    ]
    path = directory / "bridge.toml"
    path.write_text("\n".join(lines) + "\n")
    return ["--config", str(path)]


class Replicas:
    """Bridges by number, started and killed at will."""

    def __init__(
        self,
        stack: AsyncExitStack,
        arguments: list[list[str]],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._stack = stack
        self._arguments = arguments
        self._env = env or environment(None, MOGPLEX_TOKEN=TOKEN)
        self.running: dict[int, Daemon] = {}

    async def start(self, number: int) -> None:
        """Start it, again where the engine did not answer, as a supervisor does."""
        for left in reversed(range(STARTS)):
            try:
                daemon = await self._stack.enter_async_context(
                    serve(*self._arguments[number], env=self._env)
                )
            except AssertionError as error:
                if not left or "does not answer" not in str(error):
                    raise
                await asyncio.sleep(0.5)
            else:
                self.running[number] = daemon
                return

    def require_alive(self) -> None:
        """None has ended by itself. What is said: exit code and last lines of the log."""
        for number, daemon in self.running.items():
            code = daemon.process.returncode
            said = "".join(daemon.stderr[-40:])
            assert code is None, f"replica {number} ended by itself with {code}:\n{said}"

    async def kill(self, number: int) -> None:
        self.require_alive()
        daemon = self.running.pop(number)
        daemon.process.kill()
        await daemon.process.wait()

    async def holder(self) -> int:
        """The one that follows the account."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for number, daemon in list(self.running.items()):
                    if 'leases_held{account="default"} 1.0' in await metrics(daemon):
                        return number
                await asyncio.sleep(0.05)


async def metrics(daemon: Daemon) -> str:
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession() as session, session.get(daemon.url + "/metrics") as response:
        return await response.text()


def require_truth(sim: Simulator, runs: list[Any], records: list[dict[str, Any]]) -> None:
    """Every event once, in order, and the end behind them."""
    sequences = [int(record["sequence"]) for record in records]
    assert sequences == sorted(set(sequences))
    assert len({(record["source"], record["id"]) for record in records}) == len(records)
    for run in runs:
        assert ids(records, run.id) == [event["id"] for event in sim.truth(run)["committed"]]
        assert [r["type"] for r in records if r["subject"] == run.id][-1] == "bridge.run.ended"
