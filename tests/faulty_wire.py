"""A TCP proxy that misbehaves on demand: it delays, swallows or cuts what passes through it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

_CHUNK_BYTES = 64 * 1024


class FaultyWire:
    """`async with FaultyWire(target_port) as wire`: connect to `wire.port` instead.

    `is_swallowing`: bytes vanish while connections stay, as behind a firewall that lost its table;
    what was swallowed never comes, so after healing these connections are cut. `delay_s` holds
    every chunk for so long. `cut` ends all connections; with `is_refusing` new ones end too.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.is_swallowing = False
        self.is_refusing = False
        self.delay_s = 0.0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._has_swallowed = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """End every connection."""
        for writer in list(self._open):
            writer.transport.abort()

    def heal(self) -> None:
        """As if nothing had been."""
        self.is_swallowing = self.is_refusing = False
        self.delay_s = 0.0
        if self._has_swallowed:
            self._has_swallowed = False
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there[1]}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, there[1]))
                group.create_task(self._pass_on(there[0], writer))
        finally:
            self._open -= {writer, there[1]}
            writer.transport.abort()
            there[1].transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.is_swallowing:
                    self._has_swallowed = True
                    continue
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()
