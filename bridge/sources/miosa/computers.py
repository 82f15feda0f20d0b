"""Follows a computer over a WebSocket, which replays nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bridge.core.pace.line import Rank
from bridge.sources import http
from bridge.sources.http import HandshakeError, Socket
from bridge.sources.miosa.api import API, of_transport
from bridge.sources.miosa.classify import Route
from bridge.sources.miosa.frames import Seen, of_message
from bridge.sources.miosa.reading import Ended
from bridge.sources.miosa.streams import StreamFollow

SUBSCRIBED = "window,clipboard,file,process,idle"
HANDSHAKE_S = 15.0
NO_SOCKET = (426, 404, 405, 400, 501)  # there is no socket: this follow does not try again


class ComputerFollow(StreamFollow):
    """Follows one computer to the end of its row."""

    word = "websocket"

    @property
    def operation(self) -> str:
        """See `StreamFollow.operation`."""
        return "computers.stream"

    async def connect(self) -> None:
        """Connect the WebSocket once and read it until either side closes it."""
        began = self.clock.monotonic()
        lived = False
        async with self.gate.turn((self.feed, "stream"), Rank.CONNECT) as turn:
            turn.sent()
            path = f"{API}{self.path}/events"
            context = self.api.http.websocket(path, {"subscribe": SUBSCRIBED}, {})
            try:
                async with asyncio.timeout(HANDSHAKE_S):
                    socket = await context.__aenter__()
            except HandshakeError as error:
                turn.answered()
                await self._refused_handshake(error, began)
            except http.TROUBLE as error:
                verdict = of_transport(http.to_failure(self.operation, error))
                self._tell_gate(verdict, began)
                await self.refused(verdict)
            else:
                turn.answered()
                turn.close()
                self.gate.accepted(self.operation, began, self.feed.id)
                lived = True
                self.strikes = 0
                try:
                    await self.opened()
                    await self.read(_messages(self.kind, socket))
                finally:
                    await context.__aexit__(None, None, None)
        self.paused(began, lived=lived)

    async def _refused_handshake(self, error: HandshakeError, began: float) -> None:
        """Handle a 426 or a plain reply: there is no WebSocket, and a retry would not make one."""
        verdict = self.api.classify(self.operation, Route.STREAM, error.status, error.headers, b"")
        self._tell_gate(verdict, began)
        if error.status in NO_SOCKET or 200 <= error.status < 400:
            self.progress.failure = verdict.failure
            self._may_stream = False  # from here on only the row is followed
            self.wants_row = True
            self.wake.set()
        else:
            await self.stream_refused(verdict)


async def _messages(kind: str, socket: Socket) -> AsyncIterator[list[Seen] | Ended]:
    """Yield each message as an event, then how the socket ended; skips what is no object."""
    try:
        async for message in socket.messages():
            found = of_message(kind, message)
            if isinstance(found, Seen):
                yield [found]
    except http.TROUBLE:
        yield Ended.CUT
        return
    yield Ended.CLOSED if socket.is_clean else Ended.CUT
