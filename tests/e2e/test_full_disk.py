"""The daemon on a file system that is really full: it waits, says so, serves on, and resumes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.simulator import Simulator
from tests.e2e.disks import fill
from tests.e2e.processes import TOKEN, Daemon, environment, ids, quick_config, run, serve

pytestmark = pytest.mark.e2e

ENV = environment(None, MOGPLEX_TOKEN=TOKEN)


@asynccontextmanager
async def following(directory: Path, output: str) -> AsyncIterator[tuple[Simulator, Any, Path]]:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        one = sim.create_run(events=30)
        config = quick_config(directory, sim.url)
        with config.open("a") as file:
            file.write(f'runs = ["{one.id}"]\n{output}')
        yield sim, one, config


async def until(daemon: Daemon, check: str, *, ok: bool) -> dict[str, Any]:
    """Wait until a check of /healthz says so."""
    async with asyncio.timeout(20), aiohttp.ClientSession() as session:
        while True:
            async with session.get(daemon.url + "/healthz") as response:
                found = (await response.json())["checks"][check]
                if found["ok"] is ok:
                    assert response.status == 503 or ok
                    return dict(found)
            await asyncio.sleep(0.05)


async def metric(daemon: Daemon, line: str) -> bool:
    async with (
        aiohttp.ClientSession() as session,
        session.get(daemon.url + "/metrics") as response,
    ):
        return line in (await response.text()).splitlines()


async def until_events(daemon: Daemon, run_id: str, count: int) -> None:
    async with asyncio.timeout(20):
        while (await daemon.json(f"/v1/runs/{run_id}"))["events"] < count:
            await asyncio.sleep(0.05)


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an output that waits for nothing."""
    lines, torn = lines_so_far(path)
    assert not torn
    return lines


def lines_so_far(path: Path) -> tuple[list[dict[str, Any]], bytes]:
    """The complete lines, and what stands behind the last: room may end in the middle of a line."""
    complete, _, torn = path.read_bytes().rpartition(b"\n")
    return [orjson.loads(line) for line in complete.splitlines()], torn


async def test_a_full_disk_holds_the_sources_not_the_readers_and_resumes_by_itself(
    small_disk: Path,
) -> None:
    output = f'[[outputs]]\npath = "{small_disk / "events.ndjson"}"\n'
    async with following(small_disk, output) as (sim, one, config):
        async with serve("--config", str(config), env=ENV) as daemon:
            await until_events(daemon, one.id, 30)
            ballast = fill(small_disk)
            head = 0
            async with asyncio.timeout(20):  # what the WAL still has room for goes through
                while True:
                    sim.append(one, 10)
                    await asyncio.sleep(0.2)
                    if not await metric(daemon, "mogplex_bridge_journal_writable 1.0"):
                        break
            told = await until(daemon, "journal", ok=False)
            assert "cannot be written now" in told["detail"]
            assert "the bridge recovers automatically" in told["detail"]
            assert await metric(daemon, "mogplex_bridge_journal_writable 0.0")
            assert await daemon.status("GET", "/livez") == 200
            assert await daemon.status("GET", "/readyz") == 503
            # Readers go on: pages, and a stream from the beginning.
            head = told["head"]
            shown = await daemon.records()
            assert len(shown) == head >= 30
            headers = {"Accept": "application/x-ndjson"}
            async with (
                aiohttp.ClientSession() as session,
                session.get(daemon.url + "/v1/events?after=0", headers=headers) as response,
            ):
                streamed = [orjson.loads(await response.content.readline()) for _ in shown]
            assert streamed == shown
            lines, torn = lines_so_far(small_disk / "events.000001.ndjson")
            assert lines == shown[: len(lines)]
            # The part of a line names the record that comes next, which it becomes later.
            assert not torn or orjson.dumps(shown[len(lines)]).startswith(torn)
            # The sources wait: nothing more is stored, and nothing is given up.
            sim.append(one, 10)
            await asyncio.sleep(1.0)
            assert len(await daemon.records()) == head
            ballast.unlink()
            await until(daemon, "journal", ok=True)
            sim.finish(one, order="event_first", gap_s=0.1)
            await daemon.ended(1)
            pages = await daemon.records()
            assert pages[:head] == shown
            assert await daemon.stop() == 0
        truth = [event["id"] for event in sim.truth(one)["committed"]]
        assert ids(pages, one.id) == truth
        assert whole_lines(small_disk / "events.000001.ndjson") == pages


async def test_a_disk_full_at_the_start_serves_what_it_has_and_resumes(small_disk: Path) -> None:
    output = f'[[outputs]]\npath = "{small_disk / "events.ndjson"}"\n'
    async with following(small_disk, output) as (sim, one, config):
        async with serve("--config", str(config), env=ENV) as daemon:
            await until_events(daemon, one.id, 30)
            await daemon.stop(signal.SIGKILL)
        ballast = fill(small_disk)
        sim.append(one, 10)
        async with serve("--config", str(config), env=ENV) as daemon:
            shown = await daemon.records()
            assert ids(shown, one.id)[:30] == [e["id"] for e in sim.truth(one)["committed"]][:30]
            await until(daemon, "journal", ok=False)
            ballast.unlink()
            await until_events(daemon, one.id, 40)
            await until(daemon, "journal", ok=True)
            sim.finish(one, order="event_first", gap_s=0.1)
            await daemon.ended(1)
            pages = await daemon.records()
            assert await daemon.stop() == 0
        assert ids(pages, one.id) == [event["id"] for event in sim.truth(one)["committed"]]
        assert whole_lines(small_disk / "events.000001.ndjson") == pages


async def test_one_output_that_cannot_write_stops_no_other_and_catches_up(
    small_disk: Path, tmp_path: Path
) -> None:
    """Its disk is full, then its directory is gone; the other output and the readers go on."""
    place = small_disk / "logs"
    place.mkdir()
    failing, fine = place / "events.ndjson", tmp_path / "fine.ndjson"
    output = f'[[outputs]]\npath = "{failing}"\n[[outputs]]\npath = "{fine}"\nnaming = "fixed"\n'
    async with following(tmp_path, output) as (sim, one, config):  # noqa: SIM117 - two things
        async with serve("--config", str(config), env=ENV) as daemon:
            await until_events(daemon, one.id, 30)
            ballast = fill(small_disk)
            sim.append(one, 30)
            await until_events(daemon, one.id, 60)
            told = await until(daemon, f"sink {failing}", ok=False)
            assert "retrying" in told["detail"]
            assert await metric(daemon, f'mogplex_bridge_sink_blocked{{sink="{failing}"}} 1.0')
            await until(daemon, f"sink {fine}", ok=True)
            async with asyncio.timeout(20):
                while len(ids(lines_so_far(fine)[0], one.id)) < 60:
                    await asyncio.sleep(0.05)
            assert len(ids(lines_so_far(place / "events.000001.ndjson")[0], one.id)) < 60
            ballast.unlink()
            await until(daemon, f"sink {failing}", ok=True)
            place.rename(small_disk / "away")
            sim.append(one, 10)
            await until(daemon, f"sink {failing}", ok=False)
            (small_disk / "away").rename(place)
            sim.finish(one, order="event_first", gap_s=0.1)
            await daemon.ended(1)
            await until(daemon, f"sink {failing}", ok=True)
            pages = await daemon.records()
            assert await daemon.stop() == 0
    assert whole_lines(fine) == pages
    code, out, err = await run("verify", *map(str, sorted(place.glob("*.ndjson"))), env=ENV)
    assert (code, f" {len(pages)} records" in out.decode()) == (0, True), (out, err)
