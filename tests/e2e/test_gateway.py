"""The gateway of a real process: commands through it, curl, and a kill between start and answer."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, quick_config, run, serve

pytestmark = pytest.mark.e2e

API = "/api/v1/mogplex"
ENV = environment(None, MOGPLEX_TOKEN=TOKEN)
KNOBS = {"limiter": "off", "run_start_limiter": "off"}


def gateway_config(directory: Path, url: str) -> Path:
    path = quick_config(directory, url)
    path.write_text(path.read_text() + "[gateway]\nenabled = true\n")
    return path


async def test_the_commands_work_through_a_bridge_and_straight(tmp_path: Path) -> None:
    async with Simulator(knobs=KNOBS) as sim:
        repo = sim.world.account.repos[0]["id"]
        config = gateway_config(tmp_path, sim.url)
        async with serve("--config", str(config), env=ENV) as daemon:
            straight = environment(sim.url)
            for where, env in ((["--url", daemon.url], ENV), ([], straight)):
                code, out, err = await run(
                    "run", "Fix it", "--repo", repo, "--idempotency-key", "k" + str(len(where)),
                    *where, env=env,
                )  # fmt: skip
                assert code == 0, err
                run_id = out.decode().strip()
                assert "idempotency key: k" in err
                sim.append(run_id, 3)
                sim.finish(run_id)
                code, out, err = await run("runs", "events", "--follow", "--json", run_id, *where,
                                           env=env)  # fmt: skip
                assert code == 0, err
                lines = [json.loads(line) for line in out.splitlines()]
                assert lines[-1] == {"runId": run_id, "status": "success"}
                assert [one["id"] for one in lines[:-1]] == [
                    event.id for event in sim.run(run_id).commits
                ]
                code, out, _ = await run("runs", "get", run_id, *where, env=env)
                assert (code, out.decode()) == (0, f"{run_id}  success\n")
                code, out, _ = await run("runs", "cancel", run_id, "--json", *where, env=env)
                assert (code, json.loads(out)["run"]["runId"]) == (0, run_id)
            code, out, _ = await run("runs", "list", "--url", daemon.url, env=ENV)
            assert code == 0
            assert b"success" in out
            code, _, err = await run("runs", "list", env=straight)
            assert code == 2
            assert "no list" in err
            code, _, err = await run("runs", "get", str(uuid.uuid4()), "--url", daemon.url, env=ENV)
            assert (code, "NOT_FOUND" in err) == (1, True)
            code, _, _ = await run("runs", "get", str(uuid.uuid4()), "--url", "http://127.0.0.1:9",
                                   env=ENV)  # fmt: skip
            assert code == 69


async def test_a_kill_between_start_and_answer_loses_no_run(tmp_path: Path) -> None:
    async with Simulator(knobs={**KNOBS, "delay_s": 1.5}) as sim:
        config = gateway_config(tmp_path, sim.url)
        body = {"repoId": sim.world.account.repos[0]["id"], "prompt": "Fix it"}
        async with (
            serve("--config", str(config), env=ENV) as daemon,
            aiohttp.ClientSession() as session,
            asyncio.TaskGroup() as group,
        ):
            start = group.create_task(_start(session, daemon.url, body, "one-key"))
            async with asyncio.timeout(30):
                while not sim.world.store.runs:
                    await asyncio.sleep(0.01)
            daemon.process.send_signal(signal.SIGKILL)
            assert await start is None, "nobody was answered"
        (run_id,) = sim.world.store.runs
        sim.world.knobs.delay_s = 0.0
        async with serve("--config", str(config), env=ENV) as daemon:
            async with asyncio.timeout(60):
                while run_id not in [
                    one["runId"] for one in (await daemon.json("/v1/runs"))["runs"]
                ]:
                    await asyncio.sleep(0.1)
            async with aiohttp.ClientSession() as session:
                again = await _start(session, daemon.url, body, "one-key")
            assert again is not None
            assert again["data"]["runId"] == run_id
            assert again["data"]["replayed"] is True
        assert len(sim.world.store.runs) == 1


async def _start(session: aiohttp.ClientSession, url: str, body: Any, key: str) -> Any:
    try:
        async with session.post(
            f"{url}{API}/runs", json=body, headers={"Idempotency-Key": key}
        ) as answer:
            return await answer.json()
    except aiohttp.ClientError:
        return None
