"""Commands beside the daemon, as their users see them: real processes on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, journal, run, serve

pytestmark = pytest.mark.e2e


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
        assert "belongs to another journal" in err
        await _leaves_quietly("export", *place, env=env)
        await _leaves_quietly("export", *place, "--format", "pretty", env=env)
        await _leaves_quietly("check", env=env)


async def _leaves_quietly(*command: str, env: dict[str, str]) -> None:
    """`| head -1`: no traceback, no message, exit code 0."""
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


# What takes long to import and does nothing for `follow` in a pipe; `bench.startup` has the time.
NOT_FOR_FOLLOW = ("rich.console", "pygments", "aiohttp.web", "sqlite3", "zstandard", "nats")


async def test_the_first_record_does_not_wait_for_libraries_that_follow_never_uses() -> None:
    async with Simulator() as sim:
        one = sim.create_run()
        sim.append(one, 3)
        sim.finish(one, "success")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-X", "importtime", "-m", "bridge", "follow", one.id,
            env=environment(sim.url), stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    assert orjson.loads(out.splitlines()[0])["subject"] == one.id
    lines = [line for line in err.decode().splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip() for line in lines}
    assert {"click", "aiohttp", "structlog", "bridge.daemon.once"} <= loaded
    assert loaded.isdisjoint(NOT_FOR_FOLLOW)


async def test_a_server_with_auth_answers_who_has_a_token_and_logs_as_configured(
    tmp_path: Path,
) -> None:
    token = "reader-of-this-test"
    (tmp_path / "tokens.toml").write_text(
        f'[[tokens]]\nname = "reader"\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'
    )
    config = tmp_path / "bridge.toml"
    config.write_text(
        f'journal = "sqlite:{tmp_path / "journal.db"}"\n'
        f'[auth]\ntokens_file = "{tmp_path / "tokens.toml"}"\n'
        "[metrics]\nopen = true\n"
        '[log]\nformat = "text"\n'
    )
    env = environment("http://127.0.0.1:9")
    async with serve("--config", str(config), env=env) as daemon:
        assert await daemon.status("GET", "/v1/events?after=0") == 401
        assert await daemon.status("GET", "/metrics") == 200
        assert await daemon.status("GET", "/readyz") == 200
        headers = {"Authorization": f"Bearer {token}"}
        assert await daemon.status("GET", "/v1/events?after=0", **headers) == 200
        assert await daemon.status("PUT", f"/v1/runs/{'0' * 8}-0000-4000-8000-{'0' * 12}",
                                   **headers) == 403  # fmt: skip
        assert await daemon.stop() == 0
    assert not any(line.startswith("{") for line in daemon.stderr)
