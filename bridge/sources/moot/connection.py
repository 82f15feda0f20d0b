"""One connection of one space, by stream or WebSocket, from its request to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from bridge.core.event import Event
from bridge.core.pace.line import Rank
from bridge.sources import http
from bridge.sources.moot import frames
from bridge.sources.moot.desk import Desk
from bridge.sources.moot.errors import Refusal, below_http, invalid
from bridge.sources.moot.frames import FRAME_BYTES_MAX
from bridge.sources.moot.inbox import CLOSED, NOTHING, Inbox
from bridge.sources.moot.rules.space import SpaceRules
from bridge.sources.moot.rules.steps import Close, Hold, Read, Take
from bridge.sources.moot.rules.ways import ROUTE_ABSENT, Way
from bridge.sources.moot.words import Skip
from bridge.sources.port import Progress
from bridge.tasks import TaskGroup
from bridge.wire.sse import FrameDecoder, FrameTooLargeError

HEAD_S = 15.0  # until the head of the reply; the vendor's own clients wait 10 s (moot.md 2.7)
HEARTBEAT_S = 60.0  # on a WebSocket (moot.md 2.4)
HEARTBEAT = '{"type":"heartbeat"}'
TOO_LARGE_MAX = 3  # frames over the limit, in a row, until the follow tries another way
_TROUBLE = (*http.TROUBLE, http.HandshakeError, FrameTooLargeError)


class Holder(Protocol):
    """The follow that owns the connection."""

    space_id: str
    desk: Desk
    rules: SpaceRules
    progress: Progress
    reading: asyncio.Event  # set on a change that the reading task has to see
    is_known: Callable[[str], bool]

    @property
    def way(self) -> Way:
        """The transport that the setting and the server allow now."""

    def now(self) -> float:
        """Return the monotonic instant in seconds."""

    def stir(self) -> None:
        """Wake the follow's tasks after a change."""

    async def nap(self, event: asyncio.Event, until: float) -> None:
        """Return when the event is set, or at the instant `until` at the latest."""

    async def take(self, take: Take) -> None:
        """Hand over what the rules found, and return when it is durable."""


class Decoder(Protocol):
    """Turns bytes or texts of a connection into (data, name)."""

    def feed(self, piece: bytes | str) -> list[tuple[str | bytes, str]]:
        """Decode a piece.

        Raises:
            FrameTooLargeError: A frame is longer than the limit.
        """
        ...


class _SseDecoder:
    def __init__(self) -> None:
        self._frames = FrameDecoder(FRAME_BYTES_MAX)

    def feed(self, piece: bytes | str) -> list[tuple[str | bytes, str]]:
        data = piece.encode() if isinstance(piece, str) else piece
        return [(frame.data, frame.event) for frame in self._frames.feed(data)]


class _Messages:
    def feed(self, piece: bytes | str) -> list[tuple[str | bytes, str]]:
        if len(piece) > FRAME_BYTES_MAX:
            raise FrameTooLargeError(f"a message is larger than {FRAME_BYTES_MAX} bytes")
        return [(piece, "message")]


