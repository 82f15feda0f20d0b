"""`serve --workers 2`: several processes serve one port, and nobody outside can tell."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, ids, quick_config, run, serve
from tests.e2e.readers import Reader

pytestmark = pytest.mark.e2e

CLIENTS = 12
WAIT_S = 60.0  # for machines slower than ours


async def streams(daemon: Daemon) -> list[int]:
    """Open streams of each worker; a check fails while one of them is dead."""
    async with aiohttp.ClientSession() as session, session.get(daemon.url + "/healthz") as answer:
        found: list[int] = json.loads(await answer.read())["checks"]["workers"]["streams"]
    return found


async def until_open(daemon: Daemon, count: int) -> list[int]:
    async with asyncio.timeout(WAIT_S):
        while sum(now := await streams(daemon)) != count:
            await asyncio.sleep(0.1)
    return now


async def until_connected(clients: Sequence[Reader], count: int) -> None:
    """Until clients have been connected `count` times; a stream is open before its client knows."""
    async with asyncio.timeout(WAIT_S):
        while (now := sum(client.connections for client in clients)) < count:
            await asyncio.sleep(0.05)
    assert now == count


async def value(daemon: Daemon, series: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(daemon.url + "/metrics") as found:
        text = await found.text()
    match = re.search(rf"^mogplex_bridge_{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert match, series
    return float(match[1])


def workers_of(daemon: Daemon) -> list[int]:
    """Process ids, in the order of the workers' numbers."""
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    found = [int(pid) for pid in children.read_text().split()]
    return [p for p in found if b"workers" in Path(f"/proc/{p}/cmdline").read_bytes()]


async def test_all_workers_hand_out_everything_once_also_when_one_is_killed(tmp_path: Path) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim, AsyncExitStack() as stack:
        config = quick_config(tmp_path, sim.url)
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        daemon = await stack.enter_async_context(
            serve("--config", str(config), "--workers", "2", env=env)
        )
        first = sim.create_run(events=30)
        sim.set_status(first, "streaming")
        assert await daemon.status("PUT", f"/v1/runs/{first.id}") == 201
        group = await stack.enter_async_context(asyncio.TaskGroup())
        is_over = False

        def whom() -> str | None:
            return None if is_over else daemon.url + "/v1/events"

        clients = [Reader(whom) for _ in range(CLIENTS)]
        running = [group.create_task(client.run()) for client in clients]
        spread = await until_open(daemon, CLIENTS)
        while 0 in spread:  # one in a thousand times all are at one worker
            clients.append(Reader(whom))
            running.append(group.create_task(clients[-1].run()))
            spread = await until_open(daemon, len(clients))
        await until_connected(clients, len(clients))
        os.kill(workers_of(daemon)[0], signal.SIGKILL)
        for _ in range(20):
            sim.append(first, 1)
        async with asyncio.timeout(WAIT_S):  # before that, the daemon counts the dead one's streams
            while await value(daemon, "worker_restarts_total") != 1:
                await asyncio.sleep(0.05)
        await until_open(daemon, len(clients))
        assert (await daemon.json("/healthz"))["checks"]["workers"]["ok"]
        assert await value(daemon, "worker_restarts_total") == 1
        await until_connected(clients, len(clients) + spread[0])
        sim.finish(first)
        await daemon.ended(1)
        records = await daemon.records()
        assert ids(records, first.id) == [e["id"] for e in sim.truth(first)["committed"]]
        wanted = [int(record["sequence"]) for record in records]
        async with asyncio.timeout(WAIT_S):
            while any(len(client.sequences) < len(wanted) for client in clients):
                await asyncio.sleep(0.05)
            # What the dead one counted since its last report is not known to anybody.
            while await value(daemon, 'subscribers{transport="sse"}') != len(clients):
                await asyncio.sleep(0.05)
        least = len(wanted) * (len(clients) - spread[0])
        assert least <= await value(daemon, 'deliveries_total{transport="sse"}')
        is_over = True
        assert await daemon.stop() == 0, daemon.stderr
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*running)
        assert [client.sequences for client in clients] == [wanted] * len(clients)


