"""Clients of the gateway over a kill -9 of the bridge: every event, each once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.simulator import Simulator
from bridge.wire.sse import FrameDecoder
from tests.e2e.processes import TOKEN, environment, ids, quick_config, serve

pytestmark = pytest.mark.e2e

API = "/api/v1/mogplex"
ENV = environment(None, MOGPLEX_TOKEN=TOKEN)
KNOBS = {"limiter": "off", "run_start_limiter": "off"}
EVENTS = 451  # upstream shows 200
BEHIND_MAX = 20  # so that upstream's newest 200 hold whatever the bridge has not read


class Client:
    """One that survives its bridge: what it got, in order."""

    def __init__(self, session: aiohttp.ClientSession, run: Any) -> None:
        self._session = session
        self._run = run
        self._path = f"{API}/runs/{run.id}/events"
        self.url = ""
        self.ids: list[str] = [run.commits[0].id]

    def has_all(self) -> bool:
        """Has what is last of a run that is over."""
        return self._run.status == "success" and self.ids[-1] == self._run.commits[-1].id

    async def page(self) -> None:
        """Read page by page behind what came last."""
        while not self.has_all():
            with contextlib.suppress(aiohttp.ClientError):
                after = {"after": self.ids[-1]}
                async with self._session.get(self.url + self._path, params=after) as answer:
                    if answer.status == 200:
                        found = (await answer.json())["data"]["events"]
                        self.ids += [event["id"] for event in found]
            await asyncio.sleep(0.05)

    async def stream(self) -> None:
        """Take the stream, and after every cut go on behind the last whole frame."""
        while not self.has_all():
            decoder = FrameDecoder()
            headers = {"Last-Event-ID": self.ids[-1]}
            with contextlib.suppress(aiohttp.ClientError):
                url = f"{self.url}{self._path}/stream"
                async with self._session.get(url, headers=headers) as answer:
                    if answer.status == 200:
                        async for chunk in answer.content.iter_any():
                            frames = decoder.feed(chunk)
                            self.ids += [frame.id for frame in frames if frame.event != "run"]
            await asyncio.sleep(0.05)


async def test_over_kills_clients_that_page_and_that_stream_have_every_event_once(
    tmp_path: Path,
) -> None:
    async with Simulator(knobs=KNOBS) as sim, aiohttp.ClientSession() as session:
        run = sim.create_run(events=1)
        config = quick_config(tmp_path, sim.url)
        config.write_text(config.read_text() + "[gateway]\nenabled = true\n")
        pager, streamer = Client(session, run), Client(session, run)
        async with asyncio.TaskGroup() as group:
            for seen_before_kill in (0, 1):
                args = ("--config", str(config), "--run", run.id)
                async with serve(*args, env=ENV) as daemon:
                    pager.url = streamer.url = daemon.url
                    if not seen_before_kill:
                        group.create_task(pager.page())
                        group.create_task(streamer.stream())
                    await _grow(sim, run, len(run.commits) + 60, pager)
                    await _until(lambda: len(streamer.ids) == len(run.commits))
                    enough = len(pager.ids) + seen_before_kill
                    sim.append(run, 50)
                    await _until(lambda: len(pager.ids) >= enough)  # noqa: B023 - used at once
                    daemon.process.send_signal(signal.SIGKILL)
                    await daemon.process.wait()
                sim.append(run, 50)
            async with serve("--config", str(config), env=ENV) as daemon:
                pager.url = streamer.url = daemon.url
                await _grow(sim, run, EVENTS - 1, pager)
                sim.finish(run)
                await _until(lambda: pager.has_all() and streamer.has_all())
                found = await daemon.json(f"/v1/runs/{run.id}/events", after="0", limit="1000")
        kept = ids(found["records"], run.id)
        assert len(kept) == EVENTS
        assert kept == [event.id for event in run.commits]
        assert pager.ids == kept
        assert streamer.ids == kept


async def _grow(sim: Simulator, run: Any, events: int, reader: Client) -> None:
    """Let it have so many, never more than upstream shows before they are read."""
    while len(run.commits) < events:
        sim.append(run, min(50, events - len(run.commits)))
        await _until(lambda: len(reader.ids) >= len(run.commits) - BEHIND_MAX)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)
