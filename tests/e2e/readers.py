"""SSE clients as browsers are: they come back with the id of the last record they got."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp

from bridge.wire.sse import FrameDecoder


class Reader:
    """`run` is a task. `where` is asked before each connection; None ends it."""

    def __init__(self, where: Callable[[], str | None], *, last: str = "0") -> None:
        self._where = where
        self._last = last
        self.sequences: list[int] = []
        self.connections = 0

    async def run(self) -> None:
        """Until there is nowhere to go."""
        connector = aiohttp.TCPConnector(force_close=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=20)  # no heartbeat: it is dead
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while (url := self._where()) is not None:
                try:
                    await self._connect(session, url)
                except (aiohttp.ClientError, OSError, TimeoutError):
                    await asyncio.sleep(0.05)

    async def _connect(self, session: aiohttp.ClientSession, url: str) -> None:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._last}
        async with session.get(url, headers=headers) as response:
            if response.status != 200:
                await asyncio.sleep(0.05)
                return
            self.connections += 1
            decoder = FrameDecoder()
            async for chunk in response.content.iter_any():
                for frame in decoder.feed(chunk):
                    assert frame.event == "message", frame
                    self.sequences.append(int(json.loads(frame.data)["sequence"]))
                    self._last = frame.id
