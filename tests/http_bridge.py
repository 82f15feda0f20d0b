"""A bridge's HTTP server on a real socket, over a journal in memory, for the contract tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bridge.clock import SystemClock
from bridge.daemon.serving import Parts, build_server
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.http.access import Access
from bridge.outputs.http.groups import Policy
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.port import InvalidIdError, TooManyFeedsError, UnknownAccountError
from bridge.outputs.http.server import Server
from bridge.redact import Redactor
from bridge.wire.sse import Frame, FrameDecoder
from tests.accounts import mogplex_metrics
from tests.journal_records import draft

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
OTHER_RUN = "5d1b9f4e-2c3a-4b8d-8e6f-7a9b0c1d2e3f"
EVENT = "com.mogplex.run.event."
WAIT_S = 5.0


class FewFeeds:
    """`Feeds` in memory: the run `RUN` is followed from the start."""

    def __init__(self) -> None:
        self.followed = {RUN: "default"}

    def views(self, kind: str | None = None) -> Sequence[Mapping[str, Any]]:
        found = [self.view("run", run_id) for run_id in reversed(self.followed)]
        return [v for v in found if v is not None and kind in (None, "run")]

    def view(self, kind: str, id_: str, account: str | None = None) -> Mapping[str, Any] | None:
        owner = self.followed.get(id_.lower())
        if owner is None or kind != "run" or account not in (None, owner):
            return None
        return {
            "kind": "run",
            "id": id_.lower(),
            "account": owner,
            "system": "mogplex",
            "state": "running",
            "following": "following",
        }

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        return frozenset({text, text.lower()})

    async def follow(self, kind: str, id_: str, account: str | None = None) -> bool:
        self._check(id_)
        if account not in (None, "default", "second"):
            raise UnknownAccountError(f"no account {account!r}; did you mean 'default'?")
        if len(self.followed) >= 3:
            raise TooManyFeedsError("3 runs are followed already")
        is_new = id_ not in self.followed
        self.followed.setdefault(id_, account or "default")
        return is_new

    async def unfollow(self, kind: str, id_: str, account: str | None = None) -> bool:
        self._check(id_)
        return self.followed.pop(id_, None) is not None

    @staticmethod
    def _check(id_: str) -> None:
        if len(id_) != 36:
            raise InvalidIdError(f"run id {id_!r} is not a UUID")


class TwoChecks:
    """`Health` with switches."""

    def __init__(self) -> None:
        self.ready = True
        self.upstream = True

    def is_ready(self) -> bool:
        return self.ready

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "journal": {"ok": True, "detail": "writable"},
            "upstream": {"ok": self.upstream, "detail": "default: 503"},
        }


class HttpBridge:
    """What a test holds in its hand."""

    def __init__(self, journal: MemoryJournal, server: Server, metrics: Metrics) -> None:
        self.journal = journal
        self.server = server
        self.metrics = metrics
        self.runs = FewFeeds()
        self.health = TwoChecks()
        self.host, self.port = "", 0
        self.session: aiohttp.ClientSession
        self._made = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def add(
        self, count: int = 1, run: str = RUN, type_: str = EVENT + "log", pad: int = 10
    ) -> None:
        """Append records; their data says how many were made before, over all runs."""
        made = [draft(run, f"e{self._made + n}", type_, pad) for n in range(count)]
        self._made += count
        await self.journal.append(made)

    def position(self, seq: int) -> str:
        return f"{self.journal.epoch}-{seq}"

    def sample(self, name: str, **labels: str) -> float:
        value = self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)
        assert value is not None, name
        return value


async def _rendered(accept: str) -> tuple[bytes, str]:
    return f"asked for {accept}".encode(), "text/plain; version=0.0.4"


@asynccontextmanager
async def http_bridge(
    *,
    access: Access | None = None,
    limits: Limits | None = None,
    records_max: int = 100_000,
    sequences: Iterator[int] | None = None,
    redactor: Redactor | None = None,
) -> AsyncIterator[HttpBridge]:
    journal = MemoryJournal(records_max=records_max, sequences=sequences)
    metrics = mogplex_metrics()
    runs, health = FewFeeds(), TwoChecks()
    parts = Parts(
        journal,
        runs,
        health,
        metrics,
        _rendered,
        redactor or Redactor(),
        SystemClock(),
    )
    server = build_server(parts, access=access, policy=Policy(limits or Limits()))
    bridge = HttpBridge(journal, server, metrics)
    bridge.runs, bridge.health = runs, health
    bridge.host, bridge.port = await server.start("127.0.0.1", 0)
    plain = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(auto_decompress=False, headers=plain) as bridge.session:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(server.run(), name="server")
            try:
                yield bridge
            finally:
                running.cancel()
        await server.close()
    await journal.close()


class EventStream:
    """An SSE client of one response, on our own decoder."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.decoder = FrameDecoder()
        self._frames: list[Frame] = []

    async def next(self, count: int = 1) -> list[Frame]:
        async with asyncio.timeout(WAIT_S):
            while len(self._frames) < count:
                chunk = await self.response.content.readany()
                assert chunk, "the stream ended"
                self._frames.extend(self.decoder.feed(chunk))
        taken, self._frames = self._frames[:count], self._frames[count:]
        return taken

    async def records(self, count: int) -> list[int]:
        """Sequences of the next records; nothing else may come."""
        frames = await self.next(count)
        assert all(frame.event == "message" for frame in frames), frames
        return [int(json.loads(frame.data)["sequence"]) for frame in frames]

    async def nothing(self, for_s: float = 0.05) -> None:
        try:
            async with asyncio.timeout(for_s):
                frames = await self.next()
        except TimeoutError:
            return
        raise AssertionError(f"not expected: {frames}")


@asynccontextmanager
async def event_stream(
    bridge: HttpBridge, path: str = "/v1/events", **headers: str
) -> AsyncIterator[EventStream]:
    wish = {"Accept": "text/event-stream", **{k.replace("_", "-"): v for k, v in headers.items()}}
    async with bridge.session.get(bridge.url + path, headers=wish) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield EventStream(response)


async def raw(bridge: HttpBridge, request: str | bytes, *, until: bytes | None = None) -> bytes:
    """Send bytes; return what comes until the end of the connection, or until a mark."""
    reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
    try:
        writer.write(request if isinstance(request, bytes) else request.encode())
        async with asyncio.timeout(WAIT_S):
            return await (reader.read() if until is None else reader.readuntil(until))
    finally:
        writer.close()
        await writer.wait_closed()
