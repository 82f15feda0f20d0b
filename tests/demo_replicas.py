"""Three nodes of NATS, three bridges, the live page through any of them; keys kill and restart.

    python -m tests.demo_replicas [--seconds 30]

1, 2, 3: kill that bridge, or start it again. a, b, c: the same with a node. q: end. Without a
terminal nothing is asked: bridge 1 and node a are killed and started again in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from tests.e2e.processes import START_S, TOKEN, environment
from tests.e2e.replicas import configured
from tests.nats_server import NatsCluster, NatsServer, free_ports, new_stream

STATE_S = 2.0  # between two lines about who follows
SCRIPT = "1a1a"  # what is pressed where nobody can
SCRIPT_S = 5.0


class Bridge:
    """A bridge on a port of its own, that can be killed and started again."""

    def __init__(self, number: int, port: int, arguments: list[str]) -> None:
        self.number = number
        self.url = f"http://127.0.0.1:{port}"
        self._command = [
            *(sys.executable, "-m", "bridge", "serve", "--listen", f"127.0.0.1:{port}"),
            *arguments,
        ]
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self._command, env=environment(None, MOGPLEX_TOKEN=TOKEN),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    async def standing(self, session: aiohttp.ClientSession) -> str:
        """One word for the line of state."""
        if self.process is None:
            return "killed"
        try:
            async with session.get(self.url + "/metrics") as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return "starts"
        return "follows" if 'leases_held{account="default"} 1.0' in text else "serves"


@asynccontextmanager
async def simulator(port: int) -> AsyncIterator[str]:
    url = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "simulate", "--listen", f"127.0.0.1:{port}",
        env=environment(None), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield url
    finally:
        process.kill()
        await process.wait()


async def list_runs(session: aiohttp.ClientSession, url: str, file: Path) -> None:
    """Upstream has no list of runs, the simulator has: it goes where the bridges look."""
    while True:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(url + "/_sim/runs.txt") as answer:
                new = file.with_suffix(".new")
                new.write_bytes(await answer.read())
                new.replace(file)
        await asyncio.sleep(1.0)


@contextmanager
def single_keys() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def keys(seconds: float | None) -> AsyncIterator[str]:
    """What is pressed; a script where there is no terminal."""
    if not sys.stdin.isatty():
        for key in SCRIPT:
            await asyncio.sleep(SCRIPT_S)
            yield key
        await asyncio.sleep(SCRIPT_S)
        return
    pressed: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(
        sys.stdin.fileno(), lambda: pressed.put_nowait(os.read(sys.stdin.fileno(), 1).decode())
    )
    with single_keys(), contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (key := await pressed.get()) != "q":
                yield key


class Demo:
    """The three bridges and the three nodes."""

    def __init__(self, bridges: list[Bridge], cluster: NatsCluster) -> None:
        self._bridges = bridges
        self._nodes: list[NatsServer] = cluster.nodes
        self._dead: set[int] = set()  # nodes

    async def press(self, key: str) -> None:
        if key in "123":
            bridge = self._bridges[int(key) - 1]
            is_up = bridge.process is not None
            say(f"{'kill -9' if is_up else 'start'} bridge {key}")
            await (bridge.kill() if is_up else bridge.start())
        elif key in "abc":
            number = "abc".index(key)
            is_up = number not in self._dead
            say(f"{'kill -9' if is_up else 'start'} node {key}")
            self._dead ^= {number}
            node = self._nodes[number]
            await asyncio.to_thread(node.kill if is_up else node.start)

    async def tell(self, session: aiohttp.ClientSession) -> None:
        """A line whenever somebody stands otherwise than before."""
        before = ""
        while True:
            found = await asyncio.gather(*(b.standing(session) for b in self._bridges))
            bridges = "  ".join(
                f"{b.number} {w}" for b, w in zip(self._bridges, found, strict=True)
            )
            nodes = "  ".join(
                f"{n} {'killed' if i in self._dead else 'up'}" for i, n in enumerate("abc")
            )
            if (line := f"bridges: {bridges}   nodes: {nodes}") != before:
                say(line)
            before = line
            await asyncio.sleep(0.25)

    async def close(self) -> None:
        for bridge in self._bridges:
            await bridge.kill()
        for number, node in enumerate(self._nodes):
            if number not in self._dead:
                node.kill()


async def run(directory: Path, seconds: float | None) -> None:
    async with AsyncExitStack() as stack:
        cluster = NatsCluster(directory)
        await asyncio.to_thread(cluster.start)
        upstream, *ports = free_ports(4)
        url = await stack.enter_async_context(simulator(upstream))
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        journal, runs = f"nats://{hosts}/{new_stream()}", directory / "runs.txt"
        runs.write_text("")
        bridges = [
            Bridge(
                n, port, [*configured(directory / f"b{n}", journal, url), "--runs-from", str(runs)]
            )
            for n, port in enumerate(ports, 1)
        ]
        demo = Demo(bridges, cluster)
        stack.push_async_callback(demo.close)
        for bridge in bridges:
            await bridge.start()
        timeout = aiohttp.ClientTimeout(total=START_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        for bridge in bridges:
            say(f"page through bridge {bridge.number}: {bridge.url}/")
        say("1 2 3: kill or start a bridge · a b c: a node · q: end")
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(list_runs(session, url, runs)),
                group.create_task(demo.tell(session)),
            ]
            async for key in keys(seconds):
                await demo.press(key)
            for task in tasks:
                task.cancel()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, help="end by itself")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="demo-replicas-") as directory,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(run(Path(directory), asked.seconds))


if __name__ == "__main__":
    main()
