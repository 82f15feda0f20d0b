"""One Mogplex run over `GET …/events/stream`: connect, read, watch the silence, leave.

Upstream sends no heartbeats and never says why a stream ended (contracts.md 1.8), so silence is no
fault, and after every close the caller reads a page, which decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bridge.core.completion import TERMINAL_STATUSES
from bridge.core.errors import Failure, Retry
from bridge.core.event import Event
from bridge.sources import http
from bridge.sources.follow import RunFollow
from bridge.sources.mogplex import API, PAGE_MAX, to_event, to_page
from bridge.sources.pages import upstream_types
from bridge.sources.port import Batch
from bridge.wire.jsontext import JsonError, loads
from bridge.wire.sse import Frame, FrameDecoder, FrameTooLargeError

SILENCE_S = 60.0  # without a byte: read the row; the stream of a finished run may stay open (1.8)
CONNECT_S = 15.0  # until the reply's head is there
SILENCE_AT_END_S = 5.0  # the same on a run that is over: only the replay is still to come
TELLING = frozenset({"status_changed", "cancel_requested"})  # events after which the row moved
RESTING = TERMINAL_STATUSES | {"awaiting_input"}  # statuses after which a stream tells nothing


class _LeaveError(Exception):
    """The row said that this stream has nothing more to tell."""


async def follow_stream(follow: RunFollow) -> None:
    """Connect with the turn that was taken, and read until the stream closes."""
    connect = _Connect(follow)
    try:
        async with asyncio.timeout(CONNECT_S) as deadline:
            await connect.run(deadline)
    except (*http.TROUBLE, FrameTooLargeError) as error:
        if not connect.is_open:
            await connect.refused(http.to_failure("runs.stream", error))
    finally:
        now = follow.clock.monotonic()
        if connect.is_open:
            follow.stream_closed_at = now
            follow.was_blind = False
            follow.is_stuck = follow.segment_count == connect.count_before
        if connect.is_open and follow.is_stuck:
            follow.fill_tries += follow.wants_fill
        follow.wants_fill = False  # the page read next says whether there still is a hole
        follow.progress.followed_by = "poll"
        follow.progress.read_at = now
        follow.is_verified = False
        follow.stream_at = now + follow.stream_backoff.after_failure(jitter=0.0)


class _Connect:
    """One request for one stream."""

    def __init__(self, follow: RunFollow) -> None:
        self.is_open = False  # the reply was a stream
        self._follow = follow
        self._started = follow.clock.monotonic()
        self.count_before = follow.segment_count
        self._resume = follow.resume_from()

    async def run(self, deadline: asyncio.Timeout) -> None:
        follow = self._follow
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        params: dict[str, str] = {}
        if self._resume is None:
            params["limit"] = str(PAGE_MAX)
        else:
            headers["Last-Event-ID"] = self._resume[0]
        path = f"{API}/runs/{follow.run_id}/events/stream"
        async with follow.api.http.stream(path, params, headers) as stream:
            failure = await _refusal(follow, stream)
            if failure is not None:
                await self.refused(failure)
                return
            deadline.reschedule(None)
            self.is_open = True
            follow.account.answered(follow.run_id, "runs.stream", self._started, None)
            follow.account.spent(follow.run_id, park=True)
            await _read(follow, stream, self._resume)

    async def refused(self, failure: Failure) -> None:
        """Learn from a refused connect; the page read next decides about the run itself."""
        follow, now = self._follow, self._follow.clock.monotonic()
        follow.fill_tries += follow.wants_fill
        if failure.retry is Retry.FEATURE_ABSENT:
            follow.features.stream_absent(now)
        elif failure.http_status is not None and failure.http_status >= 500:
            follow.features.stream_broken(now)
        elif failure.code == "BAD_REQUEST" and self._resume is not None:
            follow.forget_recent()  # the cursor's segment is gone; a page tells which one is there
        follow.account.answered(follow.run_id, "runs.stream", self._started, failure)


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


async def _read(
    follow: RunFollow, stream: http.Stream, resumed_from: tuple[str, float] | None
) -> None:
    """Read frames and watch the silence until one of both ends the stream."""
    reader = _Reader(follow, resumed_from)
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(reader.watch(), name=f"watch {follow.run_id}")
            try:
                async for chunk in stream.chunks():
                    await reader.take(chunk)
            finally:
                watch.cancel()
    except* (_LeaveError, *http.TROUBLE, FrameTooLargeError):
        pass  # left, or cut: the same to us, the page read next tells what is missing


class _Reader:
    """Turns chunks into batches, and silence into reads of the row."""

    def __init__(self, follow: RunFollow, resumed_from: tuple[str, float] | None) -> None:
        self._follow = follow
        self._resumed_from = resumed_from
        self._decoder = FrameDecoder()
        self._silence_s = SILENCE_S
        self._heard_at = follow.clock.monotonic()
        self._row_moved = asyncio.Event()
        self._is_first = True

    async def take(self, chunk: bytes) -> None:
        self._heard_at = self._follow.clock.monotonic()
        frames = self._decoder.feed(chunk)
        if not frames:
            return
        events = []
        for frame in frames:
            value = _value(frame)
            if value is None:
                continue
            if frame.event == "run":
                await self._take_run(value)
            elif (event := to_event(value)) is not None:
                events.append(event)
        if not events:
            return
        if self._is_first:
            self._is_first = False
            self._judge(events[0])
        receipt = await self._follow.take_events(events)
        types = upstream_types(receipt.fresh)
        self._follow.completion.saw_events(types)
        if not TELLING.isdisjoint(types):
            self._row_moved.set()

    async def watch(self) -> None:
        """Read the row after silence, or when an event says that it moved."""
        follow = self._follow
        while True:
            wait_s = self._heard_at + self._silence_s - follow.clock.monotonic()
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._row_moved.wait()
            except TimeoutError:
                if follow.clock.monotonic() < self._heard_at + self._silence_s:
                    continue  # something was heard meanwhile
            self._row_moved.clear()
            self._heard_at = follow.clock.monotonic()
            await follow.check_row()
            moved_on = follow.row_segment not in (None, follow.segment)
            if follow.is_over or moved_on or follow.state.status in RESTING:
                raise _LeaveError

    async def _take_run(self, run: Mapping[str, object]) -> None:
        """The `run` frame opens every stream and is the only one that shows the row (1.8)."""
        follow = self._follow
        page = to_page({"run": run}, {})
        if page is None:
            return
        follow.features.stream_connected()
        follow.stream_backoff.reset()
        follow.progress.followed_by = "stream"
        if page.segment is not None and page.segment != follow.segment:
            follow.enter_segment(page.segment)
        await follow.take(Batch(follow.feed, status=page.status, run=page.run))
        if page.status in TERMINAL_STATUSES:
            self._silence_s = SILENCE_AT_END_S
            if not follow.wants_fill:
                raise _LeaveError  # it may stay open for ever: a page decides

    def _judge(self, first: Event) -> None:
        """A resumed stream begins after its cursor (1.8), or with an event that is news. Equal
        times prove nothing: a server that writes milliseconds sorts by what it does not show.
        """
        is_known = self._follow.intake.is_known(self._follow.feed, first.id)
        if self._resumed_from is None or first.created_at_s is None or not is_known:
            return
        id_, created_s = self._resumed_from
        if first.id == id_ or first.created_at_s < created_s:
            self._follow.features.stream_replayed()


def _value(frame: Frame) -> Mapping[str, object] | None:
    """The object in a frame; None when it is not one, which no server has sent yet."""
    try:
        value = loads(frame.data)
    except JsonError:
        return None
    return value if isinstance(value, dict) else None
