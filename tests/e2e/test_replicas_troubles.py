"""Replicas whose stream is deleted, whose output is one for all, whose credentials are wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.engine import Engine
from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, environment, ids, run
from tests.e2e.replicas import WAIT_S, Replicas, configured, require_truth
from tests.nats_server import NatsServer, new_stream

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    started = NatsServer(tmp_path / "n")
    started.start()
    yield started
    started.kill()


def shared_output(arguments: list[str], directory: Path) -> None:
    """All replicas reach the same file, and one at a time writes it."""
    config = Path(arguments[-1])
    lines = ["[[outputs]]", 'type = "ndjson"', 'naming = "fixed"', 'where = "once"']
    lines.append(f'path = "{directory / "all.ndjson"}"')
    config.write_text(config.read_text() + "\n".join(lines) + "\n")


async def writer_of(replicas: Replicas) -> int:
    """Which replica writes the shared output."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for number, daemon in list(replicas.running.items()):
                checks = (await daemon.json("/healthz"))["checks"]
                (sink,) = (check for name, check in checks.items() if name.startswith("sink "))
                if sink["detail"] != "another replica writes it":
                    return number
            await asyncio.sleep(0.1)


async def test_a_shared_file_has_every_record_once_though_its_writers_are_killed(
    tmp_path: Path, server: NatsServer
) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim, AsyncExitStack() as stack:
        url = server.url(new_stream())
        arguments = [configured(tmp_path / f"b{n}", url, sim.url) for n in range(2)]
        for each in arguments:
            shared_output(each, tmp_path)
        replicas = Replicas(stack, arguments)
        await replicas.start(0)
        await replicas.start(1)
        followed = sim.create_run(events=5)
        sim.set_status(followed, "streaming")
        assert await replicas.running[0].status("PUT", f"/v1/runs/{followed.id}") == 201
        for _ in range(4):
            number = await writer_of(replicas)
            sim.append(followed, 20)
            await asyncio.sleep(0.3)  # somewhere in the middle
            await replicas.kill(number)
            await replicas.start(number)
        sim.finish(followed)
        for daemon in replicas.running.values():
            await daemon.ended(1, WAIT_S)
        pages = await replicas.running[0].records()
        require_truth(sim, [followed], pages)
        wanted = [int(record["sequence"]) for record in pages]
        async with asyncio.timeout(WAIT_S):
            while sequences_in(tmp_path / "all.ndjson") != wanted:
                await asyncio.sleep(0.2)


def sequences_in(file: Path) -> list[int]:
    """Of all whole lines, in the order of the file."""
    found = []
    for line in file.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            found.append(int(json.loads(line)["sequence"]))
    return found


async def delete(url: str) -> None:
    engine = Engine(parse(url))
    await engine.connect(WAIT_S)
    await engine.api(f"STREAM.DELETE.{engine.address.stream}")
    await engine.close()


async def test_a_stream_that_is_deleted_ends_the_replicas_and_the_next_start_goes_on(
    tmp_path: Path, server: NatsServer
) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim, AsyncExitStack() as stack:
        url = server.url(new_stream())
        replicas = Replicas(stack, [configured(tmp_path / f"b{n}", url, sim.url) for n in range(2)])
        await replicas.start(0)
        await replicas.start(1)
        followed = sim.create_run(events=5)
        sim.set_status(followed, "streaming")
        assert await replicas.running[0].status("PUT", f"/v1/runs/{followed.id}") == 201
        await delete(url)
        for number in (0, 1):
            daemon = replicas.running.pop(number)
            async with asyncio.timeout(WAIT_S):
                assert await daemon.process.wait() == 1
            assert "the stream is gone: it was deleted" in "".join(daemon.stderr)
        for number in (0, 1):
            await replicas.start(number)
        sim.finish(followed)
        assert await replicas.running[1].status("PUT", f"/v1/runs/{followed.id}") == 201
        for daemon in replicas.running.values():
            await daemon.ended(1, WAIT_S)
        assert len(ids(await replicas.running[0].records(), followed.id)) >= 5


async def test_refused_credentials_are_said_in_one_line_and_no_restart_helps(
    tmp_path: Path,
) -> None:
    server = NatsServer(tmp_path / "n", more="authorization { user: bridge, password: right }")
    server.start()
    try:
        url = server.url("T").replace("nats://", "nats://bridge:wrong@")
        arguments = configured(tmp_path / "b", url, "http://127.0.0.1:9")
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        code, _, err = await run("serve", "--listen", "127.0.0.1:0", *arguments, env=env)
        assert code == 78
        assert "NATS refuses the connection" in err
        assert "wrong@" not in err
    finally:
        server.kill()
