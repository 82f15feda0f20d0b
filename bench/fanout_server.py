"""The server under test of bench/fanout.py: ours, or the design it is compared with.

Prints its port, then obeys lines on stdin: `idle` prints memory, `go RATE SECONDS` publishes (rate
0 is as fast as the design keeps up) and prints what it cost, `quit` ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from bridge.clock import SystemClock
from bridge.core.event import Draft, Feed
from bridge.daemon.serving import Parts, build_server
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.http.groups import Policy
from bridge.outputs.http.limits import Limits
from bridge.redact import Redactor

FEED = Feed("mogplex", "default", "run", "bench", "/mogplex/default/runs/bench")
TYPE = "com.mogplex.run.event.log"
BACKLOG = 256  # records the saturated producer keeps ahead of the delivery
BURST = 32


def make_draft(number: int, size: int) -> Draft:
    """A record whose body has about `size` bytes and the instant it was made."""
    head = b'{"specversion":"1.0","id":"%d","t":%d,"sequence":"' % (number, time.monotonic_ns())
    rest = b'","data":"'
    pad = b"x" * max(size - len(head) - len(rest) - 22, 0)
    return Draft(FEED, str(number), TYPE, head, rest + pad + b'"}')


class Design(Protocol):
    async def start(self) -> int: ...
    async def publish(self, drafts: list[Draft]) -> None: ...
    def backlog(self) -> int: ...
    def delivered(self) -> int: ...
    async def run(self) -> None: ...


class NoRuns:
    def views(self) -> list[dict[str, Any]]:
        return []

    def view(self, run_id: str) -> None:
        del run_id

    async def follow(self, run_id: str, account: str | None = None) -> bool:
        raise NotImplementedError

    async def unfollow(self, run_id: str) -> bool:
        raise NotImplementedError


class Healthy:
    def is_ready(self) -> bool:
        return True

    def checks(self) -> dict[str, dict[str, Any]]:
        return {}


async def no_metrics(_: str) -> tuple[bytes, str]:
    return b"", "text/plain"


class Ours:
    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.metrics = Metrics()
        parts = Parts(
            self.journal,
            NoRuns(),
            Healthy(),
            self.metrics,
            no_metrics,
            Redactor(),
            SystemClock(),
        )
        self.server = build_server(parts, policy=Policy(Limits(subscribers_max=100_000)))

    async def start(self) -> int:
        return (await self.server.start("127.0.0.1", 0))[1]

    async def publish(self, drafts: list[Draft]) -> None:
        await self.journal.append(drafts)

    def backlog(self) -> int:
        return self.journal.head - self.server.handed_out

    def delivered(self) -> int:
        samples = next(iter(self.metrics.deliveries_total.collect())).samples
        return int(sum(s.value for s in samples if s.name.endswith("_total")))

    async def run(self) -> None:
        await self.server.run()


class WritePerEvent:
    """The usual way: a handler task and a queue per client, one write per event."""

    def __init__(self) -> None:
        self.queues: set[asyncio.Queue[bytes]] = set()
        self.sent = 0
        self.seq = 0

    async def start(self) -> int:
        app = web.Application()
        app.router.add_get("/v1/events", self._stream)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        return int(runner.addresses[0][1])

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        queue: asyncio.Queue[bytes] = asyncio.Queue(1000)
        self.queues.add(queue)
        try:
            while True:
                await response.write(await queue.get())
                self.sent += 1
        except ConnectionResetError:  # the load client has gone
            return response
        finally:
            self.queues.discard(queue)

    async def publish(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            self.seq += 1
            frame = b"data: %b%020d%b\nid: %d\n\n" % (draft.head, self.seq, draft.tail, self.seq)
            for queue in self.queues:
                if not queue.full():
                    queue.put_nowait(frame)

    def backlog(self) -> int:
        return max((q.qsize() for q in self.queues), default=0)

    def delivered(self) -> int:
        return self.sent

    async def run(self) -> None:
        await asyncio.Event().wait()


DESIGNS: dict[str, Callable[[], Design]] = {"ours": Ours, "write-per-event": WritePerEvent}


def rss_kib() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def publish(design: Design, rate: float, seconds: float, size: int) -> None:
    number = time.monotonic_ns()  # ids that no earlier call used
    start = time.monotonic()
    due = 0.0
    while (now := time.monotonic() - start) < seconds:
        if rate == 0:
            if design.backlog() < BACKLOG:
                await design.publish([make_draft(number + i, size) for i in range(BURST)])
                number += BURST
            await asyncio.sleep(0)
            continue
        count = int((now - due) * rate)
        if count:
            due += count / rate
            await design.publish([make_draft(number + i, size) for i in range(count)])
            number += count
        await asyncio.sleep(max(due + 1 / rate - (time.monotonic() - start), 0.001))


async def obey(design: Design, size: int) -> None:
    print(json.dumps({"port": await design.start()}), flush=True)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while words := (await reader.readline()).decode().split():
        if words[0] == "quit":
            return
        if words[0] == "idle":
            print(json.dumps({"rss_kib": rss_kib()}), flush=True)
            continue
        rate, seconds = float(words[1]), float(words[2])
        await publish(design, rate, 0.5, size)  # warm
        before, sent, began = resource.getrusage(0), design.delivered(), time.monotonic()
        await publish(design, rate, seconds, size)
        after = resource.getrusage(0)
        wall_s = time.monotonic() - began
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        sent = design.delivered() - sent
        result = {"sent": sent, "cpu_s": cpu_s, "wall_s": wall_s, "rss_kib": rss_kib()}
        print(json.dumps(result), flush=True)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("design", choices=DESIGNS)
    parser.add_argument("--size", type=int, default=560)
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    design = DESIGNS[args.design]()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(design.run())
        await obey(design, args.size)
        running.cancel()
    os._exit(0)  # thousands of open streams: nothing here needs an orderly end


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        sys.argv.remove("--uvloop")
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
