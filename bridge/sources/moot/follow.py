"""Follows one space with two tasks that do what `rules.space` says, and hands over the results.

The requesting task sends requests, one at a time and through the gate. The reading task holds the
stream or the WebSocket. Each wakes the other after a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bridge.core.backoff import Backoff
from bridge.core.errors import Failure, Retry
from bridge.core.pace.line import Rank
from bridge.sources.moot.api import PageRead, Row
from bridge.sources.moot.connection import Connection
from bridge.sources.moot.desk import Desk
from bridge.sources.moot.errors import CURSOR_STATUSES, NOT_FOUND, NOT_THE_API, Refusal
from bridge.sources.moot.rules.catch_up import CatchUp, Hole, How, Page
from bridge.sources.moot.rules.marker import Marker
from bridge.sources.moot.rules.space import SpaceRules
from bridge.sources.moot.rules.steps import Connect, Look, Phase, Take, Wait
from bridge.sources.moot.rules.ways import Way
from bridge.sources.moot.words import Cause, state_of
from bridge.sources.port import Batch, Gap, OpenFeed, Progress
from bridge.tasks import TaskGroup, first_of
from bridge.wire.jsontext import JsonError, dumps, loads

BATCH_EVENTS_MAX = 1_000  # per batch; more events go into further batches
ABSENT_WAIT_S = 15.0  # between two reads of the status while upstream answers 404
NAP_S_MAX = 60.0


class SpaceFollow:
    """The state of one follow."""

    def __init__(self, feed: OpenFeed, desk: Desk, progress: Progress) -> None:
        state = feed.state
        self.feed = feed
        self.desk = desk
        self.progress = progress
        self.space_id = feed.feed.id
        self.is_known: Callable[[str], bool] = feed.is_known
        self.rules = SpaceRules(
            _restored(state.cursor),
            feed.is_known,
            known=state.events,
            status=state.status,
            ended=state.ended,
        )
        self._order = asyncio.Lock()  # one task at a time hands over, in the order of the rules
        self._backoff = Backoff()
        self._asking = asyncio.Event()
        self.reading = asyncio.Event()
        self._over = asyncio.Event()
        self._replays_counted = 0
        self.is_given_up = False

    @property
    def way(self) -> Way:
        """The transport that the setting and the server allow now."""
        return self.desk.ways.now(self.desk.wanted, self.desk.clock.monotonic())

    def now(self) -> float:
        """Return the monotonic instant in seconds."""
        return self.desk.clock.monotonic()

    # -- life

    async def run(self) -> None:
        """Return when the space has ended or the follow failed for good, durably."""
        try:
            await self._work()
        except BaseExceptionGroup as group:  # an error of the intake, which a task passed on
            raise first_of(group) from None
        finally:
            for hand_name in ("ask", "read"):
                self.desk.gate.leave((self.space_id, hand_name))

    async def _work(self) -> None:
        async with TaskGroup() as group:
            hands = [
                group.create_task(self._ask_on(), name="moot: asking"),
                group.create_task(self._read_on(), name="moot: reading"),
                group.create_task(self._heed_verdict(), name="moot: verdict"),
            ]
            await self._over.wait()
            for hand in hands:
                hand.cancel()

    async def _heed_verdict(self) -> None:
        """End when the desk has a verdict on the key, which holds for all follows of it."""
        await self.give_up(await self.desk.until_judged())

    async def give_up(self, failure: Failure) -> None:
        """Record that this follow ends without the space having ended."""
        if self._over.is_set() or self.is_given_up:
            return
        self.is_given_up = True
        self.progress.failure = failure
        async with self._order:
            await self.feed.take(Batch(failure=failure))
        self.rules.over()
        self._over.set()

    def stir(self) -> None:
        """Wake both tasks after a change."""
        self._asking.set()
        self.reading.set()

    async def nap(self, event: asyncio.Event, until: float) -> None:
        """Return when the event is set, at the instant `until`, or after NAP_S_MAX."""
        event.clear()
        wait_s = min(max(until - self.now(), 0.0), NAP_S_MAX)
        try:
            async with asyncio.timeout(wait_s):
                await event.wait()
        except TimeoutError:
            pass

    # Lists

    async def listed(self, row: Row) -> None:
        """Take a row of a list as a reading of the status."""
        if self.rules.phase is Phase.FOLLOWING and not self._over.is_set():
            await self._saw(row)

    def unlisted(self) -> None:
        """Check the space's own status soon, because a list no longer shows it."""
        if self.rules.phase is Phase.FOLLOWING:
            self.rules.unlisted()
            self._asking.set()

    # The requesting task

    async def _ask_on(self) -> None:
        while not self._over.is_set():
            now = self.now()
            step = self.rules.request(now, self.way)
            if isinstance(step, Wait):
                await self.nap(self._asking, step.until)
                continue
            refusal = await self._ask(step, self.rules.job)
            self.reading.set()
            if refusal is None and self.desk.verdict is not None:
                # `_heed_verdict` ends the follow
                await self.nap(self._asking, self.now() + NAP_S_MAX)
            elif refusal is None:
                self._backoff.reset()
                self.progress.failure, self.progress.failures_in_row = None, 0
                self.progress.retry_at = None
            else:
                await self._refused(refusal)

    async def _ask(self, step: Look | Page, job: CatchUp | None) -> Refusal | None:
        async with self.desk.gate.turn((self.space_id, "ask"), self._rank(step, job)) as turn:
            if self.desk.verdict is not None:
                return None  # `_heed_verdict` ends the follow
            started = self.now()
            turn.sent()
            if isinstance(step, Look):
                operation = "spaces.status"
                reply: Row | PageRead | Refusal = await self.desk.api.status(self.space_id)
            else:
                is_transcript = step.how is How.TRANSCRIPT
                operation = "spaces.transcript" if is_transcript else "spaces.events"
                reply = await self.desk.api.page(self.space_id, step)
                self.desk.count("catch_up_pages_total", 1, self.rules.cause)
            turn.answered()
        if isinstance(reply, Refusal):
            return await self._judged(operation, started, reply, step, job)
        self.desk.accepted(operation, started)
        self.progress.read_at = started
        if isinstance(reply, Row):
            await self._saw(reply)
        else:
            self.desk.skipped(list(reply.skipped))
            wall = self.desk.clock.wall()
            take = self.rules.paged(job, self.now(), wall, reply.events, reply.size)
            await self.take(take)
        return None

    async def _judged(
        self,
        operation: str,
        started: float,
        refusal: Refusal,
        step: Look | Page,
        job: CatchUp | None,
    ) -> Refusal | None:
        """Judge a refusal; one of the cursor is no failure, as there are other ways to catch up."""
        status = refusal.failure.http_status
        has_cursor = isinstance(step, Page) and step.how is not How.LATEST
        is_route = isinstance(step, Page) and step.how is How.TRANSCRIPT and refusal.is_lasting
        if has_cursor and ((status in CURSOR_STATUSES and refusal.is_json) or is_route):
            self.desk.failed(operation, started, refusal)
            await self.take(self.rules.page_refused(job, self.now(), self.desk.clock.wall()))
            return None
        self.desk.failed(operation, started, refusal)
        return refusal

    def _rank(self, step: Look | Page, job: CatchUp | None) -> Rank:
        if isinstance(step, Look):
            return Rank.CONNECT if self.rules.phase is Phase.START else Rank.WATCH
        is_first = job is not None and job.pages == 0
        if is_first and self.rules.cause in (Cause.CONNECT, Cause.END):
            return Rank.CONNECT
        return Rank.WATCH if self.rules.cause is Cause.SILENCE else Rank.NEWS

    async def _refused(self, refusal: Refusal) -> None:
        """Wait, or end the follow."""
        failure = refusal.failure
        self.progress.failure = failure
        self.progress.failures_in_row += 1
        now = self.now()
        if self.desk.verdict is not None:
            await self.nap(self._asking, now + NAP_S_MAX)  # `_heed_verdict` ends the follow
            return
        wait_s = self._backoff.after_failure(jitter=self.desk.jitter(), hint_s=failure.wait_s)
        if failure.code in (NOT_FOUND, NOT_THE_API):
            if self.rules.absent(now):
                await self.give_up(failure)
                return
            wait_s = ABSENT_WAIT_S
        elif failure.retry is Retry.PERMANENT:
            await self.give_up(failure)
            return
        self.progress.retry_at = now + wait_s
        until = now + wait_s
        while self.now() < until and not self._over.is_set():
            await self.nap(self._asking, until)

    async def _saw(self, row: Row) -> None:
        take = self.rules.looked(self.now(), row.reading)
        await self.take(take, row.value)
        if self.rules.phase is Phase.OVER:  # the space had ended before, and has not changed
            self._over.set()
        self.stir()

    # The reading task

    async def _read_on(self) -> None:
        while not self._over.is_set():
            now = self.now()
            way = self.way
            step = self.rules.stream(now, way)
            if isinstance(step, Connect):
                await Connection(self, step.way).run()
                self._asking.set()
            elif isinstance(step, Wait):
                self.progress.followed_by = "poll" if way is Way.POLL else self.progress.followed_by
                await self.nap(self.reading, step.until)
            else:
                await self.nap(self.reading, now + 1.0)

    # Handing over

    async def take(self, take: Take, row: Mapping[str, Any] | None = None) -> None:
        """Hand over what the rules found, in their order."""
        self._count_replays()
        if not take and row is None:
            return
        # As of this take: the other task may move the marker while this one waits.
        cursor = dumps(self.rules.marker.saved()).decode()
        async with self._order:
            events, hole = list(take.events), take.hole
            while len(events) > BATCH_EVENTS_MAX:
                part, events = events[:BATCH_EVENTS_MAX], events[BATCH_EVENTS_MAX:]
                # Without a cursor: after a restart the pages must bring the other parts.
                await self._hand_in(Batch(events=part, gaps=_gaps(hole)))
                hole = None
            batch = Batch(
                events=events,
                gaps=_gaps(hole),
                status=take.status,
                state=None if take.status is None else state_of(take.status),
                row=row,
                ended=take.ended,
                cursor=cursor if cursor != self.feed.state.cursor else None,
            )
            await self._hand_in(batch)
        if take.ended:
            self._over.set()

    async def _hand_in(self, batch: Batch) -> None:
        receipt = await self.feed.take(batch)
        self.rules.durable(receipt.state.events)

    def _count_replays(self) -> None:
        fresh = self.rules.replayed - self._replays_counted
        if fresh:
            self._replays_counted = self.rules.replayed
            self.desk.count("replayed_total", fresh)


def _gaps(hole: Hole | None) -> tuple[Gap, ...]:
    return () if hole is None else (Gap(hole.reason, hole.after, hole.before, hole.missing),)


def _restored(cursor: str) -> Marker:
    try:
        saved = loads(cursor) if cursor else {}
    except JsonError:
        saved = {}
    return Marker.restored(saved if isinstance(saved, dict) else {})
