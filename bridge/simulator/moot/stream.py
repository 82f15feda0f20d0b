"""GET …/events/stream: replay as the knobs say, then live.

A stream owns a position in the space's list of commits, never a queue: a reader that does not read
costs nothing.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.simulator.kit.clock import Timer
from bridge.simulator.kit.replies import Reply, json_reply
from bridge.simulator.kit.times import http_date
from bridge.simulator.moot.frames import (
    PIECE_BYTES,
    event_frame,
    frame_parts,
    participant_frame,
    ping_frame,
)
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.replies import detail
from bridge.simulator.moot.spaces import find_space
from bridge.simulator.moot.store import Space, StoredEvent
from bridge.simulator.moot.world import Call, World

FRAMES_PER_WRITE = 200
_REFUSALS = {
    "404": (404, "Not Found"),
    "405": (405, "Method Not Allowed"),
    "406": (406, "Not Acceptable"),
    "501": (501, "Not Implemented"),
    "broken": (500, "Internal Server Error"),
}
_AT_ONCE = frozenset({"between_frames", "clean"})


async def stream_events(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of a space's stream, or with the refusal of the knob `stream`."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    knobs = call.world.knobs_of(space)
    if knobs.stream in _REFUSALS:
        return detail(*_REFUSALS[knobs.stream])
    if knobs.stream == "json":
        return json_reply(200, {})
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache",
            "Date": http_date(call.world.clock.now()),
        }
    )
    stream = OpenStream(call.world, space, knobs)
    # Registered before the first await: nothing that commits from here on can be missed, but for
    # what the knob subscribe_after_s hides.
    with stream:
        call.record.status = 200
        await response.prepare(call.request)
        await stream.serve(call.request, response)
    return response


class OpenStream:
    """One connected reader of one space."""

    def __init__(self, world: World, space: Space, knobs: Knobs) -> None:
        self._space = space
        self._world = world
        self._knobs = knobs
        self._replay = list(space.reading) if knobs.replay == "full" else []
        self._position = len(space.commits)
        self._wake = asyncio.Event()
        self._cut: str | None = None
        self._is_ping_due = False
        self._number = 0  # frames of events sent
        self._timers: list[Timer] = []
        self._writing: asyncio.Transport | None = None

    @property
    def feed_id(self) -> str:
        """See `OpenConnection.feed_id`."""
        return self._space.id

    def __enter__(self) -> None:
        self._space.watchers.add(self._wake.set)
        self._world.streams.add(self)
        knobs = self._knobs
        if knobs.stream_max_s > 0:
            self._later(knobs.stream_max_s, lambda: self.cut(knobs.stream_cut))
        if knobs.ping != "none" and knobs.ping_s > 0:
            self._later(knobs.ping_s, self._ping)

    def _later(self, after_s: float, action: object) -> None:
        self._timers.append(self._world.clock.call_later(after_s, action))  # type: ignore[arg-type]

    def _ping(self) -> None:
        self._is_ping_due = True
        self._wake.set()
        if self in self._world.streams:
            del self._timers[-1]
            self._later(self._knobs.ping_s, self._ping)

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._world.streams.discard(self)
        self._space.watchers.discard(self._wake.set)

    def cut(self, how: str) -> None:
        """End it as the knob stream_cut says, or `silent`: it stays open and says nothing more."""
        if self._cut == "silent":
            return
        self._cut = how
        self._wake.set()
        if self._writing is not None and how == "between_frames":
            self._writing.abort()

    async def serve(self, request: web.Request, response: web.StreamResponse) -> None:
        """Replay, then write new events until a cut, or until the reader leaves."""
        knobs = self._knobs
        if knobs.stream == "mute":
            self._cut = "silent"
        if self._cut is None and self._replay:
            await self._send(request, response, self._replay)
            self._replay = []
        if knobs.subscribe_after_s > 0:
            heard = asyncio.Event()
            self._later(knobs.subscribe_after_s, heard.set)
            await heard.wait()
            self._position = len(self._space.commits)
        while self._cut not in _AT_ONCE:
            if self._is_ping_due and self._cut is None:
                self._is_ping_due = False
                await self._write(request, response, ping_frame(knobs))
            fresh = [] if self._cut == "silent" else self._fresh()
            if fresh and self._cut in {"mid_frame", "whole_json"}:
                await self._tear(request, response, fresh[0])
                break
            if fresh:
                await self._send(request, response, fresh)
                continue
            self._wake.clear()
            await self._wake.wait()
        if self._cut != "clean" and request.transport is not None:
            # Closed after what is buffered, and without the last chunk of the HTTP body.
            request.transport.close()

    def _fresh(self) -> list[StoredEvent]:
        """What became visible since the last look."""
        commits = self._space.commits
        fresh = commits[self._position : self._position + FRAMES_PER_WRITE]
        self._position += len(fresh)
        return fresh

    async def _tear(
        self, request: web.Request, response: web.StreamResponse, event: StoredEvent
    ) -> None:
        body, _ = frame_parts(event, self._knobs, self._number)
        cut = body if self._cut == "whole_json" else body[: len(body) // 2]
        await self._write(request, response, cut)

    async def _send(
        self, request: web.Request, response: web.StreamResponse, events: list[StoredEvent]
    ) -> None:
        knobs = self._knobs
        for start in range(0, len(events), FRAMES_PER_WRITE):
            frames = []
            for event in events[start : start + FRAMES_PER_WRITE]:
                frames.append(event_frame(event, knobs, self._number))
                self._number += 1
                every = knobs.participants_every
                if every > 0 and self._number % every == 0:
                    frames.append(participant_frame(self._space, knobs))
            await self._write(request, response, b"".join(frames))
            if self._cut in _AT_ONCE:
                return

    async def _write(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        self._writing = request.transport
        try:
            if self._knobs.writes == "pieces":
                for start in range(0, len(data), PIECE_BYTES):
                    await response.write(data[start : start + PIECE_BYTES])
                    await asyncio.sleep(0)
            else:
                await response.write(data)
        finally:
            self._writing = None
