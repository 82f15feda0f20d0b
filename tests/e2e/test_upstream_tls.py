"""Upstream behind TLS whose certificate is wrong for some seconds: what was read goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, quick_config, serve
from tests.e2e.test_access_tls import make_pair

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("openssl") is None and not os.environ.get("CI"),
        reason="openssl makes the certificates: apt-get install openssl",
    ),
]

REFUSALS = 3  # handshakes that the bridge refuses before the right certificate is back


class Terminator:
    """Speaks TLS in front of a server that does not; its certificate can be exchanged."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.refused = 0  # handshakes
        self.changed = asyncio.Event()

    def use(self, pair: tuple[Path, Path]) -> None:
        """Show this certificate from now on; everybody has to connect again."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        for writer in self._open:
            writer.transport.abort()

    async def until_refused(self, count: int) -> None:
        count += self.refused
        while self.refused < count:
            self.changed.clear()
            await self.changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.start_tls(self.context)
        except (OSError, ssl.SSLError):
            self.refused += 1
            self.changed.set()
            return
        self._open.add(writer)
        try:
            below, above = await asyncio.open_connection("127.0.0.1", self._port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, above))
                group.create_task(_copy(below, writer))
        finally:
            self._open.discard(writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def terminated(url: str) -> AsyncIterator[tuple[Terminator, str]]:
    terminator = Terminator(int(url.rpartition(":")[2]))
    server = await asyncio.start_server(terminator.serve, "127.0.0.1", 0)
    try:
        yield terminator, f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_a_certificate_that_is_wrong_for_seconds_ends_no_follow(tmp_path: Path) -> None:
    """Runs that had been read for hours were given up, while /healthz said that all was well."""
    right, wrong = make_pair(tmp_path, "right"), make_pair(tmp_path, "wrong")
    env = environment(None, MOGPLEX_TOKEN=TOKEN, SSL_CERT_FILE=str(right[0]))
    async with Simulator(knobs={"limiter": "off"}) as sim, terminated(sim.url) as (front, url):
        front.use(right)
        read, late = sim.create_run(events=5), sim.create_run(events=5)
        config = quick_config(tmp_path, url)
        async with serve("--config", str(config), "--run", read.id, env=env) as daemon:
            async with asyncio.timeout(60):
                while len(await daemon.records()) < 5:
                    await asyncio.sleep(0.05)
                front.use(wrong)
                sim.append(read, {"type": "log", "message": "meanwhile"})
                await daemon.status("PUT", f"/v1/runs/{late.id}")
                await front.until_refused(REFUSALS)
                health = await daemon.json("/healthz")
                assert health["checks"]["account default"]["givenUpRuns"] == 0
                runs = (await daemon.json("/v1/runs"))["runs"]
                assert [run["state"] for run in runs] == ["following"] * 2, runs
                front.use(right)
                for run in (read, late):
                    sim.finish(run, order="event_first", gap_s=0.0)
            await daemon.ended(2)
            records = await daemon.records()
    for run in (read, late):
        of_run = [record for record in records if record["source"].endswith(run.id)]
        committed = [event["id"] for event in sim.truth(run)["committed"]]
        assert [r["id"] for r in of_run if ".run.event." in r["type"]] == committed
        assert [r["type"] for r in of_run if r["type"].startswith("bridge.")] == [
            "bridge.run.ended"
        ]
