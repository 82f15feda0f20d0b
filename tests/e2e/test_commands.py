"""Commands beside the daemon, as their users see them: real processes on loopback."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, journal, run, serve

pytestmark = pytest.mark.e2e

START_S_MAX = 1.0  # design.md 4: first record on stdout after the command, on an idle machine


async def test_export_and_health_read_beside_a_running_daemon(tmp_path: Path) -> None:
    async with Simulator() as sim:
        one = sim.create_run()
        sim.append(one, 20)
        sim.finish(one, order="event_first", gap_s=0.1)
        env = environment(sim.url)
        place = journal(tmp_path)
        async with serve(*place, "--run", one.id, env=env) as daemon:
            await daemon.ended(1)
            pages = await daemon.records()
            code, out, err = await run("export", *place, env=env)
            assert (code, err) == (0, "")
            assert [orjson.loads(line) for line in out.splitlines()] == pages
            code, out, _ = await run("health", "--url", daemon.url, env=env)
            assert (code, out) == (0, f"ready: {daemon.url}/readyz\n".encode())
            assert await daemon.stop() == 0
        code, out, _ = await run("health", "--url", daemon.url, env=env)
        assert code == 1
        assert out.startswith(b"unreachable: ")
        code, out, _ = await run(
            "export", *place, "--after", "3", "--type", "*.log", "--run", one.id, env=env
        )
        wanted = [r for r in pages if int(r["sequence"]) > 3 and r["type"].endswith(".log")]
        assert wanted
        assert [orjson.loads(line) for line in out.splitlines()] == wanted
        code, out, _ = await run("export", *place, "--format", "mogplex", env=env)
        assert out.splitlines()[-1] == f'{{"runId":"{one.id}","status":"success"}}'.encode()
        code, out, err = await run("export", *place, "--after", "zz-1", env=env)
        assert (code, out) == (78, b"")
        assert "is of another journal" in err


async def test_a_reader_that_leaves_ends_a_command_quietly(tmp_path: Path) -> None:
    """`| head -1`: no traceback, no message, exit code 0."""
    async with Simulator() as sim:
        one = sim.create_run()
        sim.append(one, 150)
        sim.finish(one, order="event_first", gap_s=0.1)
        env = environment(sim.url)
        place = journal(tmp_path)
        async with serve(*place, "--run", one.id, env=env) as daemon:
            await daemon.ended(1)
            await daemon.stop()
    for command in (("export", *place), ("export", *place, "--format", "pretty"), ("check",)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _UNREAD, sys.executable, "-m", "bridge", *command,
            env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert (command[0], out, err) == (command[0], b"0\n", b"")


# Runs a command whose stdout nobody can read any more, and prints its exit code.
_UNREAD = """
import os, subprocess, sys
reading, writing = os.pipe()
os.close(reading)
print(subprocess.run(sys.argv[1:], stdout=writing).returncode)
"""


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        (None, 0, "ok, http://127.0.0.1:"),
        ("token", 64, "refused: "),
        ("limit", 75, "rate limited: "),
        ("down", 69, "unreachable: "),
    ],
)
async def test_check_online_says_what_is_wrong_with_a_token(
    fault: str | None, code: int, word: str
) -> None:
    async with Simulator(knobs={"limiter_limit": 0 if fault == "limit" else 60}) as sim:
        env = environment(sim.url)
        if fault == "token":
            env["MOGPLEX_TOKEN"] = "not-a-token"
        if fault == "down":
            env["MOGPLEX_BASE_URL"] = "http://127.0.0.1:9"
        got, out, err = await run("check", "--online", env=env)
    assert word in out.decode()
    assert (got, err) == (code, "")
    assert TOKEN not in out.decode()


async def test_the_first_record_is_on_stdout_within_a_second() -> None:
    """The best of three: the machine may be busy, the code may not be slow."""
    async with Simulator() as sim:
        one = sim.create_run()
        sim.append(one, 3)
        took: list[float] = []
        for _ in range(3):
            begun = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bridge", "follow", one.id,
                env=environment(sim.url), stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            assert process.stdout is not None
            first = await process.stdout.readline()
            took.append(time.monotonic() - begun)
            assert orjson.loads(first)["subject"] == one.id
            process.terminate()
            await process.communicate()
            if took[-1] <= START_S_MAX:
                return
    pytest.fail(f"first record after {took} s")
