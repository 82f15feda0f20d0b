"""`serve --ndjson -`: in order, as fast as the reader reads, and quiet when it leaves."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, ids, quick_config

pytestmark = pytest.mark.e2e

ENV = environment(None, MOGPLEX_TOKEN=TOKEN)


@asynccontextmanager
async def into_a_pipe(config: Path) -> AsyncIterator[tuple[Daemon, int]]:
    """A daemon, and the reading end of its stdout, which the caller closes."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "serve", "--config", str(config), "--ndjson", "-",
        "--listen", "127.0.0.1:0", env=ENV, stdout=writing, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    assert process.stderr is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(20):
            while not lines or "listens on" not in lines[-1]:
                lines.append((await process.stderr.readline()).decode())
                assert lines[-1], lines
        url = re.search(r"http://\S+", lines[-1])
        assert url is not None
        daemon = Daemon(process, url[0])
        daemon.stderr = lines
        yield daemon, reading
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        one = sim.create_run(events=5)
        config = quick_config(tmp_path, sim.url)
        with config.open("a") as file:
            file.write(f'runs = ["{one.id}"]\n')
        async with into_a_pipe(config) as (daemon, reading):
            with open(reading, "rb") as pipe:  # as `head -n 3`
                first = [await asyncio.to_thread(pipe.readline) for _ in range(3)]
            async with asyncio.timeout(20):
                assert await daemon.process.wait() == 0
            assert daemon.process.stderr is not None
            rest = (await daemon.process.stderr.read()).decode()
    assert [int(orjson.loads(line)["sequence"]) for line in first] == [1, 2, 3]
    assert "sink.reader_gone" in rest
    for loud in ("Traceback", '"warning"', '"error"', "Broken"):
        assert loud not in rest


async def test_a_reader_that_sleeps_costs_nothing_and_gets_all_in_order(tmp_path: Path) -> None:
    """A pipe takes 64 KiB; the rest waits in the journal, and upstream is followed on."""
    async with Simulator(knobs={"limiter": "off"}) as sim:
        one = sim.create_run(events=120)
        config = quick_config(tmp_path, sim.url)
        with config.open("a") as file:
            file.write(f'runs = ["{one.id}"]\n')
        async with into_a_pipe(config) as (daemon, reading):
            for count in range(120, 360, 60):
                async with asyncio.timeout(20):
                    while (await daemon.json(f"/v1/runs/{one.id}"))["events"] < count:
                        await asyncio.sleep(0.05)
                sim.append(one, 60)
            sim.finish(one, order="event_first", gap_s=0.1)
            await daemon.ended(1)
            health = (await daemon.json("/healthz"))["checks"]["sink stdout"]
            assert health["ok"] is True
            assert health["lag"] > 100
            pages = await daemon.records()
            assert len(pages) > 360
            found = []
            with open(reading, "rb") as pipe:
                while len(found) < len(pages):
                    found.append(orjson.loads(await asyncio.to_thread(pipe.readline)))
                assert await daemon.stop() == 0
                assert pipe.read() == b""
    assert found == pages
    assert ids(found, one.id) == [event["id"] for event in sim.truth(one)["committed"]]
