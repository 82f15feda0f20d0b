"""`follow --url`: a running bridge read on a terminal or in CI; upstream is not asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.ci_runner import commands
from tests.clients.programs import READER, free_port, tokens_file
from tests.e2e.processes import environment, journal, quick_config, run, serve

pytestmark = pytest.mark.e2e


async def test_a_run_of_a_bridge_is_told_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with Simulator() as sim:
        followed = sim.create_run(events=30)
        sim.append(followed, {"type": "log", "message": "a ##[error]b", "payload": {}})
        sim.finish(followed, "failed", gap_s=0, error="Out of memory (exit 137)")
        options = [*journal(tmp_path), "--run", followed.id]
        async with serve(*options, env=environment(sim.url)) as daemon:
            args = ["follow", "--url", daemon.url, followed.id]
            code, out, err = await run(*args, env=environment(None))
            records = [json.loads(line) for line in out.splitlines()]
            assert code == 0
            assert [int(r["sequence"]) for r in records] == list(range(1, len(records) + 1))
            assert records[-1]["type"] == "bridge.run.ended"
            said, counts = err.splitlines()
            assert said.endswith("Out of memory (exit 137)")
            assert counts == "1 run: 1 failed"

            summary = tmp_path / "summary"
            runner = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
            env = environment(None, **runner, MOGPLEX_BRIDGE_FORMAT="pretty")
            code, out, err = await run(*args, "--exit-status", env=env)
            assert code == 1
            found = [name for name, _, _ in commands(out + err.encode())]
            assert found == ["group", "endgroup", "error"]
            assert "failed" in summary.read_text()

            code, out, err = await run(*args, env=environment(None, **runner))
            assert [json.loads(line) for line in out.splitlines()] == records
            assert commands(out + err.encode()) == []
            asked = len(sim.requests)
            await run(*args, env=environment(None))
            assert len(sim.requests) == asked
            await daemon.stop()


async def test_no_bridge_is_69_and_says_so() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out, err = await run("follow", "--url", url, env=environment(None))
    assert (code, out) == (69, b"")
    assert f"error: no bridge answers at {url}: connection refused; is it running" in err


async def test_a_token_of_the_bridge_opens_it(tmp_path: Path) -> None:
    async with Simulator() as sim:
        followed = sim.create_run(events=3)
        sim.finish(followed, gap_s=0)
        auth = f'{{tokens_file = "{tokens_file(tmp_path)}"}}'
        config = str(quick_config(tmp_path, sim.url, auth=auth))
        async with serve("--config", config, "--run", followed.id, env=environment(sim.url)) as d:
            token = tmp_path / "reader.token"
            token.write_text(READER)
            args = ["follow", "--url", d.url, followed.id]
            code, _, err = await run(*args, env=environment(None))
            assert code == 64
            assert "--token-file" in err
            code, out, _ = await run(*args, "--token-file", str(token), env=environment(None))
            assert code == 0
            assert out
            await d.stop()
