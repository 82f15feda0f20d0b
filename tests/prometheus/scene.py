"""A bad minute: two bridges on two simulators, and everything that can go wrong at once.

`upstream` has streams, `older` has none and pages of 200. The accounts of the first bridge:

- default   on streams; events all the time, some with secrets, some late; most of its runs fail
- shared    polls; strangers with the same token use up its budget, so it is told 429
- dead      its token is revoked
- flaky     upstream fails
- crowded   twenty runs that are polled with one token
- hidden    a run makes more events at once than a page shows

Its output loses its directory, its configuration becomes wrong, and a subscriber stops reading.
The second bridge runs out of disk (a limit on the size of its files, told as a full disk). A third
follows the other systems (systems.py). A fourth is not there at all.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bridge.simulator import Simulator
from tests.e2e.processes import Daemon, environment, serve
from tests.prometheus.server import Prometheus, free_port, prometheus
from tests.prometheus.systems import OtherSystems

ACCOUNTS = ("default", "shared", "dead", "flaky", "crowded", "hidden")
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
DISK_BYTES = 400_000  # of the second bridge, for each file
# 18 KB, nearly what upstream lets through; kernels hold megabytes for somebody who does not read.
LONG = {"type": "log", "payload": {f"part{n}": "all tests passed; " * 100 for n in range(10)}}
RECENT_BYTES = 1_000_000


def token(account: str) -> str:
    return "mog_" + account.ljust(24, "x")


@dataclass
class Scene:
    """What a test or a picture needs to know of it."""

    prometheus: Prometheus
    first: Daemon
    second: Daemon
    started: float  # wall clock
    run_ids: set[str] = field(default_factory=set)

    @property
    def instances(self) -> list[str]:
        return [urlsplit(daemon.url).netloc for daemon in (self.first, self.second)]


class Troubles:
    """Makes them, second by second."""

    def __init__(self, upstream: Simulator, older: Simulator, directory: Path) -> None:
        self.upstream, self.older, self.directory = upstream, older, directory
        self.streamed = [upstream.create_run(events=3) for _ in range(4)]
        self.polled = {
            name: [older.create_run(events=5) for _ in range(count)]
            for name, count in {
                "shared": 2,
                "dead": 2,
                "flaky": 4,
                "crowded": 20,
                "hidden": 1,
            }.items()
        }
        self.doomed = [upstream.create_run(events=4) for _ in range(9)]
        self.late = upstream.create_run(events=2)
        self.config = directory / "bridge.toml"

    def write_config(self) -> None:
        runs = {"default": [*self.streamed, *self.doomed, self.late], **self.polled}
        lines = [
            f'journal = "sqlite:{self.directory / "journal.db"}"',
            f"[limits]\nrecent_bytes = {RECENT_BYTES}",
            f'[[outputs]]\npath = "{self.directory / "out" / "events.ndjson"}"\nline_bytes = 1024',
            f'[[outputs]]\npath = "{self.directory / "other.ndjson"}"\nnaming = "fixed"',
        ]
        for name in ACCOUNTS:
            url = (self.upstream if name == "default" else self.older).url
            names = ", ".join(f'"{run.id}"' for run in runs[name])
            lines += [
                f'[[accounts]]\nname = "{name}"\nbase_url = "{url}"\nra_cap = "1s"',
                f'token_env = "T_{name.upper()}"\nruns = [{names}]',
            ]
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def run_ids(self) -> set[str]:
        return {*self.upstream.run_ids, *self.older.run_ids}

    async def events(self) -> None:
        """Runs of `default` and `crowded` say something all the time; some of it long ago."""
        number = 0
        while True:
            number += 1
            for run in self.streamed:
                self.upstream.append(run, 2)
            said = {"type": "log", "message": f"GITHUB_TOKEN={SECRET} " + "x " * 1000}
            self.upstream.append(self.streamed[0], said)
            self.upstream.append(self.streamed[1], [LONG] * 10)
            if number % 2:
                old = datetime.now(UTC) - timedelta(seconds=45)
                then = old.isoformat(timespec="microseconds")
                self.upstream.append(self.late, 3, created_at=then)
            for run in (self.polled["crowded"] + self.polled["shared"])[number % 3 :: 3]:
                self.older.append(run, 1)
            await asyncio.sleep(0.4)

    async def endings(self) -> None:
        """Most runs that end have failed. Not all before Prometheus has looked once."""
        for n, run in enumerate(self.doomed):
            await asyncio.sleep(1.2)
            self.upstream.finish(run, "success" if n % 4 == 3 else "failed", gap_s=0)

    async def strangers(self) -> None:
        """Others use the token of `shared` and leave nothing of its 60 requests."""
        await asyncio.sleep(3)
        headers = {"Authorization": f"Bearer {token('shared')}"}
        url = f"{self.older.url}/api/v1/mogplex/repos"
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                for _ in range(20):
                    async with session.get(url) as response:
                        await response.read()
                await asyncio.sleep(0.5)

    async def upstream_fails(self) -> None:
        await asyncio.sleep(2)
        self.older.set_token(token("dead"), valid=False)
        self.older.fault("html_5xx", token=token("flaky"), times=100_000)

    async def gap(self) -> None:
        """More events than a page holds between two polls."""
        while True:
            await asyncio.sleep(6)
            self.older.append(self.polled["hidden"][0], 260)

    async def lost_directory(self) -> None:
        """The first output's directory goes away, for as long as the scene lasts."""
        await asyncio.sleep(5)
        shutil.rmtree(self.directory / "out")
        (self.directory / "out").write_text("a file in its place")


