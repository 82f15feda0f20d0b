"""A client of the stream that resumes: it keeps the last id and asks for what comes after.

Nothing of the product is used: frames are cut as the standard says (HTML, 9.2.6).
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib

import aiohttp

_PAUSE_S = 0.05  # between two tries; a browser would wait longer
_FRAME_BYTES_MAX = 5 << 20  # a record may have 4 MiB


class Subscriber:
    """Follows `/v1/events` for as long as it is let; what it was shown, in order."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._last_id: str | None = None
        self.shown: list[tuple[int, int]] = []  # (sequence, CRC of the data)
        self.connects = 0
        self.complaint: str | None = None

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=1.0)
        async with aiohttp.ClientSession(timeout=timeout, read_bufsize=_FRAME_BYTES_MAX) as session:
            while True:
                # Killed under us: come again.
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await self._follow(session)
                await asyncio.sleep(_PAUSE_S)

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        headers = {"Accept": "text/event-stream"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        async with session.get(
            self._url + "/v1/events", params={"after": "0"}, headers=headers
        ) as response:
            if response.status != 200:
                return
            self.connects += 1
            fields: dict[bytes, bytes] = {}
            async for line in response.content:
                if not line.endswith(b"\n"):
                    return  # cut in the middle
                text = line.rstrip(b"\r\n")
                if not text:
                    self._dispatch(fields)
                    fields = {}
                elif not text.startswith(b":"):
                    name, _, value = text.partition(b":")
                    fields[name] = value.removeprefix(b" ")

    def _dispatch(self, fields: dict[bytes, bytes]) -> None:
        if b"event" in fields:
            self.complaint = f"{fields[b'event']!r}: {fields.get(b'data', b'')[:200]!r}"
        elif b"data" in fields:
            sequence = int(fields[b"id"].rpartition(b"-")[2])
            self.shown.append((sequence, zlib.crc32(fields[b"data"])))
        if b"id" in fields:
            self._last_id = fields[b"id"].decode()
