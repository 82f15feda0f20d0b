"""Server-sent events of any thing: replay, then live, until its end or until the reader leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import Reply
from bridge.simulator.kit.times import http_date
from bridge.simulator.miosa import rows
from bridge.simulator.miosa.knobs import Knobs
from bridge.simulator.miosa.refusals import no_route
from bridge.simulator.miosa.store import StoredEvent, Thing
from bridge.simulator.miosa.world import Call, World

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
MID_FRAME_WAIT_S = 5.0
_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
_WITH_IDS = frozenset({"sandbox", "tenant", "run"})  # where the documents show ids
_REPLAYING = frozenset({"sandbox"})  # where they promise to go on after Last-Event-ID
_BEATS = {
    "comment": b": heartbeat\n\n",
    "tight": b":heartbeat\n\n",
    "named": b"event: heartbeat\ndata: {}\n\n",
    "ping": b"event: ping\ndata: {}\n\n",
}


async def run_events(call: Call) -> Reply | web.StreamResponse:
    """One path for two things: a page, or a stream for those that accept one."""
    found = rows.find(call, "run")
    if isinstance(found, Reply):
        return found
    knobs = call.world.knobs_of(found)
    is_stream = "text/event-stream" in call.request.headers.get("Accept", "")
    if not is_stream or knobs.run_stream == "json":
        return rows.page_of(call, found)
    call.record.endpoint = "runs.stream"
    if knobs.run_stream == "missing":
        return no_route()
    if knobs.run_stream == "empty":
        return Reply(204)
    return await _serve(call, found, knobs)


async def follow(call: Call) -> Reply | web.StreamResponse:
    """The stream of a sandbox, build, snapshot or the tenant."""
    kind = {"sandboxes": "sandbox", "builds": "build", "snapshots": "snapshot"}.get(
        call.record.endpoint.partition(".")[0], "tenant"
    )
    found = rows.find(call, kind)
    if isinstance(found, Reply):
        return found
    return await _serve(call, found, call.world.knobs_of(found))


async def _serve(call: Call, thing: Thing, knobs: Knobs) -> Reply | web.StreamResponse:
    start = _start(thing, knobs, call.request.headers.get("Last-Event-ID"))
    if thing.is_over:
        if knobs.ended_stream == "empty" and start >= len(thing.events):
            return Reply(204)
        if knobs.ended_stream == "replay":
            start = 0
    stream = OpenStream(call.world, thing, knobs, start)
    response = web.StreamResponse(headers={**HEADERS, "Date": http_date(call.world.clock.now())})
    with stream:
        call.record.status = 200
        await response.prepare(call.request)
        await stream.serve(call.request, response)
    return response


def _start(thing: Thing, knobs: Knobs, cursor: str | None) -> int:
    """How many events a connect leaves out."""
    live = len(thing.events)
    if thing.kind == "run" and knobs.run_stream == "replay":
        return 0
    if knobs.resume == "start":
        return 0
    is_resuming = knobs.resume == "all" or (
        knobs.resume == "documented" and thing.kind in _REPLAYING
    )
    if not is_resuming or not cursor:
        return live
    found = thing.index_after(cursor)
    return live if found is None else found


class OpenStream:
    """One connected reader of one thing."""

    def __init__(self, world: World, thing: Thing, knobs: Knobs, start: int) -> None:
        self.thing = thing
        self.position = start
        self.sent: list[int] = []  # numbers of events whose frames went out whole
        self._world = world
        self._knobs = knobs
        self._wake = asyncio.Event()
        self._cut: str | None = None
        self._is_beat_due = False
        self._held: StoredEvent | None = None  # waits for its neighbour (stream_shuffle)

    @property
    def feed_id(self) -> str:
        """See `OpenConnection.feed_id`."""
        return self.thing.feed_id

    def __enter__(self) -> None:
        self.thing.watchers.add(self._wake.set)
        self._world.streams.add(self)
        clock, knobs = self._world.clock, self._knobs
        if knobs.stream_max_s > 0:
            clock.call_later(knobs.stream_max_s, lambda: self.cut(knobs.stream_cut))
        self._beat_later()

    def __exit__(self, *_: object) -> None:
        self._world.streams.discard(self)
        self.thing.watchers.discard(self._wake.set)

    def _beat_later(self) -> None:
        every_s = self._knobs.heartbeat_s
        if every_s > 0 and self._knobs.heartbeat != "off" and self._cut is None:
            self._world.clock.call_later(every_s, self._beat)

    def _beat(self) -> None:
        if self in self._world.streams and self._cut is None:
            self._is_beat_due = True
            self._wake.set()
            self._beat_later()

    def cut(self, how: str) -> None:
        """End it: `clean`, `between_frames`, `mid_frame`; `silent`: it stays, and says nothing."""
        if self._cut == "silent":
            return
        if how == "mid_frame" and self._cut is None:
            self._world.clock.call_later(MID_FRAME_WAIT_S, lambda: self.cut("between_frames"))
        self._cut = how
        self._wake.set()

    async def serve(self, request: web.Request, response: web.StreamResponse) -> None:
        """Write frames until the thing is over, a cut, or the reader leaves."""
        await self._write(response, b": connected\n\n")
        while self._cut not in ("clean", "between_frames"):
            if self._is_beat_due:
                self._is_beat_due = False
                await self._write(response, _BEATS[self._knobs.heartbeat])
            fresh = [] if self._cut == "silent" else self._fresh()
            if fresh and self._cut == "mid_frame":
                frame = self.frame(fresh[0])
                await self._write(response, frame[: len(frame) // 2])
                break
            if fresh:
                await self._send(response, fresh)
                continue
            if self.thing.is_over and self._cut is None and self._knobs.ended_stream != "open":
                await self._say_done(response)
                return
            self._wake.clear()
            await self._wake.wait()
        if self._cut != "clean" and request.transport is not None:
            request.transport.close()

    def _fresh(self) -> list[StoredEvent]:
        fresh = self.thing.events[self.position : self.position + 50]
        self.position += len(fresh)
        every = self._knobs.drop_every
        if self.thing.kind == "run" and every:
            fresh = [event for event in fresh if event.number % every]
        if self._knobs.stream_shuffle and self.thing.kind == "run":
            fresh = [*fresh[1::2], *fresh[0::2]] if len(fresh) > 1 else fresh
        return fresh

    async def _send(self, response: web.StreamResponse, events: Sequence[StoredEvent]) -> None:
        await self._write(response, b"".join(self.frame(event) for event in events))
        self.sent += [event.number for event in events]

    async def _say_done(self, response: web.StreamResponse) -> None:
        if self._knobs.done == "sentinel":
            await self._write(response, b"data: [DONE]\n\n")
        elif self._knobs.done == "named":
            await self._write(response, b"event: done\ndata: {}\n\n")

    def frame(self, event: StoredEvent) -> bytes:
        """One frame, as this server writes it."""
        knobs, thing = self._knobs, self.thing
        if isinstance(event.data, str):
            text = event.data.encode()
        elif thing.kind == "run":
            text = jsonjs.dumps(rows.shown_event(event, thing, knobs.event_shape))
        else:
            text = jsonjs.dumps(event.data)
        lines = [f"event: {event.name}".encode()] if event.name and thing.kind != "run" else []
        lines.append(b"data: " + text)
        has_id = knobs.ids == "all" or (knobs.ids == "documented" and thing.kind in _WITH_IDS)
        if has_id and event.number % knobs.id_every == 0:
            lines.insert(
                0 if knobs.id_place == "before" else len(lines), b"id: %b" % event.id.encode()
            )
        end = _ENDS[knobs.line_ends]
        return end.join(lines) + end + end

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        match self._knobs.split:
            case "halves":
                middle = len(data) // 2
                pieces = [data[:middle], data[middle:]]
            case "bytes":
                pieces = [data[at : at + 1] for at in range(len(data))]
            case _:
                pieces = [data]
        for piece in pieces:
            await response.write(piece)
