"""A damaged journal: the daemon stops, says what to do, overwrites nothing; doing it works."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
from pathlib import Path

import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, quick_config, run, serve

pytestmark = pytest.mark.e2e

ENV = environment(None, MOGPLEX_TOKEN=TOKEN)
PAGE_BYTES = 8192
LEAF = 0x0D  # first byte of a page with rows: sqlite.org/fileformat2.html, 1.6


async def test_what_the_error_says_to_do_saves_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with Simulator(knobs={"limiter": "off"}) as sim:
        runs = [sim.create_run(events=150) for _ in range(3)]
        config = quick_config(tmp_path, sim.url)
        options = ["--config", str(config)]
        for one in runs:
            sim.finish(one, order="event_first", gap_s=0.0)
            options += ["--run", one.id]
        async with serve(*options, env=ENV) as daemon:
            await daemon.ended(3)
            pages = await daemon.records()
            copy = tmp_path / "copy.db"
            code, _, err = await run("backup", "--config", str(config), str(copy), env=ENV)
            assert (code, f"up to sequence {len(pages)}" in err) == (0, True), err
            assert await daemon.stop(signal.SIGTERM) == 0
    whole = path.read_bytes()
    pages_of = [whole[at : at + PAGE_BYTES] for at in range(0, len(whole), PAGE_BYTES)]
    rows = [n for n, page in enumerate(pages_of) if page[0] == LEAF and b'"specversion"' in page]
    pages_of[rows[len(rows) // 2]] = b"\xaa" * PAGE_BYTES
    damaged = b"".join(pages_of)
    path.write_bytes(damaged)

    code, out, err = await run("serve", "--config", str(config), env=ENV)
    assert (code, out) == (1, b"")
    assert err.startswith(f"error: journal {path}: is damaged: ")
    assert err.count("\n") == 1
    assert path.read_bytes() == damaged

    told = re.search(r"`mogplex-bridge ([^`]*)`", err)
    assert told is not None
    code, out, err = await run(*shlex.split(told[1]), env=ENV)
    saved = [orjson.loads(line) for line in out.splitlines()]
    lost = len(pages) - len(saved)
    assert code == 1, "something is missing"
    assert 0 < lost < 40
    assert f"salvaged {len(saved)} records" in err
    of_old = {record["sequence"]: record for record in pages}
    assert all(of_old[record["sequence"]] == record for record in saved)
    assert path.read_bytes() == damaged

    # And then: moved away, with the copy that was made beside the daemon in its place.
    path.rename(tmp_path / "damaged.db")
    copy.rename(path)
    async with serve("--config", str(config), env=ENV) as daemon:
        assert await daemon.records() == pages
        runs = (await daemon.json("/v1/runs"))["runs"]
        assert [run["state"] for run in runs] == ["ended"] * 3


async def test_a_journal_into_which_another_program_wrote_takes_nothing_more(
    tmp_path: Path,
) -> None:
    """It was acknowledged into, and ended in a traceback of several errors."""
    path, lines = tmp_path / "journal.db", tmp_path / "events.ndjson"
    async with Simulator(knobs={"limiter": "off"}) as sim:
        one = sim.create_run(events=20)
        config = quick_config(tmp_path, sim.url)
        options = ["--config", str(config), "--run", one.id, "--ndjson", str(lines)]
        async with serve(*options, env=ENV) as daemon:
            while len(await daemon.records()) < 20:
                await asyncio.sleep(0.05)
            os.truncate(path.with_name("journal.db-wal"), 0)
            sim.append(one, {"type": "log", "message": "one more"})
            async with asyncio.timeout(20):
                while await daemon.status("GET", "/readyz") != 503:
                    await asyncio.sleep(0.05)
            assert await daemon.status("GET", "/livez") == 200
            assert await daemon.records()
            assert await daemon.stop() == 69
        said = [line for line in daemon.stderr if not line.startswith("{")]
        assert len(said) == 2, "".join(said)
        assert said[1].startswith(f"error: journal {path}: another program wrote into it")
        assert not any('"follow.crashed"' in line for line in daemon.stderr)
