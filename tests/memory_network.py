"""TCP without sockets: two protocols joined in memory, so that the real aiohttp client and the real
aiohttp server talk to each other on virtual time.

Bytes arrive in the next turn of the loop after `delay_s`; a paused reader makes the writer wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp


class MemoryTransport(asyncio.Transport):
    """One end. What is written here is received by the protocol of `peer`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Any, delay_s: float) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 80)})
        self._loop = loop
        self._protocol = protocol
        self._delay_s = delay_s
        self._closed = False
        self._paused = False
        self._held: list[bytes] = []
        self._in_flight: deque[bytes] = deque()
        self._eof = False
        self.peer: MemoryTransport

    # Writing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._closed and data:
            # Timers of one instant run in any order; the bytes must not.
            self._in_flight.append(bytes(data))
            self._loop.call_later(self._delay_s, self._deliver)

    def _deliver(self) -> None:
        self.peer.arrived(self._in_flight.popleft())

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def can_write_eof(self) -> bool:
        return False

    # Reading

    def arrived(self, data: bytes) -> None:
        if self._closed:
            return
        if self._paused:
            self._held.append(data)
        else:
            self._protocol.data_received(data)

    def peer_gone(self, error: Exception | None) -> None:
        if self._closed:
            return
        if self._paused and error is None:
            self._eof = True
            return
        self._closed = True
        if error is None:
            self._protocol.eof_received()
        self._protocol.connection_lost(error)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        held, self._held = self._held, []
        for data in held:
            self.arrived(data)
        if self._eof:
            self._loop.call_soon(self.peer_gone, None)

    def is_reading(self) -> bool:
        return not self._paused

    # Ending

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(ConnectionResetError())

    def is_closing(self) -> bool:
        return self._closed

    def get_protocol(self) -> Any:
        return self._protocol

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def _end(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon(self._protocol.connection_lost, None)
        self._loop.call_later(self._delay_s + 1e-6, self.peer.peer_gone, error)  # behind the bytes


class MemoryConnector(aiohttp.BaseConnector):
    """An aiohttp connector whose every connection leads to `server`, a protocol factory."""

    def __init__(self, server: Callable[[], Any], *, delay_s: float = 0.02) -> None:
        super().__init__(limit=0, force_close=False)
        self._server = server
        self._delay_s = delay_s

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._delay_s)  # a handshake
        ours, theirs = self._factory(), self._server()
        near = MemoryTransport(loop, ours, self._delay_s)
        far = MemoryTransport(loop, theirs, self._delay_s)
        near.peer, far.peer = far, near
        theirs.connection_made(far)
        ours.connection_made(near)
        return ours
