"""GET /runs/{runId}/events/stream, byte for byte as mogplex.md 1.8 describes it.

A stream owns a position in the run's list of commits, never a queue: a reader that does not read
costs nothing. There are no heartbeats, and a stream with nothing left to say stays open.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.replies import Reply
from bridge.simulator.kit.times import http_date
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.params import parse_limit
from bridge.simulator.mogplex.replies import failure
from bridge.simulator.mogplex.runs import find_run
from bridge.simulator.mogplex.store import TERMINAL_TYPES, Run, StoredEvent
from bridge.simulator.mogplex.world import Call, World

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "Connection": "keep-alive",
}
FRAMES_PER_WRITE = 200  # the service pages its replay by so many
# A cut inside a frame needs a frame: after the deadline the stream waits so long for the next one.
MID_FRAME_WAIT_S = 5.0
TROUBLE = "Failed to stream events"


def comment_frame(text: str) -> bytes:
    """Return an SSE comment."""
    return f": {text}\n\n".encode()


def run_frame(run: Run, style: str) -> bytes:
    """Return the first frame, which holds the run object."""
    return b"event: run\ndata: %b\n\n" % jsonjs.dumps(run.object(style))


def event_frame(event: StoredEvent, style: str) -> bytes:
    """Return the frame of one event, with its id and type."""
    name = event.draft.type.encode("utf-8", "replace")
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event.id.encode(), name, event.wire(style))


async def stream_events(call: Call) -> Reply | web.StreamResponse:
    """The endpoint; refusals before the start use the envelope."""
    found = find_run(call)
    if isinstance(found, Reply):
        return found
    world = call.world
    knobs = world.lifecycle.knobs_of(found)
    if knobs.stream == "broken":
        return failure(500, "INTERNAL_ERROR", TROUBLE)
    replay = _replay(call, found, knobs)
    if isinstance(replay, Reply):
        return replay
    stream = OpenStream(world, found, knobs)
    response = web.StreamResponse(headers={**HEADERS, "Date": http_date(world.clock.now())})
    if knobs.request_id:
        response.headers["x-vercel-id"] = f"sim1::{call.record.number}"
    # Registered before the first await: nothing that commits from here on can be missed.
    with stream:
        call.record.status = 200
        await response.prepare(call.request)
        await stream.serve(call.request, response, replay)
    return response


def _replay(call: Call, run: Run, knobs: Knobs) -> list[StoredEvent] | Reply:
    limit = parse_limit(call.query.get("limit"))
    if knobs.stream == "v1":
        return run.page(limit, knobs)
    cursor = call.request.headers.get("Last-Event-ID", "").strip()
    if not cursor:
        return run.newest(limit)
    if not is_uuid(cursor):
        return failure(500, "INTERNAL_ERROR", TROUBLE)
    event = run.by_id.get(cursor.lower())
    if event is None or event.ai_call_id != run.ai_call_id:
        return failure(400, "BAD_REQUEST", "Last-Event-ID does not belong to this run")
    return run.after(event)


class OpenStream:
    """One connected reader of one run."""

    def __init__(self, world: World, run: Run, knobs: Knobs) -> None:
        self.run = run
        self._world = world
        self._knobs = knobs
        self._segment = run.ai_call_id
        self._position = len(run.commits)
        self._wake = asyncio.Event()
        self._cut: str | None = None
        self._writing: asyncio.Transport | None = None
        self._is_due = False  # a comment, see the knob stream_comment_s

    @property
    def feed_id(self) -> str:
        """See `OpenConnection.feed_id`."""
        return self.run.id

    def __enter__(self) -> None:
        self.run.watchers.add(self._wake.set)
        self._world.streams.add(self)
        cap_s = self._knobs.stream_max_s
        self._timer = (
            self._world.clock.call_later(cap_s, lambda: self.cut(self._knobs.stream_cut))
            if cap_s > 0
            else None
        )
        self._comment_later()

    def _comment_later(self) -> None:
        every_s = self._knobs.stream_comment_s
        if every_s > 0 and self in self._world.streams and self._cut is None:
            self._world.clock.call_later(every_s, self._comment)

    def _comment(self) -> None:
        self._is_due = self._cut is None
        self._wake.set()
        self._comment_later()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._world.streams.discard(self)
        self.run.watchers.discard(self._wake.set)

    def cut(self, how: str) -> None:
        """End the stream in one of the ways of the knob stream_cut.

        `clean`, `between_frames` or `mid_frame` close it; after `silent` the connection stays, but
        nothing comes over it any more, as when a router has forgotten it.
        """
        if self._cut == "silent":
            return  # not even an end
        if how == "mid_frame" and self._cut is None:
            clock = self._world.clock
            self._timer = clock.call_later(MID_FRAME_WAIT_S, lambda: self.cut("between_frames"))
        self._cut = how
        self._wake.set()
        if self._writing is not None and how not in {"clean", "silent"}:
            self._writing.abort()

    async def serve(
        self, request: web.Request, response: web.StreamResponse, replay: list[StoredEvent]
    ) -> None:
        """Replay, then live, until a terminal event, a cut, or the reader goes."""
        style = self._knobs.time_format
        await self._write(
            request, response, comment_frame("connected") + run_frame(self.run, style)
        )
        if await self._send(request, response, replay):
            return
        while True:
            if self._cut in {"clean", "between_frames"}:
                break
            has_moved_on = self.run.ai_call_id != self._segment
            if has_moved_on and self._knobs.segment_stream == "ends" and self._cut != "silent":
                return
            if self._is_due:
                self._is_due = False
                await self._write(request, response, comment_frame("keep-alive"))
            fresh = [] if self._cut == "silent" else self._fresh()
            if fresh and self._cut == "mid_frame":
                frame = event_frame(fresh[0], style)
                await self._write(request, response, frame[: len(frame) // 2])
                break
            if fresh:
                if await self._send(request, response, fresh):
                    return
                continue
            self._wake.clear()
            await self._wake.wait()
        if self._cut != "clean" and request.transport is not None:
            # Closed after what is buffered, and without the last chunk of the HTTP body.
            request.transport.close()

    def _fresh(self) -> list[StoredEvent]:
        """What was committed since the last look, in order of commit; empty when nothing was."""
        commits = self.run.commits
        while self._position < len(commits):
            fresh = commits[self._position : self._position + FRAMES_PER_WRITE]
            self._position += len(fresh)
            if self._knobs.segment_stream != "follows":
                fresh = [event for event in fresh if event.ai_call_id == self._segment]
            if fresh:
                return fresh
        return []

    async def _send(
        self, request: web.Request, response: web.StreamResponse, events: list[StoredEvent]
    ) -> bool:
        """True when a terminal event went out: it is the last thing a stream says."""
        style = self._knobs.time_format
        for start in range(0, len(events), FRAMES_PER_WRITE):
            frames = []
            ended = False
            for event in events[start : start + FRAMES_PER_WRITE]:
                frames.append(event_frame(event, style))
                if event.draft.type in TERMINAL_TYPES:
                    ended = True
                    break
            await self._write(request, response, b"".join(frames))
            if ended:
                return True
            if self._cut in {"clean", "between_frames"}:
                return False
        return False

    async def _write(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        self._writing = request.transport
        try:
            await response.write(data)
        finally:
            self._writing = None
