"""Searches that find nothing, beside a page and a live start: how long do those wait.

    python -m bench.scans [--records N] [--clients N]

Aims, at worst, with 40 searching clients: a page of ten 0.5 s, a new live stream 0.2 s.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.fanout_server import Healthy, NoRuns, no_metrics
from bridge.clock import SystemClock
from bridge.core.event import Draft, feed_of
from bridge.daemon.serving import Parts, build_server
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor

LOOKS = 20
RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
FEED, OTHER = feed_of("mogplex", "default", "run", RUN), feed_of("mogplex", "other", "run", RUN)
SEARCHES = {"a type that is not there": "type=nothing", "a rare type": "type=rare&account=default"}


async def main(records: int, clients: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal = await SqliteJournal.open(Path(directory) / "journal.db")
        pad = b'","data":{"message":"' + b"x" * 400 + b'"}}'
        for first in range(0, records, 2000):
            await journal.append([
                Draft(FEED, str(n), "com.mogplex.run.event.log", b'{"sequence":"', pad)
                for n in range(first, first + 2000)
            ])  # fmt: skip
        # A type and an account that are there, but never together: each record is looked at.
        await journal.append([Draft(OTHER, "rare", "rare", b'{"sequence":"', pad)])
        parts = Parts(
            journal, NoRuns(), Healthy(), Metrics(), no_metrics, Redactor(),
            SystemClock(),
        )  # fmt: skip
        server = build_server(parts)
        host, port = await server.start("127.0.0.1", 0)
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(server.run())
            url = f"http://{host}:{port}/v1/events"
            await measure(session, url, 0, "nothing", "")
            for what, query in SEARCHES.items():
                await measure(session, url, clients, what, query)
            running.cancel()
        await server.close()
        await journal.close()


async def measure(
    session: aiohttp.ClientSession, url: str, clients: int, what: str, query: str
) -> None:
    searches = 0

    async def search() -> None:
        nonlocal searches
        after = "0"
        while True:
            async with session.get(f"{url}?after={after}&{query}") as answer:
                page = await answer.json()
            is_over = page["next"] == after
            after = "0" if is_over else page["next"]
            searches += is_over

    async def page() -> float:
        begun = time.perf_counter()
        async with session.get(f"{url}?after=0&limit=10") as answer:
            await answer.read()
        return time.perf_counter() - begun

    async def live() -> float:
        begun = time.perf_counter()
        async with session.get(url, headers={"Accept": "text/event-stream"}) as answer:
            await answer.content.readany()
        return time.perf_counter() - begun

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(search()) for _ in range(clients)]
        await asyncio.sleep(2.0 if clients else 0.0)
        begun, before = time.perf_counter(), searches
        pages, lives = [], []
        for _ in range(LOOKS):
            pages.append(await page())
            lives.append(await live())
            await asyncio.sleep(0.2)
        rate = (searches - before) / (time.perf_counter() - begun)
        for task in tasks:
            task.cancel()
    print(
        f"{clients:>3} searching for {what}: page of ten {_ms(pages)}, live start {_ms(lives)},"
        f" {rate:.1f} searches/s",
        flush=True,
    )


def _ms(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{ordered[len(ordered) // 2] * 1e3:.0f} ms (worst {ordered[-1] * 1e3:.0f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--clients", type=int, default=40)
    asked = parser.parse_args()
    asyncio.run(main(asked.records, asked.clients))
