"""Follows a sandbox, build, snapshot or the tenant: events from its stream, status from its row.

These streams have no pages behind them. What falls between two connects is lost unless the server
replays it; where nothing proves a replay, the source reports a gap (rules/boundary.py).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.core.backoff import Backoff
from bridge.core.errors import Retry
from bridge.core.pace.line import Rank
from bridge.sources.miosa.api import ACCEPT_STREAM, row_path, stream_path, to_list
from bridge.sources.miosa.classify import Verdict
from bridge.sources.miosa.connect import Came, Connected, Wish, connected
from bridge.sources.miosa.following import ROW_S, Following, Parts
from bridge.sources.miosa.frames import Seen, of_item
from bridge.sources.miosa.reading import Ended, frames_of
from bridge.sources.miosa.rules import words
from bridge.sources.miosa.rules.boundary import Boundary
from bridge.sources.port import Batch, Gap, OpenFeed, Progress

RESUME_UNSUPPORTED = "resume_unsupported"
CONNECT_S = (1.0, 15.0)  # between connects: least, and longest after short-lived streams
LIVED_S = 20.0  # a stream that lived so long is no failure
MISSING_S = (5.0, 600.0)  # after a 404 of a thing whose row is there
EMPTY_S = 20.0  # after a 204, read the row instead of the stream
LIST_S = 15.0  # between reads where the server sends a list instead of a stream
LOGS = (words.BUILD, words.SNAPSHOT)  # whose stream ends with the thing; others only pause
ANY = "*/*"  # the Accept header after a 406, tried once


class StreamFollow(Following):
    """Follows one thing by its stream."""

    word = "stream"  # `Progress.followed_by`

    def __init__(
        self, feed: OpenFeed, parts: Parts, progress: Progress, *, may_stream: bool = True
    ) -> None:
        super().__init__(feed, parts, progress)
        self.boundary = Boundary()
        self.has_row = self.kind != words.TENANT
        self.stream_at = 0.0
        self.is_streaming = False
        self.ended: Ended | None = None  # how the last stream ended; None: there was none
        self.strikes = 0  # refusals for a ticket, in a row
        self._missing = Backoff(*MISSING_S)
        self._may_stream = may_stream
        self._accept = ACCEPT_STREAM
        self._connects = Backoff(*CONNECT_S)
        self._news_at = -math.inf
        self._looked_at = -math.inf
        self._was_tried_at_end = False
        # Whether the server closed the last stream because the thing was over, as the next read of
        # the row shows. None: that read is still to come.
        self._is_complete: bool | None = False
        self._stream_wake = asyncio.Event()

    def saved(self) -> dict[str, Any]:
        """See `Following.saved`. Adds the boundary of the stream."""
        return {**super().saved(), "stream": self.boundary.saved()}

    def restore(self, saved: dict[str, Any]) -> None:
        """See `Following.restore`."""
        super().restore(saved)
        self.boundary = Boundary.restored(saved["stream"])

    async def run(self) -> None:
        """See `Following.run`."""
        self.load()
        await self.until_over(self._watch(), self._stream())

    # The row

    async def _watch(self) -> None:
        """Read the row when it is due, and end the follow when the row says so."""
        while not self.is_over:
            if not self.has_row:
                await self.sleep_until(math.inf)
                continue
            now = self.clock.monotonic()
            row_at = self.row_at + (self.watch_s(ROW_S) if self.is_streaming else ROW_S / 4)
            if self.wants_row or (now >= row_at and not self.ending.is_near):
                is_urgent = self.row is None or self.wants_row
                usual = Rank.WATCH if self.is_streaming else Rank.NEWS
                await self.read_row(Rank.CONNECT if is_urgent else usual)
                self.progress.read_at = self.clock.monotonic()
                if self._is_complete is None and not self.wants_row:
                    self._is_complete = self.ending.is_near
                self._stream_wake.set()
            elif self.ending.is_near:
                await self._near_end(now)
            else:
                await self.sleep_until(row_at)

    async def _near_end(self, now: float) -> None:
        """The row is over: wait until the stream is quiet, then end."""
        if now >= self._looked_at + 1.0:
            self.ending.saw_look(now, is_fresh=self._news_at > self._looked_at)
            self._looked_at = now
        if self.ending.is_over(now) and not self.wants_last_connect:
            if not await self.read_row(Rank.CONNECT) or not self.ending.is_near:
                return
            if self._is_complete and not self.is_streaming:
                self.boundary.completed()
            await self.take(Batch(gaps=self.open_gap(), ended=True))
            self.finish()
            return
        await self.sleep_until(max(self.ending.ask_at(now), now + 1.0))

    @property
    def wants_last_connect(self) -> bool:
        """Whether another stream may show the end: the last was cut, or none was opened."""
        is_tried = self._was_tried_at_end or self._is_complete or not self._may_stream
        return not self.is_streaming and not is_tried

    def open_gap(self) -> Sequence[Gap]:
        """Return the gap to report when no further frame can prove that no event is missing."""
        is_cut_off = self.boundary.was_open and not self.is_streaming
        if not self.boundary.is_unproven and not is_cut_off:
            return ()
        return (Gap(RESUME_UNSUPPORTED, self.boundary.after, None, None),)

    # The stream

    async def _stream(self) -> None:
        while not self.is_over and self._may_stream:
            now = self.clock.monotonic()
            is_wanted = self.wants_last_connect if self.ending.is_near else not self.is_streaming
            at = max(self.stream_at, self.held_until)
            if (self.has_row and self.row is None) or not is_wanted:
                self._stream_wake.clear()
                await self._stream_wake.wait()
            elif not self.learnt.has_stream(self.kind, now):
                self._was_tried_at_end |= self.ending.is_near
                await self._sleep(now + LIST_S)
            elif now < at:
                await self._sleep(at)
            else:
                self._was_tried_at_end |= self.ending.is_near
                await self.connect()
                self.wake.set()

    async def _sleep(self, instant: float) -> None:
        """Sleep until an instant, or until the row was read."""
        self._stream_wake.clear()
        try:
            async with asyncio.timeout(max(0.0, instant - self.clock.monotonic())):
                await self._stream_wake.wait()
        except TimeoutError:
            pass

    async def connect(self) -> None:
        """Connect once and read the stream to its end."""
        began = self.clock.monotonic()
        wish = Wish(
            self.feed,
            self.operation,
            lambda: stream_path(self.feed, self.learnt, self.root),
            resume_id=self.boundary.resume_id,
            accept=self._accept,
        )
        async with connected(self.parts, wish) as got:
            await self.came(got)
        self.paused(began, lived=got.came is Came.STREAM)

    def paused(self, began: float, *, lived: bool) -> None:
        """Note that the connect is over, and schedule the next one."""
        now = self.clock.monotonic()
        if lived and now - began >= LIVED_S:
            self._connects.reset()
        wait_s = self._connects.after_failure(jitter=0.0)
        self.stream_at = max(self.stream_at, now + wait_s)

    @property
    def operation(self) -> str:
        """The name of a connect in failures and metrics, such as `sandboxes.stream`."""
        return {words.SANDBOX: "sandboxes", words.TENANT: "tenant"}.get(
            self.kind, f"{self.kind}s"
        ) + ".stream"

    async def came(self, got: Connected) -> None:
        """Handle the result of a connect."""
        now = self.clock.monotonic()
        match got.came:
            case Came.STREAM:
                assert got.stream is not None
                self.strikes = 0
                self._missing.reset()
                self._accept = ACCEPT_STREAM
                await self.opened()
                await self.read(frames_of(self.kind, got.stream, self.learnt))
            case Came.EMPTY:
                self.went_well(self.operation)
                self.wants_row = self.has_row
                self.stream_at = now + EMPTY_S
                self.wake.set()
            case Came.JSON:
                self.went_well(self.operation)
                self.stream_at = now + LIST_S
                items = [of_item(self.kind, item) for item in to_list(got.value) or ()]
                await self._took([seen for seen in items if seen is not None])
            case Came.REFUSED:
                assert got.verdict is not None
                await self.stream_refused(got.verdict)

    async def opened(self) -> None:
        """Note a new stream: events may be missing before its first frame, also after a kill."""
        self.went_well(self.operation)
        self.learnt.stream_present(self.kind)
        self.boundary.connected()
        await self.take(Batch())
        self.progress.followed_by = self.word

    async def read(self, items: Any) -> None:
        """Take events until the stream ends."""
        self.is_streaming, self.ended, self._is_complete = True, Ended.CUT, False
        try:
            async for found in items:
                if isinstance(found, Ended):
                    self.ended = found
                else:
                    await self._took(found)
        finally:
            self.is_streaming = False
            self.progress.followed_by = "poll" if self.has_row else None
            self.parts.count_reconnect(self.kind, self.ended)
            if self.ended is Ended.DONE and self.kind in LOGS:
                self._is_complete = True
            elif self.ended in (Ended.CLOSED, Ended.DONE) and self.has_row:
                self._is_complete = None
            self.wants_row |= self.has_row and self.ended is not Ended.CUT
            self.wake.set()
        if self.ended is Ended.DONE and self.kind in LOGS:
            self.boundary.completed()
            await self.take(Batch())
            self.stream_at = self.clock.monotonic() + EMPTY_S

    async def _took(self, items: Sequence[Seen]) -> None:
        """Take events, each with its id or a number, after a gap where events may be missing."""
        gaps: list[Gap] = []
        events = []
        after = self.boundary.after
        for seen in items:
            place = self.boundary.took(seen.own_id, self.open.is_known)
            if place.has_gap:
                gaps.append(Gap(RESUME_UNSUPPORTED, after, place.event_id, None))
            self.boundary.moved_to(place.event_id)
            events.append(seen.event(place.event_id))
            if words.is_end(self.kind, seen.status) and not self.ending.is_near:
                self.wants_row = self.has_row
        self._news_at = self.progress.read_at = self.clock.monotonic()
        await self.take(Batch(events=events, gaps=gaps))
        if self.wants_row:
            self.wake.set()

    async def stream_refused(self, verdict: Verdict) -> None:
        """React to a connect refused for its ticket, Accept header, route, or thing."""
        failure = verdict.failure
        status, now = failure.http_status, self.clock.monotonic()
        if status == 401:
            await self._not_signed_in(verdict)
        elif status == 406 and self._accept != ANY:
            self._accept = ANY
            self._connects.reset()
        elif status in (404, 405, 410, 426, 501):
            await self.no_route(verdict)
        elif failure.retry is Retry.CONDITIONAL and self.has_row:
            await self.refused(verdict)
            self.wake.set()
        else:
            await self.refused(verdict)
            self.stream_at = max(now, self.held_until)

    async def _not_signed_in(self, verdict: Verdict) -> None:
        """Try one new ticket, then end this follow alone."""
        if self.strikes:
            await self.give_up(replace(verdict.failure, retry=Retry.PERMANENT))
            return
        self.strikes += 1
        self.progress.failure = verdict.failure
        self.learnt.wants_ticket[self.kind] = True
        self._connects.reset()

    async def no_route(self, verdict: Verdict) -> None:
        """Note a missing route, or a missing thing, which the row shows."""
        now = self.clock.monotonic()
        self.progress.failure = verdict.failure
        self.progress.failures_in_row += 1
        if verdict.is_route_absent:
            self.learnt.stream_absent(self.kind, now)
        else:  # other things of this kind keep their streams
            self.stream_at = now + self._missing.after_failure(jitter=0.0)
        if self.has_row:
            self.wants_row = True
            self.wake.set()

    @property
    def path(self) -> str:
        """The path of the feed's row below the API's prefix."""
        return row_path(self.feed, self.learnt, self.root)
