"""Programs of other people, and what they are tested against: real processes on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "docs/examples"
ARTEFACTS = ROOT / "artefacts"
MODULES = HERE / "node_modules"
ADMIN = "a" * 40
READER = "r" * 40
WRITER = "w" * 40
OWN = "o" * 40


def need(*programs: str) -> None:
    """Skip where a program is missing; in CI its absence is a failure."""
    missing = [p for p in programs if shutil.which(p, path=search_path()) is None]
    if not MODULES.is_dir() and "node" in programs:
        missing.append("npm packages (npm ci in tests/clients)")
    if missing:
        text = f"needs {', '.join(missing)}; `make test` and .ci/run install what is missing"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)


def search_path() -> str:
    """Daemons are not in everybody's path."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tokens_file(directory: Path, *, one_run: str = "") -> Path:
    """A token that may do all, one that may read, one that may start and cancel runs, and one that
    may do that with `one_run` alone, if there is one.
    """
    tokens = [
        ("admin", ADMIN, '["read", "admin"]', ""),
        ("reader", READER, '["read"]', ""),
        ("writer", WRITER, '["read", "write"]', ""),
    ]
    if one_run:
        tokens.append(("own", OWN, '["read", "write"]', f'runs = ["{one_run}"]\n'))
    path = directory / "tokens.toml"
    path.write_text(
        "".join(
            f'[[tokens]]\nname = "{name}"\nscopes = {scopes}\n{limit}'
            f'sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
            for name, token, scopes, limit in tokens
        )
    )
    return path


async def head_of(url: str, runs: int, within_s: float = 30.0) -> int:
    """The newest sequence, once so many runs have ended."""
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with aiohttp.ClientSession(url, headers=headers) as session, asyncio.timeout(within_s):
        ended, after = 0, "0"
        while True:
            async with session.get("/v1/events", params={"after": after, "limit": "1000"}) as reply:
                page = await reply.json()
            after = page["next"]
            ended += sum(r["type"] == "bridge.run.ended" for r in page["records"])
            if not page["records"]:
                if ended >= runs and after != "0":
                    return int(after.rpartition("-")[2])
                await asyncio.sleep(0.1)


@asynccontextmanager
async def program(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stderr: int = asyncio.subprocess.STDOUT,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program; at the end it and its children are killed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env={**os.environ, "PATH": search_path(), **(env or {})},
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
        limit=16 * 1024 * 1024,  # a line is a record
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        await process.wait()
        await _drained(process)


async def _drained(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdin.close()
    async with asyncio.timeout(5):
        while await process.stdout.read(65536):
            pass


async def play(script: str, *args: str, orders: Mapping[str, Any], timeout_s: float = 90.0) -> str:
    """Run a browser script to its end and return what it said. `> word` runs an order."""
    said: list[str] = []
    try:
        async with (
            asyncio.timeout(timeout_s),
            program("node", HERE / script, *args, env={"ARTEFACTS": str(ARTEFACTS)}) as process,
        ):
            assert process.stdout is not None
            assert process.stdin is not None
            while line := (await process.stdout.readline()).decode():
                said.append(line)
                if line.startswith("> "):
                    await orders[line[2:].strip()]()
                    process.stdin.write(b"\n")
            code = await process.wait()
    except TimeoutError:
        raise AssertionError(f"{script} did not end: {''.join(said)}") from None
    text = "".join(said)
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / script).with_suffix(".log").write_text(text)
    assert code == 0, text
    return text