class Connection:
    """One request for a stream, and what arrives over it."""

    def __init__(self, follow: Holder, way: Way) -> None:
        self._follow = follow
        self._desk = follow.desk
        self._way = way
        self._operation = "spaces.ws" if way is Way.WEBSOCKET else "spaces.stream"
        self._started = 0.0
        self._was_open = False
        self._in_query = False  # the key stands in the URL of this request
        self._inbox = Inbox()
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Connect, read until the rules or upstream end the stream, and report the result."""
        follow, desk = self._follow, self._desk
        try:
            async with desk.gate.turn((follow.space_id, "read"), Rank.CONNECT) as turn:
                if desk.verdict is not None:
                    return
                self._started = follow.now()
                turn.sent()
                self._in_query = desk.ways.token_in_query and desk.api.may_send_in_query
                async with self._opened() as pieces:
                    turn.answered()
                    if pieces is not None:
                        await self._live(pieces)
        except _TROUBLE as error:
            if not self._was_open:
                self._refused(self._to_refusal(error))
        finally:
            if self._was_open:
                desk.connected(-1)
                follow.rules.closed(follow.now(), desk.jitter())

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[AsyncIterator[bytes | str] | None]:
        """Yield the pieces of the connection; None when upstream refused it, which is booked."""
        api, space_id, in_query = self._desk.api, self._follow.space_id, self._in_query
        async with asyncio.timeout(HEAD_S) as deadline:
            if self._way is Way.WEBSOCKET:
                async with api.socket(space_id, in_query=in_query) as socket:
                    deadline.reschedule(None)
                    self._decoder: Decoder = _Messages()
                    self._socket: http.Socket | None = socket
                    yield socket.messages()
                return
            async with api.stream(space_id, in_query=in_query) as stream:
                refusal = await self._no_stream(stream)
                deadline.reschedule(None)
                if refusal is not None:
                    self._refused(refusal)
                    yield None
                    return
                self._decoder, self._socket = _SseDecoder(), None
                yield stream.chunks()

    async def _no_stream(self, stream: http.Stream) -> Refusal | None:
        """Read a reply that is not a stream; None when it is one."""
        kind = stream.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_success = 200 <= stream.status < 300
        if is_success and kind == "text/event-stream":
            return None
        if is_success:
            return invalid(self._operation, stream.status, "a success that is not an event stream")
        body = await stream.whole()
        return self._desk.api.judge(self._operation, stream.status, stream.headers, body)

    def _to_refusal(self, error: BaseException) -> Refusal:
        if isinstance(error, http.HandshakeError):
            return self._desk.api.judge(self._operation, error.status, error.headers, b"{}")
        return below_http(http.to_failure(self._operation, error))

    def _refused(self, refusal: Refusal) -> None:
        """React to a connect without a stream; pages and the status decide the rest."""
        follow, desk, failure = self._follow, self._desk, refusal.failure
        status = failure.http_status
        is_page = status is not None and 200 <= status < 300
        is_route = status in ROUTE_ABSENT or status == 401 or is_page
        if status in (401, 404) and not follow.rules.is_of_route():
            is_route = False  # the key may be bad, or the space missing: its status shows it
        if is_route and status == 401 and desk.api.may_send_in_query and not self._in_query:
            desk.ways.token_in_query = True  # only the stream's route takes the key from there
        elif is_route:
            desk.ways.useless(self._way, follow.now())
        if status == 401:
            refusal = _not_of_key(refusal)
        result = "failed" if status is None else "refused"
        desk.count("stream_connects_total", 1, "not_a_stream" if is_page else result)
        desk.failed(self._operation, self._started, refusal)
        follow.progress.followed_by = "poll"
        follow.rules.refused(follow.now(), desk.jitter())

    def _too_large(self) -> None:
        self._desk.skipped([Skip.TOO_LARGE])
        self._desk.ways.too_large += 1
        if self._desk.ways.too_large >= TOO_LARGE_MAX:
            self._desk.ways.useless(self._way, self._follow.now())

    # -- while it is open

    async def _live(self, pieces: AsyncIterator[bytes | str]) -> None:
        follow, desk = self._follow, self._desk
        self._was_open = True
        desk.accepted(self._operation, self._started)
        desk.count("stream_connects_total", 1, "opened")
        desk.connected(+1)
        follow.rules.connected(follow.now())
        follow.progress.followed_by = "stream" if self._way is Way.SSE else str(self._way)
        follow.stir()
        async with TaskGroup() as group:
            side = [
                group.create_task(self._fill(pieces), name="moot: connection"),
                group.create_task(self._pass_on(), name="moot: wake-ups"),
            ]
            if self._socket is not None:
                side.append(group.create_task(self._beat(self._socket), name="moot: heartbeat"))
            try:
                await self._read()
            except FrameTooLargeError:  # caught here: outside the group it would come wrapped
                self._too_large()
            finally:
                for task in side:
                    task.cancel()

    async def _fill(self, pieces: AsyncIterator[bytes | str]) -> None:
        try:
            await self._inbox.fill(pieces)
        except _TROUBLE:
            await self._inbox.close()

    async def _pass_on(self) -> None:
        """End a wait for the connection when something changes elsewhere."""
        event = self._follow.reading
        while True:
            await event.wait()
            event.clear()
            self._inbox.stir()
            self._stirred.set()

    async def _beat(self, socket: http.Socket) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await socket.send_text(HEARTBEAT)
            except http.TROUBLE:
                return  # the reader notices it too

    async def _read(self) -> None:
        follow, rules = self._follow, self._follow.rules
        while True:
            now = follow.now()
            match rules.stream(now, follow.way):
                case Read(until):
                    piece = await self._inbox.get(until - now)
                    if piece is CLOSED:
                        return
                    if piece is not NOTHING:
                        await self._take(piece)  # type: ignore[arg-type]
                case Hold():
                    await follow.nap(self._stirred, now + 1.0)
                case Close():
                    if rules.is_useless:
                        self._desk.ways.useless(self._way, now)
                    return
                case _:
                    return

    async def _take(self, piece: bytes | str) -> None:
        follow, rules = self._follow, self._follow.rules
        events: list[Event] = []
        skipped: list[Skip] = []
        replayed = 0
        space_id, is_known, read_frame = follow.space_id, follow.is_known, frames.read
        for data, name in self._decoder.feed(piece):
            read = read_frame(data, name, space_id, is_known)
            if read.is_replay:
                replayed += 1
                continue
            events += read.events
            skipped += read.skipped
            rules.has_understood |= read.is_understood
        if skipped:
            self._desk.skipped(skipped)
        now = follow.now()
        if not events and not replayed:
            rules.heard(now)
            return
        self._desk.ways.worked(self._way)
        take = rules.framed(now, self._desk.clock.wall(), events, replayed)
        await follow.take(take)
        if rules.job is not None:
            follow.stir()  # the requesting task may have waited for what the stream brings


def _not_of_key(refusal: Refusal) -> Refusal:
    """Separate a 401 of the stream from the key: only REST shows whether the key is good."""
    return Refusal(refusal.failure, refusal.is_json, is_of_stream=True)