async def test_tickets_limits_and_a_reload_hold_for_all_workers_together(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"

    def write_tokens(*names: str) -> None:
        entries = [
            f'[[tokens]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n'
            for name in names
        ]
        tokens.write_text("".join(entries))

    def configure(limit: int) -> str:
        path = quick_config(tmp_path, "http://127.0.0.1:9", listen='"127.0.0.1:0"')
        text = f'[auth]\ntokens_file = "{tokens}"\n[limits]\nsubscribers = {limit}\n'
        path.write_text(path.read_text() + text)
        return str(path)

    write_tokens("alice", "bob")
    env = environment(None, MOGPLEX_TOKEN=TOKEN)
    async with serve("--config", configure(4), "--workers", "2", env=env) as daemon:
        alice, bob = ({"Authorization": f"Bearer {name}"} for name in ("alice", "bob"))
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def open_stream(query: str = "", **headers: str) -> aiohttp.ClientResponse:
                wish = {"Accept": "text/event-stream", **headers}
                return await session.get(f"{daemon.url}/v1/events{query}", headers=wish)

            # A ticket is worth one stream, whichever worker is asked, however many at once.
            async with session.post(daemon.url + "/v1/tickets", headers=alice) as answer:
                ticket = "?ticket=" + json.loads(await answer.read())["ticket"]
            tried = await asyncio.gather(*(open_stream(ticket) for _ in range(8)))
            assert sorted(response.status for response in tried) == [200] + [401] * 7
            assert (await open_stream()).status == 401
            # Four streams in all: three more, or four if both workers took one at one instant.
            more = await asyncio.gather(*(open_stream(**bob) for _ in range(8)))
            taken = [response.status for response in more].count(200)
            assert taken in (3, 4)
            assert [response.status for response in more].count(503) == 8 - taken
            # Another limit, and a token that is taken away: its streams end at both workers.
            configure(6)
            write_tokens("alice")
            daemon.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(WAIT_S):
                for response in more:
                    if response.status == 200:
                        await response.read()  # to its end
                while (await open_stream(**bob)).status != 401:
                    await asyncio.sleep(0.1)
                opened = 1  # by the ticket
                while opened < 6:
                    opened += (await open_stream(**alice)).status == 200
            refused = await asyncio.gather(*(open_stream(**alice) for _ in range(8)))
            assert {response.status for response in refused} == {503}


async def test_a_scrape_shows_what_workers_counted_until_then_also_while_one_is_stopped(
    tmp_path: Path,
) -> None:
    config = quick_config(tmp_path, "http://127.0.0.1:9")
    env = environment(None, MOGPLEX_TOKEN=TOKEN)
    async with serve("--config", str(config), "--workers", "2", env=env) as daemon:
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            for number in range(1, 9):
                async with session.get(daemon.url + "/v1/events", params={"after": "0"}) as page:
                    assert page.status == 200
                counted = 'http_requests_total{code="2xx",group="events"}'
                assert await value(daemon, counted) == number
            stopped = workers_of(daemon)[0]
            os.kill(stopped, signal.SIGSTOP)
            try:
                assert await _scraped_from_another(daemon) >= 8
            finally:
                os.kill(stopped, signal.SIGCONT)


async def _scraped_from_another(daemon: Daemon) -> float:
    """The count that a worker that runs reports; connections to the stopped one wait."""
    async with asyncio.timeout(WAIT_S):
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(5.0):
                    return await value(daemon, 'http_requests_total{code="2xx",group="events"}')


async def test_workers_end_with_their_daemon_however_it_ends(tmp_path: Path) -> None:
    env = environment("http://127.0.0.1:9")
    journal = f"sqlite:{tmp_path / 'journal.db'}"
    async with serve("--workers", "2", "--journal", journal, env=env) as daemon:
        workers = workers_of(daemon)
        assert len(workers) == 2
        host_port = daemon.url.removeprefix("http://")
        code, _, told = await run(
            "serve",
            "--workers",
            "2",
            "--listen",
            host_port,
            "--journal",
            "sqlite:" + str(tmp_path / "b.db"),
            env=env,
        )
        assert code == 78
        assert "another program uses it" in told
        daemon.process.kill()
        await daemon.process.wait()
        async with asyncio.timeout(WAIT_S):
            while any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers):
                await asyncio.sleep(0.05)
    code, _, told = await run("serve", "--workers", "2", "--journal", "memory:", env=env)
    assert code == 78
    assert "start more replicas" in told


async def test_the_gateway_is_the_same_through_a_worker_and_a_client_that_leaves_is_no_failure(
    tmp_path: Path,
) -> None:
    async with Simulator(knobs={"limiter": "off"}) as sim:
        run = sim.create_run(events=3)
        sim.set_status(run, "streaming")
        config = quick_config(tmp_path, sim.url, server='{cors_origins = ["https://dash.test"]}')
        config.write_text(config.read_text() + "[gateway]\nenabled = true\n")
        env = environment(None, MOGPLEX_TOKEN=TOKEN)
        options = ["--config", str(config), "--workers", "2", "--run", run.id]
        async with (
            serve(*options, env=env) as daemon,
            aiohttp.ClientSession(daemon.url) as session,
            asyncio.timeout(WAIT_S),
        ):
            while not (await daemon.json("/v1/runs"))["runs"][0]["events"]:
                await asyncio.sleep(0.1)
            stream = f"/api/v1/mogplex/runs/{run.id}/events/stream"
            for _ in range(4):  # some at each worker
                async with session.get(stream) as answer:
                    assert answer.status == 200
                    assert (await answer.content.readany()).startswith(b": connected")
            for path, verb in ((f"/v1/runs/{run.id}", "PUT"), (stream, "GET")):
                asking = {"Origin": "https://dash.test", "Access-Control-Request-Method": verb}
                async with session.options(path, headers=asking) as answer:
                    assert answer.status == 204
                    assert verb in answer.headers["Allow"]
                    assert verb in answer.headers["Access-Control-Allow-Methods"]
            sim.append(run, 3)  # what is written to those who left
            sim.finish(run)
            await daemon.ended(1)
            assert await daemon.stop() == 0
        assert [line for line in daemon.stderr if "request_failed" in line] == []
