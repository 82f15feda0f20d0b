"""What the runbooks tell people to type works on a running bridge."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import Daemon, environment, journal, serve

RUNBOOKS = sorted((Path(__file__).parents[2] / "docs" / "runbooks").glob("*.md"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (shutil.which("jq") and shutil.which("curl")) and os.environ.get("CI") != "true",
        reason="no jq or curl here (Debian: apt-get install jq curl)",
    ),
]


def commands() -> list[tuple[str, str]]:
    """(page, command) of all that ask the bridge itself; others need systemd or a real host."""
    return [
        (page.stem, line)
        for page in RUNBOOKS
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.splitlines()
        if "$B/" in line
    ]


def names_in(command: str) -> set[str]:
    """Fields of a run that a jq filter picks or asks for."""
    picked = re.findall(r"\{([\w, ]+)\}", command)
    return {name.strip() for one in picked for name in one.split(",")} | set(
        re.findall(r"(?:select\(|and |sort_by\(-?\()\.(\w+)", command)
    )


async def fault(page: str, command: str, daemon: Daemon) -> str | None:
    """What goes wrong, if anything. grep may find nothing: on a good day there is nothing."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command,
        env={**os.environ, "B": daemon.url}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    may_be_empty = "grep" in command or "select(" in command
    if err or (process.returncode and "grep" not in command) or not (out or may_be_empty):
        return f"{page}: {command}: {process.returncode} {err.decode()} {out.decode()[:200]}"
    return None


async def test_every_command_for_the_bridge_runs_without_an_error(tmp_path: Path) -> None:
    asked = commands()
    assert len(asked) >= 30
    async with Simulator() as sim:
        failed, alive = sim.create_run(events=250), sim.create_run(events=5)
        sim.finish(failed, "failed", gap_s=0)
        options = [*journal(tmp_path), "--run", failed.id, "--run", alive.id]
        options += ["--ndjson", str(tmp_path / "events.ndjson")]
        async with serve(*options, env=environment(sim.url)) as daemon:
            async with asyncio.timeout(20):
                while len(await daemon.records()) < 200:
                    await asyncio.sleep(0.1)
            found = [await fault(page, command, daemon) for page, command in asked]
            assert [one for one in found if one is not None] == []
            # What upstream did not send is absent: the description has all names.
            described = (await daemon.json("/openapi.json"))["components"]["schemas"]["Run"]
            fields = set(described["properties"])
            assert set(await daemon.json(f"/v1/runs/{alive.id}")) <= fields
            strange = [
                (page, name)
                for page, command in asked
                if "/v1/runs" in command
                for name in names_in(command) - fields
            ]
            assert strange == []
            wrong = await fault("x", "curl -s $B/healthz | jq .checks.", daemon)
            assert wrong is not None  # so a wrong one would be seen
            await daemon.stop()
