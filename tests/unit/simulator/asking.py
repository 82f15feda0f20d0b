"""A plain client for the simulator's contract tests; knows HTTP and nothing of the bridge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bridge.simulator import ManualClock, Simulator

TOKEN = "mog_Test0000000000000000Test"
ROOT = "/api/v1/mogplex"
WAIT_S = 10.0  # no single exchange with a server in the same process takes longer
QUIET_S = 0.05  # silence for so long counts as silence: everything is in one event loop


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        value = self.json
        assert value["ok"] is True
        assert set(value) == {"ok", "data"}
        return value["data"]

    @property
    def error(self) -> tuple[int, str, str]:
        """(status, code, message) of a failure in the envelope."""
        value = self.json
        assert value["ok"] is False
        assert set(value) == {"ok", "error"}
        assert set(value["error"]) == {"code", "message"}
        return self.status, value["error"]["code"], value["error"]["message"]

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html") and b"<" in self.body


class Asker:
    """Asks one simulator; no redirects are followed, nothing is decompressed."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        raw: bytes | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        data = raw if body is None else json.dumps(body).encode()
        async with (
            asyncio.timeout(WAIT_S),
            self.session.request(
                method, self.sim.url + path, headers=sent, data=data, allow_redirects=False
            ) as response,
        ):
            return Answer(response.status, response.headers.copy(), await response.read())

    async def get(self, path: str, **how: Any) -> Answer:
        return await self.ask("GET", path, **how)

    async def post(self, path: str, **how: Any) -> Answer:
        return await self.ask("POST", path, **how)

    async def events(self, run_id: str, query: str = "?limit=200", **how: Any) -> list[str]:
        """Ids of the page."""
        page = await self.get(f"{ROOT}/runs/{run_id}/events{query}", **how)
        return [event["id"] for event in page.data["events"]]

    @asynccontextmanager
    async def stream(
        self, run_id: str, query: str = "", last: str | None = None
    ) -> AsyncIterator[Frames]:
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        url = f"{self.sim.url}{ROOT}/runs/{run_id}/events/stream{query}"
        async with self.session.get(url, headers=headers, allow_redirects=False) as response:
            yield Frames(response)


class Frames:
    """An open stream, read frame by frame as bytes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self._held = b""

    async def next(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            while b"\n\n" not in self._held:
                chunk = await self.response.content.readany()
                assert chunk, f"the stream ended after {self._held!r}"
                self._held += chunk
        frame, _, self._held = self._held.partition(b"\n\n")
        return frame + b"\n\n"

    async def id(self) -> str:
        """Of the next event frame."""
        frame = await self.next()
        assert frame.startswith(b"id: "), frame
        return frame[4 : frame.index(b"\n")].decode()

    async def ids(self, count: int) -> list[str]:
        return [await self.id() for _ in range(count)]

    async def begin(self) -> None:
        """Read the comment and the run frame."""
        assert await self.next() == b": connected\n\n"
        assert (await self.next()).startswith(b"event: run\ndata: {")

    async def rest(self) -> tuple[bytes, bool]:
        """What comes until the end, and whether the body ended properly."""
        async with asyncio.timeout(WAIT_S):
            try:
                while chunk := await self.response.content.readany():
                    self._held += chunk
            except aiohttp.ClientPayloadError:
                return self._held, False
        return self._held, True

    async def is_silent(self) -> bool:
        """Nothing comes and the stream stays open."""
        if self._held:
            return False
        try:
            async with asyncio.timeout(QUIET_S):
                self._held += await self.response.content.readany()
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def asking(
    clock: ManualClock | None = None, seed: int = 1, **knobs: object
) -> AsyncIterator[Asker]:
    """A fresh simulator with a still clock, and somebody who asks it."""
    async with (
        Simulator(knobs=knobs, seed=seed, clock=clock or ManualClock()) as sim,
        aiohttp.ClientSession(
            auto_decompress=False, skip_auto_headers=("Accept-Encoding",)
        ) as session,
    ):
        yield Asker(sim, session)


def still(asker: Asker) -> ManualClock:
    assert isinstance(asker.sim.clock, ManualClock)
    return asker.sim.clock


async def control(asker: Asker, method: str, path: str, body: Any = None) -> Any:
    answer = await asker.ask(method, f"/_sim{path}", token=None, body=body)
    assert answer.status == 200, answer.body
    return answer.json


async def refused(asker: Asker, method: str, path: str, body: Any = None) -> tuple[int, str]:
    answer = await asker.ask(method, f"/_sim{path}", token=None, body=body)
    return answer.status, answer.json["error"]


async def new_run(asker: Asker, **body: Any) -> str:
    (run,) = (await control(asker, "POST", "/runs", body))["runs"]
    return str(run["runId"])
