"""WS …/ws: what the vendor's own adapters use. No replay (moot.md 2.4, 2.7)."""

from __future__ import annotations

import asyncio

from aiohttp import WSMsgType, web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.clock import Timer
from bridge.simulator.kit.replies import Reply
from bridge.simulator.moot.frames import TYPE
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.replies import detail
from bridge.simulator.moot.spaces import find_space
from bridge.simulator.moot.store import Space
from bridge.simulator.moot.world import Call, World

CLOSE_S = 1.0  # a closing handshake takes no longer


async def serve_socket(call: Call) -> Reply | web.StreamResponse:
    """Answer the upgrade to a space's WebSocket, or with a refusal of the knob."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    knobs = call.world.knobs_of(space)
    if knobs.websocket == "404":
        return detail(404, "Not Found")
    if call.request.headers.get("Upgrade", "").lower() != "websocket":
        return detail(426, "Upgrade Required")
    socket = web.WebSocketResponse(timeout=CLOSE_S)
    reader = OpenSocket(call.world, space, knobs, socket)
    with reader:
        call.record.status = 101
        await socket.prepare(call.request)
        await reader.serve(call.request)
    return socket


class OpenSocket:
    """One connected reader of one space."""

    def __init__(
        self, world: World, space: Space, knobs: Knobs, socket: web.WebSocketResponse
    ) -> None:
        self._world, self._space, self._knobs, self._socket = world, space, knobs, socket
        self._position = len(space.commits)
        self._wake = asyncio.Event()
        self._cut: str | None = None
        self._sent = 0
        self._idle: Timer | None = None

    @property
    def feed_id(self) -> str:
        """See `OpenConnection.feed_id`."""
        return self._space.id

    def __enter__(self) -> None:
        self._space.watchers.add(self._wake.set)
        self._world.streams.add(self)
        self._heard()

    def __exit__(self, *_: object) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._world.streams.discard(self)
        self._space.watchers.discard(self._wake.set)

    def _heard(self) -> None:
        """The client lives; without a heartbeat it is closed after the knob's time."""
        if self._idle is not None:
            self._idle.cancel()
        idle_s = self._knobs.websocket_idle_s
        if idle_s > 0:
            self._idle = self._world.clock.call_later(idle_s, lambda: self.cut("clean"))

    def cut(self, how: str) -> None:
        """See `OpenConnection.cut`. A silent socket stays silent."""
        if self._cut == "silent":
            return
        self._cut = how
        self._wake.set()

    async def serve(self, request: web.Request) -> None:
        """Send new events and read heartbeats, until a cut or until the reader leaves."""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(), name="heartbeats")
            try:
                await self._write(request)
            finally:
                reading.cancel()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self._heard()
        self.cut("clean")

    async def _write(self, request: web.Request) -> None:
        while self._cut in {None, "silent"}:
            fresh = []
            if self._cut is None:
                fresh = self._space.commits[self._position :]
                self._position += len(fresh)
            for event in fresh:
                wire = event.wire(self._knobs.time_format)
                text = b'{"type":"%b","data":%b}' % (TYPE.encode(), wire)
                await self._socket.send_str(text.decode())
                self._sent += 1
                every = self._knobs.participants_every
                if every > 0 and self._sent % every == 0:
                    people = list(self._space.participants.values())
                    update = {"type": "participant_update", "data": {"participants": people}}
                    await self._socket.send_str(jsonjs.dumps_text(update))
            if not fresh:
                self._wake.clear()
                await self._wake.wait()
        if self._cut == "clean":
            await self._socket.close()
        elif request.transport is not None:
            request.transport.abort()
