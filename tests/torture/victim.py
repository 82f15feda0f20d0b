"""The process under torture: `serve` of a copy of the package, started, waited for, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

TOKEN = "mog_" + "t" * 24
_LOOK_S = 0.02
READY_S = 40.0  # the machine may be busy with other tests
END_S = 40.0


class Victim:
    """One life of the daemon."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, stderr: Path) -> None:
        self._process, self.url, self._stderr = process, url, stderr

    @classmethod
    async def start(
        cls,
        package: Path,
        config: Path,
        port: int,
        stderr: Path,
        faults: Mapping[str, str],
        *,
        runs_from: Path,
    ) -> Victim:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MOGPLEX", "XDG_", "PYTHON"))
        }
        environment = {**kept, **faults, "MOGPLEX_TOKEN": TOKEN, "PYTHONPATH": str(package)}
        with stderr.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bridge", "serve", "--config", str(config),
                "--runs-from", str(runs_from),
                env=environment, cwd=package, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL, stderr=file,
            )  # fmt: skip
        return cls(process, f"http://127.0.0.1:{port}", stderr)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @property
    def code(self) -> int | None:
        return self._process.returncode

    async def ready(self) -> bool:
        """Wait until it serves; False when it died before."""
        async with asyncio.timeout(READY_S):
            while self.is_alive:
                if await self.status("/livez") == 200:
                    return True
                await asyncio.sleep(_LOOK_S)
        return False

    async def dead_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        if self.is_alive:
            self._process.send_signal(number)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self._process.wait()

    async def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        self.send(signal.SIGTERM)
        async with asyncio.timeout(END_S):
            return await self._process.wait()

    async def status(self, path: str) -> int | None:
        answer = await self._get(path)
        return None if answer is None else answer[0]

    async def text(self, path: str) -> str:
        answer = await self._get(path)
        return "" if answer is None else answer[1]

    async def _get(self, path: str) -> tuple[int, str] | None:
        try:
            timeout = aiohttp.ClientTimeout(total=5.0)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.url + path) as response,
            ):
                return response.status, await response.text()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None

    def last_words(self) -> str:
        return self._stderr.read_text(errors="replace")[-1500:]
