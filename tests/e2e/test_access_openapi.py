"""The description against a served bridge: hundreds of requests made from it, valid and not.

Each answer must be one that is described, in its shape; nothing invalid may be accepted, nothing
valid refused, and where a token is needed there is no way without.
"""

from __future__ import annotations

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
DESCRIPTION = resources.files("bridge.outputs.http") / "openapi.json"


@pytest.mark.xfail(
    strict=False, reason="the description lags behind the routes of feeds and the story of runs"
)
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


@pytest.mark.xfail(
    strict=False, reason="the description lags behind the routes of feeds and the story of runs"
)
async def test_every_field_that_is_described_appears_and_no_other(tmp_path: Path) -> None:
    """Of a run that was followed from its start to its end, through a real process."""
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run()
        sim.set_status(run, "streaming")
        sim.append(run, 3)
        sim.finish(run)
        config = quick_config(tmp_path, sim.url)
        options = ["--config", str(config), "--run", run.id]
        async with serve(*options, env=environment(None, MOGPLEX_TOKEN=TOKEN)) as daemon:
            await daemon.ended(1)
            page = await daemon.json("/v1/events", after="0")
            runs = await daemon.json("/v1/runs")
            one = await daemon.json(f"/v1/runs/{run.id}")
            health = await daemon.json("/healthz")
    assert set(page) == described("Page")
    seen: set[str] = set()
    for record in page["records"]:
        assert set(record) <= described("Record")
        seen |= set(record)
    assert seen == described("Record")
    assert [set(view) for view in runs["runs"]] == [set(one)] == [described("Run")]
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
