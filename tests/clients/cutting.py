"""A TCP proxy that cuts connections in mid-stream, after so many bytes, anywhere in a frame."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CUT_AFTER_BYTES = (1_500, 40_000)  # 2 to 50 records


class CuttingProxy:
    """Cuts the first `cuts` connections that carry enough; later ones it leaves alone."""

    def __init__(self, host: str, port: int, cuts: int, seed: int) -> None:
        self._to = (host, port)
        self._left = cuts
        self._chance = random.Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self.made = 0  # cuts so far
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        self._writers.add(writer)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(up_writer)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, up_writer))
                group.create_task(self._down(up_reader, writer))
        except* OSError:
            pass
        finally:
            for one in (writer, up_writer):
                one.transport.abort()
                self._writers.discard(one)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        raise ConnectionResetError

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = self._chance.randint(*CUT_AFTER_BYTES)
        while data := await reader.read(4096):
            if self._left and room < len(data):
                writer.write(data[:room])
                await writer.drain()
                await asyncio.sleep(0.02)  # so that the torn piece arrives before the reset
                self._left -= 1
                self.made += 1
                break
            room -= len(data)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def cutting(to_port: int, cuts: int, seed: int) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of a port of this host."""
    proxy = CuttingProxy("127.0.0.1", to_port, cuts, seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
        await asyncio.sleep(0.05)  # the connections' own tasks end
