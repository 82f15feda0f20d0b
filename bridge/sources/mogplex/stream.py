"""One Mogplex run over `GET …/events/stream`: connect, read, watch the silence, leave.

Upstream sends no heartbeats and never says why a stream ended (mogplex.md 1.8), so silence is no
fault, and after every close the caller reads a page, which decides.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from bridge.core.errors import Failure, Retry
from bridge.core.event import Event
from bridge.sources import http
from bridge.sources.mogplex.api import (
    API,
    PAGE_MAX,
    RunPage,
    is_of_run,
    to_event,
    to_page,
)
from bridge.sources.mogplex.follow import RunFollow
from bridge.sources.mogplex.pages import begins_at_origin, upstream_types
from bridge.sources.mogplex.rules.completion import RESTING_STATUSES, TERMINAL_STATUSES
from bridge.sources.mogplex.rules.window import Hole, Kind
from bridge.sources.mogplex.salvage import lost
from bridge.sources.port import Batch, Gap
from bridge.tasks import TaskGroup
from bridge.wire.http_dates import http_date
from bridge.wire.jsontext import JsonError, loads
from bridge.wire.sse import Frame, FrameDecoder, FrameTooLargeError

# After so long without an event the follow reads the row, as a finished run's stream may stay open
# (mogplex.md 1.8); the next time the page, as a dead connection looks the same. Comments prove
# nothing: a proxy may send them. From the second look on, the wait doubles while there is no news,
# so that many quiet runs do not use up the requests of the others.
SILENCE_S = (60.0, 300.0)
WATCH_SHARE = 1 / 3  # share of the token's pace for such reads
SILENCE_AT_END_S = 5.0  # on a finished run only the replay is still to come
HELD_S = 2.0  # after so long in silence, a replay is over
CONNECT_S = 15.0  # until the first byte of the stream; upstream greets at once (mogplex.md 1.8)
REPLAY_S = 60.0  # an unknown event so much older than the cursor was forgotten here; it is not late
TELLING = frozenset({"status_changed", "cancel_requested"})  # events after which the row changed


class _LeaveError(Exception):
    """The row said that this stream has nothing more to show."""


async def follow_stream(follow: RunFollow) -> None:
    """Connect with a granted turn, and read until the stream closes."""
    connect = _Connect(follow)
    follow.turns.connecting(follow.clock.monotonic())
    count_before = follow.segment.count
    try:
        async with asyncio.timeout(CONNECT_S) as deadline:
            await connect.run(deadline)
    except (*http.TROUBLE, FrameTooLargeError) as error:
        if connect.reader is None:
            connect.refused(http.to_failure("runs.stream", error))
    finally:
        now = follow.clock.monotonic()
        follow.on_hurry = None
        follow.features.scouted.set()
        if connect.reader is not None:
            follow.streamed_until = connect.reader.shown_until
            follow.progress.read_at = now
        follow.segment.is_streamed = False
        follow.progress.followed_by = "poll"
        follow.turns.closed(
            now,
            was_open=connect.reader is not None,
            brought=follow.segment.count != count_before,
            wait_s=follow.stream_backoff.after_failure(jitter=0.0),
        )


class _Connect:
    """One request for one stream."""

    def __init__(self, follow: RunFollow) -> None:
        self.reader: _Reader | None = None  # set when the reply is a stream and its first byte came
        self._follow = follow
        self._started = follow.clock.monotonic()
        self._resume = follow.resume_from()

    async def run(self, deadline: asyncio.Timeout) -> None:
        follow = self._follow
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self._resume is not None:
            headers["Last-Event-ID"] = self._resume[0]
        # A server that resumes ignores the limit; a first-version server replays so many events.
        params = {"limit": str(PAGE_MAX)}
        path = f"{API}/runs/{follow.run_id}/events/stream"
        async with follow.api.http.stream(path, params, headers) as stream:
            failure = await _refusal(follow, stream)
            if failure is not None:
                self.refused(failure)
                return
            chunks = stream.chunks()
            first = await anext(chunks, b"")
            deadline.reschedule(None)
            follow.gate.answered(follow.run_id, "runs.stream", self._started, None)
            follow.gate.spent(follow.run_id, park=True)
            self.reader = _Reader(follow, self._resume, http_date(stream.headers.get("Date")))
            await _read(self.reader, first, chunks)

    def refused(self, failure: Failure) -> None:
        """React to a refused connect; the next page decides about the run itself."""
        follow, now = self._follow, self._follow.clock.monotonic()
        if failure.retry is Retry.FEATURE_ABSENT:
            follow.features.stream_absent(now)
        elif failure.code == "BAD_REQUEST":
            follow.segment.forget_resume()  # the run has another segment now; a page shows which
        elif failure.code not in _OF_TOKEN_OR_RUN:
            follow.features.stream_failed(now)
        follow.gate.answered(follow.run_id, "runs.stream", self._started, failure)


# Refusals that say nothing about the route.
_OF_TOKEN_OR_RUN = frozenset({"RATE_LIMITED", "UNAUTHORIZED", "LOGIN_REDIRECT", "NOT_FOUND"})


async def _refusal(follow: RunFollow, stream: http.Stream) -> Failure | None:
    """Read a reply that is not a stream; None when it is one."""
    kind = stream.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if stream.status == 200 and kind == "text/event-stream":
        return None
    try:
        body = loads(await stream.whole())
    except JsonError:
        body = None
    if stream.status == 200:
        text = "a success that is not an event stream"
        return Failure("runs.stream", "INVALID_RESPONSE", text, Retry.TRANSIENT, 200)
    return follow.api.classify("runs.stream", stream.status, stream.headers, body)


async def _read(reader: _Reader, first: bytes, chunks: AsyncIterator[bytes]) -> None:
    """Read frames and watch the silence until one of them ends the stream."""
    try:
        async with TaskGroup() as group:
            watch = group.create_task(reader.watch(), name=f"watch {reader.run_id}")
            try:
                await reader.take(first)
                async for chunk in reader.until_closed(chunks):
                    await reader.take(chunk)
            finally:
                watch.cancel()
    except* (_LeaveError, *http.TROUBLE, FrameTooLargeError):
        pass  # left, or cut: the next page shows what is missing in both cases


class _Reader:
    """Turns chunks into batches, and silence into reads of the row."""

    def __init__(
        self,
        follow: RunFollow,
        resumed_from: tuple[str, float] | None,
        connected_s: float | None,
    ) -> None:
        """`connected_s`: upstream's clock at its reply, in whole seconds."""
        self.run_id = follow.run_id
        self._connected_s = math.inf if connected_s is None else connected_s + 1.0
        self._received = 0
        self._follow = follow
        self._resumed_from = resumed_from
        self._newest_s = follow.segment.newest_s
        self._decoder = FrameDecoder()
        self._silence_s = SILENCE_S[0]
        self._looks = 0  # since the last event
        self._heard_at = self.shown_until = follow.clock.monotonic()
        self._row_moved = False  # an event said so
        self._wake = asyncio.Event()  # set when the watch has to wait for another instant
        follow.on_hurry = self.row_moved
        self._is_first = True
        self._is_of_end = False  # the run was over when the stream began
        # The first events of a run's first stream, held until it is clear whether others came
        # before.
        self._held: list[Event] | None = None
        self._page: RunPage | None = None  # of the `run` frame

    async def until_closed(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks; `shown_until` is when the last byte came, or when upstream closed.

        Silence shows nothing: the connection may have been dead for long.
        """
        clock = self._follow.clock
        try:
            async for chunk in chunks:
                self.shown_until = clock.monotonic()
                yield chunk
        except http.TROUBLE:
            self.shown_until = clock.monotonic()
            raise
        self.shown_until = clock.monotonic()

    async def take(self, chunk: bytes) -> None:
        events: list[Event] = []
        for frame in self._decoder.feed(chunk):
            value = _value(frame)
            if value is None and frame.event == "run":
                raise _LeaveError  # a page may show it
            if value is None:
                await self._take_events(events)
                events = []
                await self._tell_lost(frame)
            elif frame.event == "run":
                await self._take_run(value)
            elif (event := to_event(value, size=len(frame.data))) is not None:
                events.append(event)
        await self._take_events(events)

    async def _tell_lost(self, frame: Frame) -> None:
        """Leave out an unreadable event, and report it once."""
        follow = self._follow
        key = frame.id or lost(frame.data.encode("utf-8", "replace")).key
        if follow.unreadable.is_news(key):
            gap = Gap(Hole.UNREADABLE, follow.segment.last_id, None, 1)
            await follow.take(Batch(gaps=(gap,)))

    async def _take_events(self, events: list[Event]) -> None:
        follow = self._follow
        if not events:
            return
        self._heard_at = follow.clock.monotonic()
        if self._held is not None:
            self._held += events
            if not self._is_begun(self._held):
                return
            events, self._held = self._held, None
        await self._deliver(events)

    async def _deliver(self, events: list[Event]) -> None:
        follow = self._follow
        self._silence_s = SILENCE_AT_END_S if self._is_of_end else SILENCE_S[0]
        if self._looks:
            self._looks = 0
            self._wake.set()  # the watch waits for a later instant
        if self._is_first:
            self._is_first = False
            self._judge(events[0])
        received, self._received = self._received, self._received + len(events)
        if received < PAGE_MAX <= self._received:
            # A first-version replay ends with a full page, whatever comes after it.
            fills_up = events[PAGE_MAX - received - 1]
            follow.window.is_full |= (fills_up.created_at_s or 0.0) < self._connected_s
        receipt = await follow.take_events(events, gaps=self._late_gaps(events))
        await follow.tell_blind()
        types = upstream_types(receipt.fresh)
        follow.completion.saw_events(types)
        if any((event.created_at_s or 0.0) >= self._newest_s for event in events):
            follow.segment.caught_up()
        if not TELLING.isdisjoint(types):
            self.row_moved()

    def _is_begun(self, events: list[Event]) -> bool:
        """Whether it is known what came before the first of `events`, a replay's beginning.

        A fresh stream replays the newest 200 (mogplex.md 1.8): fewer are the whole history. If the
        first one is not a run's first, this waits for all 200, or for a later event.
        """
        assert self._page is not None
        page = replace(self._page, events=tuple(events))
        return (
            len(events) >= PAGE_MAX
            or begins_at_origin(page, is_later_segment=False)
            or any((event.created_at_s or 0.0) >= self._connected_s for event in events)
        )

    def _late_gaps(self, events: list[Event]) -> Sequence[Gap]:
        """Return the gap before a replay that begins in the middle of a run."""
        page, self._page = self._page, None
        if page is None or len(events) < PAGE_MAX:
            return ()
        is_full = (events[PAGE_MAX - 1].created_at_s or 0.0) < self._connected_s
        page = replace(page, events=tuple(events))
        if not is_full or begins_at_origin(page, is_later_segment=False):
            return ()
        self._follow.window.kind = Kind.TAIL
        return (Gap(Hole.JOINED_LATE, None, events[0].id, None),)

    def row_moved(self) -> None:
        """Request a read of the row now."""
        self._row_moved = True
        self._wake.set()

    async def watch(self) -> None:
        """Read row and page in turn after silence, the row when an event says so."""
        follow = self._follow
        while True:
            wait_s = self._heard_at + self._silence_s - follow.clock.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._wake.wait()
            self._wake.clear()
            is_silent = follow.clock.monotonic() >= self._heard_at + self._silence_s
            if self._held is not None and is_silent:
                self._silence_s = SILENCE_S[0]
                held, self._held = self._held, None
                if held:
                    await self._deliver(held)
                continue
            if self._is_of_end and is_silent:
                follow.is_read_out = True
                raise _LeaveError
            if self._row_moved or (is_silent and not self._is_of_end):
                is_of_row = self._row_moved or self._looks % 2 == 0
                self._row_moved = False
                self._heard_at = follow.clock.monotonic()
                await (self._look_at_row() if is_of_row else self._look_at_page())
            if is_silent:
                self._looks += 1
                longer_s = self._silence_s * (2 if self._looks > 1 else 1)
                least_s = follow.gate.pace_s(WATCH_SHARE)
                self._silence_s = max(min(longer_s, SILENCE_S[1]), least_s)

    async def _look_at_row(self) -> None:
        follow = self._follow
        await follow.check_row()
        has_moved_on = follow.row_segment not in (None, follow.segment.id)
        if follow.is_over or has_moved_on or follow.state.status in RESTING_STATUSES:
            raise _LeaveError

    async def _look_at_page(self) -> None:
        """Leave when a page shows what the stream should have brought; does not take the page."""
        follow = self._follow
        await follow.gate.turn(follow.run_id)
        started = follow.clock.monotonic()
        try:
            page = await follow.api.run_events(follow.run_id)
        except asyncio.CancelledError:  # the stream closed meanwhile; upstream counts the request
            follow.gate.spent(follow.run_id)
            raise
        if isinstance(page, Failure):
            await follow.refused("runs.events", started, page, park=True)
            if follow.is_over:
                raise _LeaveError
            return
        follow.accepted("runs.events", started)
        follow.gate.spent(follow.run_id, park=True)
        is_new = any(not follow.feed.is_known(event.id) for event in page.events)
        has_moved_on = page.segment not in (None, follow.segment.id)
        if is_new or has_moved_on or page.status in RESTING_STATUSES:
            raise _LeaveError

    async def _take_run(self, run: Mapping[str, object]) -> None:
        """Take the `run` frame: it opens a stream, and only it shows the row (mogplex.md 1.8)."""
        follow = self._follow
        page = to_page({"run": run}, {})
        if page is None:
            return
        if not is_of_run(page.run, follow.run_id):
            raise _LeaveError
        follow.features.stream_connected()
        follow.stream_backoff.reset()
        follow.progress.followed_by = "stream"
        if follow.is_untouched and page.segment is not None:
            follow.enter_segment(page.segment)
            self._held, self._page, self._silence_s = [], page, HELD_S
            self._wake.set()
        elif page.segment != follow.segment.id and (page.segment or follow.is_untouched):
            raise _LeaveError  # the run has another segment now: a page shows what follows
        await follow.take(Batch(status=page.status, row=page.run))
        if page.status == "awaiting_input" and self._held is not None:
            raise _LeaveError  # this stream brings nothing more
        if page.status in TERMINAL_STATUSES:
            if not follow.turns.wants_fill:
                raise _LeaveError  # the stream may stay open for ever: a page decides
            self._is_of_end, self._silence_s = True, SILENCE_AT_END_S
            self._wake.set()

    def _judge(self, first: Event) -> None:
        """Judge whether a stream resumed: it begins after its cursor (mogplex.md 1.8) or with news.

        Equal times prove nothing: a server that writes milliseconds sorts by what it does not show.
        """
        follow = self._follow
        if self._resumed_from is None or first.created_at_s is None:
            return
        id_, at_s = self._resumed_from
        if follow.feed.is_known(first.id):
            is_before = first.id == id_ or first.created_at_s < at_s
        else:
            is_before = first.created_at_s < at_s - REPLAY_S
        follow.features.stream_began(before_cursor=is_before)


def _value(frame: Frame) -> Mapping[str, object] | None:
    """Return the object in a frame; None for other values, which no server has sent yet."""
    try:
        value = loads(frame.data)
    except JsonError:
        return None
    return value if isinstance(value, dict) else None
