"""Follows one Mogplex run from its first read to its end, by pages and, where it can, by stream.

The pure rules (window, completion) judge every reply, and the intake stores it; the follow sends
its next request only when that is durable. The stream itself is in stream.py.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Retry
from bridge.core.event import Event
from bridge.core.state import FeedState
from bridge.sources.gate import Gate
from bridge.sources.mogplex.api import PAGE_MAX, MogplexApi, RunPage, may_resume_from, state_of
from bridge.sources.mogplex.features import Features, StreamKind
from bridge.sources.mogplex.pages import (
    begins_at_origin,
    ends,
    gaps_of,
    instants,
    lacking,
    parts_of,
    to_monotonic,
    upstream_types,
)
from bridge.sources.mogplex.rules.completion import (
    RESTING_STATUSES,
    TERMINAL_EVENTS,
    TERMINAL_STATUSES,
    Completion,
)
from bridge.sources.mogplex.rules.next_turn import Seen, Turn, Turns
from bridge.sources.mogplex.rules.refusals import SLOW_S, Refusals
from bridge.sources.mogplex.rules.segment import Segment
from bridge.sources.mogplex.rules.short_pages import Doubt
from bridge.sources.mogplex.rules.unreadable import Unreadable
from bridge.sources.mogplex.rules.window import Hole, Kind, PageSeen, Window
from bridge.sources.port import Batch, Gap, OpenFeed, Progress, Receipt
from bridge.wire import times
from bridge.wire.jsontext import JsonError, dumps, loads

CLOCK_S = 1.0  # the Date header counts whole seconds, and the reply takes time to arrive


@dataclass(slots=True)
class RunFollow:
    """The state of one follow; only `follow` of source.py and the stream drive it."""

    feed: OpenFeed
    gate: Gate
    api: MogplexApi
    features: Features
    progress: Progress
    clock: Clock
    may_stream: bool = True  # the operator's setting; `features` knows what the server can do
    is_over: bool = False  # the follow has ended or failed, durably
    window: Window = field(default_factory=Window)
    completion: Completion = field(default_factory=Completion)
    backoff: Backoff = field(default_factory=Backoff)
    segment: Segment = field(default_factory=Segment)
    doubt: Doubt = field(default_factory=Doubt)
    stream_backoff: Backoff = field(default_factory=Backoff)
    turns: Turns = field(default_factory=Turns)
    streamed_until: float | None = None  # until then a stream showed all of this segment
    took_end: bool = False  # the source handed over a terminal event of this segment
    is_read_out: bool = False  # a stream of the finished run brought nothing more
    row_segment: str | None = None  # aiCallId of the row read last
    moved_at: float = 0.0  # when the follow last saw anything new
    row_read_at: float = 0.0
    refusals: Refusals = field(default_factory=Refusals)
    unreadable: Unreadable = field(default_factory=Unreadable)
    slow_backoff: Backoff = field(default_factory=lambda: Backoff(cap_s=SLOW_S))
    on_hurry: Callable[[], None] | None = None  # wakes the open stream

    def __post_init__(self) -> None:
        self.moved_at = self.row_read_at = self.clock.monotonic()
        self._restore(self.state.cursor)

    @property
    def state(self) -> FeedState:
        """The durable state of the run, as of the last batch."""
        return self.feed.state

    @property
    def run_id(self) -> str:
        """The run's id, a UUID in lower case."""
        return self.feed.feed.id

    def look_soon(self) -> None:
        """Read the run as soon as possible: beside an open stream, its row."""
        self.gate.hurry(self.run_id)
        if self.on_hurry is not None:
            self.on_hurry()

    async def read(self, turn: Turn) -> None:
        """Send one read that has its turn: of the page, or of the row where that shows more."""
        if turn is Turn.ROW:
            await self._read_row(park=False)
            return
        started = self.clock.monotonic()
        page = self._believed(await self.api.run_events(self.run_id))
        if isinstance(page, Failure):
            await self.refused("runs.events", started, page)
        else:
            self.accepted("runs.events", started)
            await self._take_page(page)

    async def check_row(self) -> None:
        """Take a turn and read the row beside an open stream."""
        await self.gate.turn(self.run_id)
        await self._read_row(park=True)

    async def _read_row(self, *, park: bool) -> None:
        """Read the run without its events: its status may be news."""
        started = self.clock.monotonic()
        try:
            page = await self.api.run(self.run_id)
        except asyncio.CancelledError:  # the stream closed meanwhile; upstream counts the request
            self.gate.spent(self.run_id)
            raise
        if isinstance(page, Failure):
            await self.refused("runs.get", started, page, park=park)
            return
        self.accepted("runs.get", started)
        self.row_read_at = self.clock.monotonic()
        self.row_segment = page.segment
        # Before the commit: a stream that closes meanwhile cancels this read, but the turn must
        # end.
        self.gate.spent(self.run_id, park=park)
        await self.take_row(page)

    async def take_row(self, page: RunPage) -> None:
        """Record a row that came alone; the next page reports a new segment."""
        if page.status != self.state.status:
            self.moved_at = self.clock.monotonic()
        await self.take(Batch(status=page.status, row=page.run))

    async def refused(
        self, operation: str, started: float, failure: Failure, *, park: bool = False
    ) -> None:
        """Book a refusal of a request that had its turn; some refusals end the follow."""
        backoff = self.slow_backoff if failure.retry is Retry.PERMANENT else self.backoff
        self.progress.retry_at = self.gate.answered(
            self.run_id, operation, started, failure, backoff, park=park
        )
        self.progress.failure = failure
        self.progress.failures_in_row += 1
        was_read = self.state.status is not None
        end = self.refusals.end(self.clock.monotonic(), failure, was_read=was_read)
        if end is not None:
            await self.give_up(end)

    async def give_up(self, failure: Failure) -> None:
        """Record that this follow ends without the run having ended."""
        self.progress.failure = failure
        await self.take(Batch(failure=failure))
        self.is_over = True

    async def take(self, batch: Batch) -> Receipt:
        """Hand a batch over, together with the cursor that a restart needs."""
        if batch.status is not None:
            batch = replace(batch, state=state_of(batch.status))
        cursor = self._cursor()
        if cursor != self.state.cursor:
            batch = replace(batch, cursor=cursor)
        return await self.feed.take(batch)

    async def take_events(self, events: Sequence[Event], **more: Any) -> Receipt:
        """Hand events of the current segment over; `more` holds further fields of the batch."""
        for event in {event.id: event for event in events}.values():
            if not self.feed.is_known(event.id):
                can_resume = may_resume_from(event.id)
                self.segment.took(event.id, event.created_at_s, is_cursor=can_resume)
        self.took_end |= not TERMINAL_EVENTS.isdisjoint(upstream_types(events))
        receipt = await self.take(Batch(events=events, **more))
        if receipt.fresh:
            self.moved_at = self.clock.monotonic()
            self.turns.news()
        return receipt

    async def tell_blind(self) -> None:
        """Record that a first-version stream was not connected all the time.

        Behind a full page such a stream shows only what upstream writes while it is connected
        (mogplex.md 1.0), so events may be missing without a trace.
        """
        is_blind = self.features.stream is StreamKind.REPLAYING and self.window.may_hide()
        if is_blind and not self.completion.event_seen:
            hole = self.window.exhaust()
            if hole is not Hole.NONE:
                await self.take(Batch(gaps=[Gap(hole, self.segment.last_id, None, None)]))

    def resume_from(self) -> tuple[str, float] | None:
        """Return the event to resume a stream from, as (id, creation time); None without one.

        The event is some seconds older than the newest one, or the first of its segment. A stream
        always stops at a terminal event (mogplex.md 1.8): when it brought nothing, the next one
        starts behind that event.
        """
        return self.segment.resume_from(newest=self.turns.is_stuck and self.completion.event_seen)

    def next_turn(self, *, in_s: float = 0.0) -> Turn:
        """Decide the purpose of the next turn, `in_s` seconds from now."""
        now = self.clock.monotonic() + in_s
        return self.turns.next(now, self._seen(now))

    def _seen(self, now: float) -> Seen:
        status, completion = self.state.status, self.completion
        return Seen(
            has_stream=self.may_stream and self.features.has_stream(now),
            does_resume=self.features.stream is StreamKind.RESUMABLE,
            may_resume=self.features.may_resume,
            has_place=self.resume_from() is not None,
            is_untouched=self.is_untouched,
            is_at_rest=status in RESTING_STATUSES or completion.event_seen,
            may_read_row=not completion.in_grace,
            is_page_settled=self.window.is_exhausted and status not in TERMINAL_STATUSES,
            quiet_s=min(now - self.moved_at, now - self.row_read_at),
        )

    @property
    def is_untouched(self) -> bool:
        """Whether the bridge has no reply about this run yet."""
        return self.state.status is None and self.segment.id is None

    def enter_segment(self, segment: str | None) -> None:
        """Reset the state of the old segment; the ids of taken events stay known."""
        if self.segment.id is not None:
            self.window.prove(Kind.TAIL)  # only newer servers pause runs (mogplex.md 1.0)
        self.segment = Segment(segment)
        self.streamed_until = self.row_segment = None
        self.window.new_segment()
        self.completion.new_segment()
        self.took_end = False

    # Judging a page

    def _believed(self, page: RunPage | Failure) -> RunPage | Failure:
        """Return the page, or a failure while the page lacks events that it must show."""
        if isinstance(page, Failure):
            return page
        taken = self.segment.count if page.segment in (None, self.segment.id) else 0
        is_over = page.status in TERMINAL_STATUSES and self.state.events == 0
        if not self.doubt.holds(self.clock.monotonic(), page.size, taken, is_over=is_over):
            return page
        return lacking(taken)

    async def _take_page(self, page: RunPage) -> None:
        switch = self._switch_gap(page)
        hole = self._look(page)
        if hole is Hole.JUMPED and self._may_fill():
            # The follow does not take this page: the stream brings what lies before it, and the
            # page too.
            self.turns.hole_found()
            self.gate.settle(self.run_id, 0, state_of(page.status), not_before=self.turns.stream_at)
            return
        gaps: Sequence[Gap] = gaps_of(hole, page, self.segment.last_id)
        if not gaps and switch is not None:
            gaps = (switch,)
        self.segment.was_paused = page.status == "awaiting_input"
        *parts, (gaps, events) = parts_of(page, gaps, self.segment.last_id, self._is_lost)
        fresh: list[Event] = []
        for before, some in parts:
            fresh += (await self.take_events(some, gaps=before)).fresh
        receipt = await self.take_events(events, gaps=gaps, status=page.status, row=page.run)
        fresh += receipt.fresh
        self.turns.page_taken()
        now = self.clock.monotonic()
        self.progress.read_at = now
        verdict = self.completion.saw_read(now, page.status, upstream_types(fresh))
        await self.tell_blind()
        self.gate.settle(
            self.run_id,
            instants(fresh, page, self.clock),
            state_of(page.status),
            not_before=verdict.ask_at,
            head_window=self.window.is_exhausted,
        )
        if verdict.is_over:
            await self._end(page)

    def _is_lost(self, key: str) -> bool:
        """Whether an unreadable event is new: not yet reported, and not shown by a stream."""
        return not self.feed.is_known(key) and self.unreadable.is_news(key)

    async def _end(self, page: RunPage) -> None:
        # If more events of one instant exist than fit, they continue on a page of the first window.
        saw_end = self.completion.event_seen and (
            self.streamed_until is not None or self.segment.count <= PAGE_MAX
        )
        is_whole = self.is_read_out or saw_end or not self.window.may_hide()
        if (self._slid_past(page) or not is_whole) and self._may_fill():
            self.turns.hole_found()
            return
        hole = Hole.NONE if is_whole else self.window.exhaust()
        await self.take(Batch(gaps=gaps_of(hole, page, self.segment.last_id), ended=True))
        self.is_over = True

    def _slid_past(self, page: RunPage) -> bool:
        """Whether late commits since the last stream may have left the page already."""
        place = self.segment.resume_from()
        if self.is_read_out or not self.window.is_full or place is None or not page.events:
            return False
        return (page.events[0].created_at_s or 0.0) >= place[1]

    def _switch_gap(self, page: RunPage) -> Gap | None:
        """Detect a new segment: no page shows the old one's events any more (mogplex.md 1.7)."""
        old, shown_until, had_end = self.segment, self.streamed_until, self.took_end
        if page.segment is None or page.segment == old.id:
            return None
        self.enter_segment(page.segment)
        if old.last_id is None or old.was_paused or had_end:
            return None  # the old segment was complete: its last event comes before its pause
        # The new segment begins before its first event, or before the last write of the row.
        began_s = page.events[0].created_at_s if page.events else times.seconds(page.updated_at)
        began_at = math.inf if began_s is None else to_monotonic(began_s, page, self.clock)
        if shown_until is not None and shown_until >= began_at - CLOCK_S:
            return None  # a stream reported the pause, or upstream closed it then
        # The run paused and went on between two reads: no read showed the events before the pause.
        before = page.events[0].id if page.events else None
        return Gap(Hole.SWITCHED, old.last_id, before, None)

    def _look(self, page: RunPage) -> Hole:
        if self.window.kind is Kind.UNKNOWN:
            self.window.kind = self.features.window
        ids = [event.id for event in page.events]
        ids += [f"?{n}" for n in range(page.size - len(ids))]  # unreadable events fill the page too
        now = self.clock.monotonic()
        is_alone = not (
            self.may_stream and self.features.may_resume and self.features.has_stream(now)
        )
        seen = PageSeen(
            ids,
            last_s=page.events[-1].created_at_s if page.events else None,
            begins_at_origin=begins_at_origin(page, is_later_segment=self.state.events > 0),
            may_go_on=page.status not in TERMINAL_STATUSES and not ends(page),
            updated_at=page.updated_at,
            is_alone=is_alone,
        )
        hole = self.window.look(seen, self.segment, self.feed.is_known)
        if self.window.is_proven:
            self.features.window = self.window.kind
        return hole

    def _may_fill(self) -> bool:
        """Whether a resumed stream may show what is missing."""
        return self.turns.may_fill(self._seen(self.clock.monotonic()))

    # Helpers

    def accepted(self, operation: str, started: float) -> None:
        """Book a good answer to a request that had its turn; then call `settle` or `spent`."""
        self.gate.answered(self.run_id, operation, started, None, self.backoff)
        self.progress.failure = None
        self.progress.failures_in_row = 0
        self.refusals.accepted()
        self.slow_backoff.reset()
        if self.progress.followed_by is None:
            self.progress.followed_by = "poll"

    def _cursor(self) -> str:
        saved = self.segment.saved()
        saved["terminal"] = self.took_end
        saved["unreadable"] = self.unreadable.saved()
        saved["window"] = self.window.kind
        saved["exhausted"] = self.window.is_exhausted
        return dumps(saved).decode()

    def _restore(self, cursor: str) -> None:
        """Load a stored cursor; an unreadable one only costs requests."""
        try:
            saved = loads(cursor) if cursor else {}
            if saved:
                self.segment = Segment.restored(saved)
                self.window.kind = Kind(saved["window"])
                self.window.is_exhausted = bool(saved["exhausted"])
                self.unreadable.restore(saved.get("unreadable", ()))
                self.took_end = self.completion.event_seen = bool(saved["terminal"])
        except (JsonError, LookupError, TypeError, ValueError):
            self.segment = Segment()
