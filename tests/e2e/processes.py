"""Real `mogplex-bridge` processes on loopback, against a simulator in the test's own loop."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

TOKEN = "mog_" + "e" * 24
START_S = 60.0  # the machine may be busy with other tests
LINES_SHOWN = 50  # of a process's stderr, below the test that failed


def environment(url: str | None, **more: str) -> dict[str, str]:
    """The test's own environment without anything that the bridge would read."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MOGPLEX", "XDG_")) and name != "NO_COLOR"
    }
    if url is not None:
        kept |= {"MOGPLEX_TOKEN": TOKEN, "MOGPLEX_BASE_URL": url}
    return kept | more


async def run(
    *args: str, env: Mapping[str, str], stdin: bytes | None = None, timeout_s: float = 60.0
) -> tuple[int, bytes, str]:
    """Run a command to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *args,
        env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate(stdin)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"{args} did not end: {err.decode()[-2000:]}") from None
    assert process.returncode is not None
    return process.returncode, out, err.decode()


class Daemon:
    """A running `serve`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.stderr: list[str] = []

    async def json(self, path: str, **params: str) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, params=params) as response,
        ):
            assert response.status == 200, await response.text()
            return orjson.loads(await response.read())

    async def status(self, method: str, path: str, **headers: str) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers) as response,
        ):
            await response.read()
            return response.status

    async def records(self, after: str = "0", path: str = "/v1/events") -> list[dict[str, Any]]:
        """Everything there is, by pages."""
        found: list[dict[str, Any]] = []
        while True:
            page = await self.json(path, after=after, limit="1000")
            found += page["records"]
            if page["next"] == after or not page["records"]:
                return found
            after = page["next"]

    async def ended(self, count: int, within_s: float = 60.0) -> None:
        """Wait until so many runs have ended."""
        async with asyncio.timeout(within_s):
            while True:
                runs = (await self.json("/v1/runs"))["runs"]
                if sum(run["state"] == "ended" for run in runs) >= count:
                    return
                await asyncio.sleep(0.1)

    async def stop(self, number: int = signal.SIGTERM, within_s: float = 20.0) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(within_s):
            return await self.process.wait()


@asynccontextmanager
async def serve(*args: str, env: Mapping[str, str]) -> AsyncIterator[Daemon]:
    """Start `serve` on a free port and wait until it listens; it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "serve", "--listen", "127.0.0.1:0", *args,
        env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    lines: list[str] = []
    url: str | None = None
    try:
        async with asyncio.timeout(START_S):
            while url is None:
                line = (await process.stderr.readline()).decode()
                lines.append(line)
                assert line, f"it ended: {lines}"
                if match := re.search(r"listens on (http://\S+)", line):
                    url = match[1]
        daemon = Daemon(process, url)
        daemon.stderr = lines
        async with asyncio.TaskGroup() as group:
            group.create_task(_keep(process.stderr, lines))
            yield daemon
            if process.returncode is None:
                process.kill()
            await process.wait()
    except BaseException:
        sys.stderr.write("".join(lines[-LINES_SHOWN:]))  # pytest shows it below the failure
        raise
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _keep(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())


def journal(directory: Path) -> list[str]:
    return ["--journal", f"sqlite:{directory / 'journal.db'}"]


def quick_config(directory: Path, url: str, **more: str) -> Path:
    """An account that polls as fast as the test can bear; for simulators without a limiter."""
    lines = [f'journal = "sqlite:{directory / "journal.db"}"']
    lines += [f"{key} = {value}" for key, value in more.items()]
    lines += [
        "[[accounts]]",
        'name = "default"',
        f'base_url = "{url}"',
        'token_env = "MOGPLEX_TOKEN"',
        "requests_per_minute = 6000",
        'min_interval = "50ms"',
    ]
    path = directory / "bridge.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def ids(records: Sequence[Mapping[str, Any]], run_id: str) -> list[str]:
    """Ids of the upstream events of one run, in order."""
    return [
        record["id"]
        for record in records
        if record["subject"] == run_id and record["type"].startswith("com.mogplex.run.event.")
    ]
