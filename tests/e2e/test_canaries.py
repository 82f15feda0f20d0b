"""The real program with a secret in everything upstream says: on disk, on the wire, on stderr.

`tests/scenarios/test_canaries.py` has the hour and the crash; here are the parts that only the
whole program has: the journal's file and write-ahead log, files of lines, every stream and route.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.canaries import Canaries, CanarySimulator
from tests.e2e.processes import environment, quick_config, serve

pytestmark = pytest.mark.e2e

TOKEN = "mog_" + "Kq7Zt2" * 4
TALK_S = 3.0
ROUTES = (
    "/metrics", "/v1/runs", "/healthz", "/readyz", "/livez", "/openapi.json",
    "/v1/events?after=0&limit=1000", "/",
)  # fmt: skip


def _files(directory: Path) -> Iterator[tuple[str, str]]:
    """Every file below, as text; finished files unpacked."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != "bridge.toml":
            data = path.read_bytes()
            yield path.name, data.decode("latin-1")
            if path.suffix == ".gz":
                yield path.name, gzip.decompress(data).decode()


async def _listen(url: str, accept: str, heard: list[bytes]) -> None:
    """Keep what a stream says until it is cancelled."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, params={"after": "0"}, headers={"Accept": accept}) as response,
    ):
        async for piece in response.content.iter_any():
            heard.append(piece)


async def _listen_by_websocket(url: str, heard: list[bytes]) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url.replace("http", "ws", 1) + "?after=0") as socket,
    ):
        async for message in socket:
            heard.append(str(message.data).encode())


async def _ask(url: str, paths: list[str]) -> list[str]:
    """Bodies and headers of plain requests, refusals too."""
    found = []
    async with aiohttp.ClientSession() as session:
        for path in paths:
            async with session.get(url + path) as response:
                found.append(f"{response.headers}\n{await response.text()}")
    return found


async def _talk(sim: CanarySimulator, runs: list[Any], canaries: Canaries) -> None:
    for number in range(30):
        run = runs[number % len(runs)]
        sim.append(
            run,
            {
                "type": "log" if number % 2 else "tool_started",
                "message": canaries.text(),
                "tool_name": canaries.text(),
                "payload": canaries.tree({"input": {"command": "x"}, "lines": ["a", "b"]}),
            },
        )
        if number % 5 == 0:
            kind = ("reply", "html_5xx", "not_json")[number // 5 % 3]
            more = {"status": 403, "code": "CONFLICT", "message": canaries.text()}
            sim.fault(kind, **(more if kind == "reply" else {}))
        await asyncio.sleep(TALK_S / 30)
    for run in runs:
        sim.set_status(run, "streaming", error=canaries.text())
        sim.finish(run)


async def test_no_canary_is_on_disk_on_the_wire_or_in_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = Canaries(seed=11, own_token=TOKEN)
    seen: list[tuple[str, str]] = []
    knobs = {"limiter": "off", "stream_comment_s": 0.5, "stream_max_s": 2.0}
    async with CanarySimulator(canaries, monkeypatch, knobs=knobs) as sim:
        runs = [sim.create_run(events=2) for _ in range(2)]
        (tmp_path / "state").mkdir()
        config = quick_config(tmp_path / "state", sim.url)
        with config.open("a") as file:
            file.write(
                '[log]\nlevel = "debug"\n[[outputs]]\ntype = "ndjson"\n'
                f'path = "{tmp_path / "state" / "events.ndjson"}"\n'
                'rotate = {bytes = "64KiB"}\ncompress = "gzip"\n'
            )
        gone = "00000000-0000-4000-8000-00000000dead"
        options = ["--config", str(config), "--run", gone]
        for run in runs:
            options += ["--run", run.id]
        async with serve(*options, env=environment(None, MOGPLEX_TOKEN=TOKEN)) as daemon:
            heard: list[bytes] = []
            events = daemon.url + "/v1/events"
            paths = [*ROUTES, *(f"/v1/runs/{run.id}" for run in runs), f"/v1/runs/{gone}"]
            # What a client says is not repeated either: it may have mixed its arguments up.
            paths += [f"/v1/runs/{TOKEN}", f"/v1/events?{TOKEN}=1", f"/v1/events?after={TOKEN}"]
            async with asyncio.TaskGroup() as group:
                listening = [
                    group.create_task(_listen(events, "text/event-stream", heard)),
                    group.create_task(_listen(events, "application/x-ndjson", heard)),
                    group.create_task(_listen_by_websocket(events, heard)),
                ]
                await _talk(sim, runs, canaries)
                seen += [("route", text) for text in await _ask(daemon.url, paths)]
                seen += [(f"{name}, running", text) for name, text in _files(tmp_path / "state")]
                await daemon.ended(len(runs))
                await asyncio.sleep(0.5)
                for task in listening:
                    task.cancel()
            seen += [("route", text) for text in await _ask(daemon.url, paths)]
            seen.append(("streams", b"".join(heard).decode()))
            assert await daemon.stop() == 0
            seen.append(("stderr", "".join(daemon.stderr)))
        seen += list(_files(tmp_path / "state"))
    names = {name for name, _ in seen}
    assert {"journal.db, running", "journal.db-wal, running", "journal.db"} <= names
    assert any(name.startswith("events.") for name in names)
    assert len(canaries.planted) > 300
    heard_text = dict(seen)["streams"]
    assert heard_text.count("REDACTED") > 300
    assert "bridge.follow.failed" in heard_text
    leaks = {name: found for name, text in seen if (found := canaries.found_in(text))}
    assert leaks == {}
