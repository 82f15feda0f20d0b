"""A computer's events: a WebSocket, live only, frames `{type, timestamp, payload}`."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import Reply, json_reply
from bridge.simulator.miosa import rows
from bridge.simulator.miosa.refusals import no_route
from bridge.simulator.miosa.store import StoredEvent, Thing
from bridge.simulator.miosa.world import Call, World


async def follow(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of a computer's events: a WebSocket, or the refusal of the knob `socket`."""
    found = rows.find(call, "computer")
    if isinstance(found, Reply):
        return found
    knobs = call.world.knobs_of(found)
    match knobs.socket:
        case "missing":
            return no_route()
        case "plain":
            return json_reply(200, {"data": []})
    is_upgrade = call.request.headers.get("Upgrade", "").lower() == "websocket"
    if knobs.socket == "upgrade_required" or not is_upgrade:
        return call.refuse(426, "UPGRADE_REQUIRED", "this is a WebSocket")
    socket = web.WebSocketResponse()
    call.record.status = 101
    await socket.prepare(call.request)
    with OpenSocket(call.world, found) as reader:
        await reader.serve(socket, call.request)
    return socket


class OpenSocket:
    """One connected reader of one computer."""

    def __init__(self, world: World, thing: Thing) -> None:
        self.thing = thing
        self._world = world
        self._position = len(thing.events)
        self._wake = asyncio.Event()
        self._cut: str | None = None

    @property
    def feed_id(self) -> str:
        """See `OpenConnection.feed_id`."""
        return self.thing.feed_id

    def __enter__(self) -> OpenSocket:
        self.thing.watchers.add(self._wake.set)
        self._world.streams.add(self)
        knobs = self._world.knobs_of(self.thing)
        if knobs.stream_max_s > 0:
            self._world.clock.call_later(knobs.stream_max_s, lambda: self.cut(knobs.stream_cut))
        return self

    def __exit__(self, *_: object) -> None:
        self._world.streams.discard(self)
        self.thing.watchers.discard(self._wake.set)

    def cut(self, how: str) -> None:
        """See `OpenConnection.cut`."""
        self._cut = how
        self._wake.set()

    async def serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        """Send new events until the thing is over, a cut, or the reader leaves."""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(socket))
            try:
                while self._cut is None and not reading.done():
                    fresh = self.thing.events[self._position :]
                    self._position += len(fresh)
                    for event in fresh:
                        await socket.send_bytes(_message(event)) if event.number % 7 == 0 else (
                            await socket.send_str(_message(event).decode())
                        )
                    if self.thing.is_over and not fresh:
                        break
                    if not fresh:
                        self._wake.clear()
                        await self._wake.wait()
            except (ConnectionError, RuntimeError):
                pass  # the reader has gone
            finally:
                reading.cancel()
        if self._cut in (None, "clean"):
            await socket.close()
        elif self._cut != "silent" and request.transport is not None:
            request.transport.close()

    async def _read(self, socket: web.WebSocketResponse) -> None:
        """Notice that the reader goes."""
        async for message in socket:
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR):
                break
        self._wake.set()


def _message(event: StoredEvent) -> bytes:
    payload: Any = event.data
    return jsonjs.dumps({"type": event.name, "timestamp": event.at, "payload": payload})