async def _write_wrong_configuration(daemon: Daemon, config: Path) -> None:
    await asyncio.sleep(7)
    config.write_text(config.read_text() + "\nno_such_key = 1\n")
    daemon.process.send_signal(signal.SIGHUP)


async def _full_disk(daemon: Daemon) -> None:
    await asyncio.sleep(4)
    limit = (DISK_BYTES, resource.RLIM_INFINITY)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, limit)


async def _read(daemon: Daemon, accept: str, *, stalls: bool = False) -> None:
    """A subscriber from the start of the journal; one that stalls never reads what it is sent."""
    parts = urlsplit(daemon.url)
    connected = socket.socket()
    if stalls:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connected.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connected, (parts.hostname, parts.port))
        reader, writer = await asyncio.open_connection(sock=connected, limit=4096)
    except BaseException:  # cancelled before it is connected
        connected.close()
        raise
    try:
        writer.write(
            f"GET /v1/events?after=0 HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: {accept}\r\n\r\n"
            .encode()
        )  # fmt: skip
        if stalls:
            await asyncio.sleep(3600)
        while await reader.read(65536):
            pass
    finally:
        writer.close()


async def _come_and_go(daemon: Daemon) -> None:
    """Subscribers that leave, one by WebSocket, and pages."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{daemon.url}/v1/events?tail=5") as connected,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_receive(connected))
        while True:
            async with session.get(f"{daemon.url}/v1/events?after=0") as response:
                await response.read()
            reading = group.create_task(_read(daemon, "application/x-ndjson"))
            await asyncio.sleep(0.1)  # as fast as it can: for longer nothing else would be answered
            reading.cancel()
            await asyncio.sleep(0.6)


async def _receive(connected: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in connected:
        pass


def _second_config(directory: Path, url: str, runs: Iterator[str]) -> Path:
    path = directory / "bridge.toml"
    names = ", ".join(f'"{run}"' for run in runs)
    path.write_text(
        f'journal = "sqlite:{directory / "journal.db"}"\n'
        f'[[outputs]]\npath = "{directory / "events.ndjson"}"\n'
        f'[[accounts]]\nname = "second"\nbase_url = "{url}"\ntoken_env = "T_SECOND"\n'
        f"runs = [{names}]\n"
    )
    return path


def _put_first(pids: list[int]) -> None:
    """The scene has its own clock: where that is allowed it goes before the tests beside it."""
    threads = [int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    for thread in threads:
        with suppress(OSError):  # not allowed, or it has ended
            os.setpriority(os.PRIO_PROCESS, thread, -10)


@asynccontextmanager
async def scene(directory: Path) -> AsyncIterator[Scene]:
    """The scene begins; at the end everything is gone again."""
    one, two, three = (directory / name for name in ("one", "two", "three"))
    for place in (one, one / "out", two, three):
        place.mkdir()
    env = environment(None, **{f"T_{name.upper()}": token(name) for name in (*ACCOUNTS, "second")})
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        upstream = await enter(Simulator(knobs={"limiter": "off"}))
        older = await enter(Simulator(knobs={"stream": "absent"}, seed=2))
        troubles = Troubles(upstream, older, one)
        troubles.write_config()
        ids = iter([run.id for run in troubles.streamed])
        first = await enter(serve("--config", str(troubles.config), env=env))
        second = await enter(
            serve("--config", str(_second_config(two, upstream.url, ids)), env=env)
        )
        others = OtherSystems()
        for simulator in others.simulators:
            await enter(simulator)
        others.begin()
        third = await enter(serve("--config", str(others.write_config(three)), env=env))
        targets = [urlsplit(daemon.url).netloc for daemon in (first, second, third)]
        client = await enter(prometheus([*targets, f"127.0.0.1:{free_port()}"]))
        _put_first([first.process.pid, second.process.pid, third.process.pid, client.pid])
        await client.until_scraped(len(targets))  # what begins before it is no increase
        group = await enter(asyncio.TaskGroup())
        doings: list[Any] = [
            troubles.events(), troubles.endings(), troubles.strangers(), troubles.upstream_fails(),
            troubles.gap(), troubles.lost_directory(), _full_disk(second),
            _write_wrong_configuration(first, troubles.config), _come_and_go(first), others.work(),
            *(_read(first, "text/event-stream", stalls=stalls) for stalls in (True, False, False)),
        ]  # fmt: skip
        tasks = [group.create_task(doing) for doing in doings]
        try:
            yield Scene(client, first, second, time.time(), troubles.run_ids | others.feed_ids)
        finally:
            for task in tasks:
                task.cancel()
