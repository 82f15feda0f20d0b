"""The description against a served bridge: hundreds of requests made from it, valid and not.

Each answer must be one that is described, in its shape; nothing invalid may be accepted, nothing
valid refused, and where a token is needed there is no way without.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import Simulator
from tests.e2e.attacked import RUN, TOKENS, attacked
from tests.e2e.processes import TOKEN, environment, quick_config, serve

pytestmark = pytest.mark.e2e

CONFIG = Path(__file__).parent / "schemathesis.toml"
PROMPT = {"type": "started", "payload": {"prompt": "Mend the build"}}
SAID = {"type": "log", "message": "I look at it", "payload": {"kind": "assistant_final"}}
CALLED = {"type": "tool_started", "toolName": "bash", "payload": {"toolCallId": "call_1"}}
DESCRIPTION = resources.files("bridge.outputs.http") / "openapi.json"


# Of spaces and sandboxes alone; tests/clients/page_feeds.mjs reads them.
OF_OTHERS = {"lastSpeaker", "messageTypes", "threads", "lastExitCode"}


@pytest.mark.parametrize("with_auth", [False, True], ids=["open", "auth"])
def test_every_answer_is_as_described(tmp_path: Path, with_auth: bool) -> None:
    """Each operation at every limit of its parameters, and with a few requests made up freely.

    Chains of requests only once: they find the same with and without a token.
    """
    phases = "examples,coverage,fuzzing" + (",stateful" if with_auth else "")
    with attacked(tmp_path, with_auth=with_auth) as bridge:
        token = TOKENS["admin"][0] if with_auth else None
        assert bridge.ask("PUT", f"/v1/runs/{RUN}", token=token).status == 201
        command = [
            str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIG),
            "run", str(DESCRIPTION), "--url", f"http://{bridge.host}", "--checks", "all",
            "--max-examples", "5", "--generation-deterministic", "--phases", phases,
            "--request-timeout", "5", "--no-color", "--workers", "1",
        ]  # fmt: skip
        if token is not None:
            command += ["-H", f"Authorization: Bearer {token}"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(None), capture_output=True, check=False,
            timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout.decode()[-8000:] + done.stderr.decode()[-2000:]
        assert "request_failed" not in bridge.log()
        assert bridge.is_alive()


def described(name: str) -> set[str]:
    """The fields of a schema."""
    return set(json.loads(DESCRIPTION.read_bytes())["components"]["schemas"][name]["properties"])


async def test_every_field_that_is_described_appears_and_no_other(tmp_path: Path) -> None:
    """Of a run that fails and one that is in the middle of a tool call, through a real process."""
    async with Simulator(knobs={"limiter": "off"}) as sim:
        failed, busy = (sim.create_run(status="streaming") for _ in range(2))
        for run in (failed, busy):
            sim.append(run, [PROMPT, SAID, CALLED])
        sim.finish(failed, "failed", error="out of memory")
        config = quick_config(tmp_path, sim.url)
        options = ["--config", str(config), "--run", failed.id, "--run", busy.id]
        async with serve(*options, env=environment(None, MOGPLEX_TOKEN=TOKEN)) as daemon:
            await daemon.ended(1)
            async with asyncio.timeout(20):
                while "currentTool" not in await daemon.json(f"/v1/runs/{busy.id}"):
                    await asyncio.sleep(0.05)
            page = await daemon.json("/v1/events", after="0")
            runs = await daemon.json("/v1/runs")
            feeds = await daemon.json("/v1/feeds")
            ones = [await daemon.json(f"/v1/runs/{run.id}") for run in (failed, busy)]
            health = await daemon.json("/healthz")
    assert set(page) == described("Page")
    assert set().union(*page["records"]) == described("Record")
    assert set().union(*runs["runs"]) == set().union(*ones) == described("Run")
    assert set().union(*feeds["feeds"]) == described("Feed") - OF_OTHERS
    assert set(health) == described("Checks")


def test_every_field_of_a_problem_appears_and_no_other(tmp_path: Path) -> None:
    with attacked(tmp_path) as bridge:
        found: list[dict[str, Any]] = [
            bridge.ask("GET", path).json()
            for path in ("/v1/events?limit=x", "/v1/events?after=0-1", "/nothing", "/v1/runs/none")
        ]
    assert set().union(*found) == described("Problem")
    for problem in found:
        assert set(problem) >= {"type", "title", "status", "detail", "code"}
