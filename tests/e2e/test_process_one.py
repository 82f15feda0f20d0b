"""As process 1 of a container: SIGTERM ends every command, from its first second on."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.simulator import Simulator

UNSHARE = [shutil.which("unshare") or "", "--pid", "--fork", "--kill-child", "--mount-proc"]
TOKEN = "mog_" + "t" * 24


def may_unshare() -> bool:
    return bool(UNSHARE[0]) and subprocess.run([*UNSHARE, "true"], check=False).returncode == 0


needs_unshare = pytest.mark.skipif(not may_unshare(), reason="no right to make a process 1 here")


async def inside(*args: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    """A command as process 1 of its own; signals go to its one child of `unshare`."""
    return await asyncio.create_subprocess_exec(
        *UNSHARE, sys.executable, "-m", "bridge", *args,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
    )  # fmt: skip


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(60):
        return await process.wait()


async def line_of(stream: asyncio.StreamReader | None, text: str) -> None:
    assert stream is not None
    async with asyncio.timeout(60):
        while text not in (line := (await stream.readline()).decode()):
            assert line, f"it ended without {text!r}"


@needs_unshare
async def test_simulate_as_process_one_hears_sigterm() -> None:
    process = await inside("simulate", "--listen", "127.0.0.1:0")
    await line_of(process.stderr, "simulator")
    subprocess.run(["kill", "-TERM", str(child_of(process.pid))], check=True)
    assert await ended(process) == 128 + signal.SIGTERM


@needs_unshare
async def test_follow_as_process_one_hears_sigterm() -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=3)
        env = {"PATH": "/usr/bin:/bin", "MOGPLEX_TOKEN": TOKEN, "MOGPLEX_BASE_URL": sim.url}
        process = await inside("follow", run.id, env=env)
        await line_of(process.stdout, "com.mogplex.run.event")
        subprocess.run(["kill", "-TERM", str(child_of(process.pid))], check=True)
        assert await ended(process) == 128 + signal.SIGTERM


@needs_unshare
async def test_serve_as_process_one_hears_sigterm_before_it_serves(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "MOGPLEX_TOKEN": TOKEN}
    journal = f"sqlite:{tmp_path / 'journal.db'}"
    process = await inside("serve", "--listen", "127.0.0.1:0", "--journal", journal, env=env)
    async with asyncio.timeout(30):
        while not await _handles_sigterm(process.pid):
            await asyncio.sleep(0.005)
    subprocess.run(["kill", "-TERM", str(child_of(process.pid))], check=True)
    assert await ended(process) in (0, 128 + signal.SIGTERM)


async def _handles_sigterm(pid: int) -> bool:
    """Whether the child has a handler for it; Python installs none of itself."""
    try:
        status = Path(f"/proc/{child_of(pid)}/status").read_text()
    except (OSError, IndexError):
        return False
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)
