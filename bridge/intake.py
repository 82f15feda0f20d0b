"""The single writer: dedupe, redact, stamp, encode, append together with the feed's new state.

Order, dedupe and checkpoints are decided here and nowhere else (style.md 1). A secret never gets
past this file: what is redacted here is what reaches the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from bridge.clock import Clock
from bridge.core.dedupe import SeenIds
from bridge.core.errors import JournalUnavailableError
from bridge.core.event import FOLLOW_FAILED, GAP, RUN_ENDED, RUN_STATUS, Draft, Event, Feed
from bridge.core.state import FeedState, Wish
from bridge.journal.port import RECORD_BYTES_MAX, Journal
from bridge.log import Repeated
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.port import Batch, Receipt
from bridge.wire import times
from bridge.wire.cloudevents import Encoder
from bridge.wire.jsontext import dumps
from bridge.wire.ndjson import fit

log = structlog.get_logger()

FULL_RETRY_S = (1.0, 10.0)  # first and longest wait while the disk is full; sources wait meanwhile
# Bytes of records redacted and encoded before the loop gets its turn: some 10 ms of work.
TURN_BYTES = 256 * 1024
_SEQUENCE_DIGITS = 20  # outside.md 2
ROW_BYTES_MAX = 64 * 1024  # of upstream's object about a feed; a run's is 1 KB
SEEN_IDS_MAX = 20_000  # ids a feed that are remembered; the journal knows the rest


class _Desk:
    """What is known in memory about one feed."""

    __slots__ = ("encoder", "lock", "run", "seen", "state")

    def __init__(self, state: FeedState, seen: SeenIds) -> None:
        self.state = state
        self.seen = seen
        self.run: Mapping[str, Any] = {}  # upstream's run object as it was read last
        self.lock = asyncio.Lock()  # a stream and its watchdog may both hand in batches
        feed = state.feed
        self.encoder = Encoder(source=feed.source, subject=feed.id, account=feed.account)


class JournalIntake:
    """Implements `sources.port.Intake` on a journal."""

    def __init__(
        self,
        journal: Journal,
        redactor: Redactor,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        # Called with every new state, after it is durable; set by whoever shows states.
        self.on_change: Callable[[FeedState], None] = lambda _: None
        self._desks: dict[str, _Desk] = {}
        self._full = Repeated()

    async def open_feed(self, state: FeedState) -> None:
        """Get ready for batches of a feed: its ids are read back from the journal."""
        if state.feed.source not in self._desks:
            ids = await self._journal.event_ids(state.feed, SEEN_IDS_MAX)
            self._desks[state.feed.source] = _Desk(state, SeenIds(ids, ids_max=SEEN_IDS_MAX))

    def close_feed(self, feed: Feed) -> None:
        """Forget what memory holds of a feed; the journal keeps everything."""
        self._desks.pop(feed.source, None)

    async def save(self, wish: Wish, state: FeedState) -> None:
        """Store what is wanted of a feed now, and what became of its state by that.

        Somebody waits for the answer: a full journal is raised, not waited for.
        Raises JournalUnavailableError; nothing was stored then.
        """
        desk = self._desks.get(state.feed.source)
        if desk is None:
            await self._journal.append((), states=(state,), wishes=(wish,))
        else:
            async with desk.lock:
                await self._journal.append((), states=(state,), wishes=(wish,))
                desk.state = state
        self.on_change(state)

    def is_known(self, feed: Feed, event_id: str) -> bool:
        return event_id in self._desks[feed.source].seen

    async def take(self, batch: Batch) -> Receipt:
        """Make a batch durable (`sources.port.Intake`). Raises JournalCorruptError."""
        desk = self._desks[batch.feed.source]
        async with desk.lock:
            return await self._take(desk, batch)

    async def _take(self, desk: _Desk, batch: Batch) -> Receipt:
        is_row_new = batch.run is not None and batch.run != desk.run
        if batch.run is not None:
            desk.run = batch.run
        if batch.status is not None:  # a word, but upstream's: it may be anything
            batch = replace(batch, status=self._redactor.text(batch.status))
        writing = _Writing(desk, self._redactor, self._clock.wall())
        if batch.gap is not None:
            writing.gap(batch)
        fresh = self._fresh(desk, batch.events)
        await writing.events(fresh, batch.status)
        if batch.status is not None and batch.status != writing.state.status:
            writing.status(batch.status, batch)
        writing.seen(fresh, batch.run if is_row_new else None)
        if batch.ended and not writing.state.ended:
            writing.ended()
        if batch.failure is not None:
            writing.failed(batch)
        if batch.cursor is not None:
            writing.state = replace(writing.state, cursor=batch.cursor)
        if writing.state == desk.state and not writing.drafts:
            return Receipt(desk.state, ())
        sequences, cut = await self._append_for_sure(writing.drafts, writing.state)
        repeats = {
            draft.id for draft, seq in zip(writing.drafts, sequences, strict=True) if seq is None
        }
        state = writing.state
        if repeats:  # older than memory reaches; the journal knew them (J6)
            fresh = [event for event in fresh if event.id not in repeats]
            state = replace(state, events=state.events - len(repeats))
        self._took(desk, state, batch, fresh)
        if cut is not None:
            raise cut
        return Receipt(state, fresh)

    def _took(self, desk: _Desk, state: FeedState, batch: Batch, fresh: Sequence[Event]) -> None:
        """Note what is durable now."""
        for event in fresh:
            desk.seen.add(event.id)
        self._count(desk, state, batch, fresh)
        desk.state = state
        self.on_change(state)

    @staticmethod
    def _fresh(desk: _Desk, events: Sequence[Event]) -> list[Event]:
        fresh: dict[str, Event] = {}
        for event in events:
            if event.id not in desk.seen:
                fresh.setdefault(event.id, event)
        return list(fresh.values())

    async def _append_for_sure(
        self, drafts: Sequence[Draft], state: FeedState
    ) -> tuple[Sequence[int | None], asyncio.CancelledError | None]:
        """Append; who is cancelled meanwhile gets that back, with the commit done.

        A cancelled append may be on the disk or on its way. Who follows the feed next in this
        process goes on from what memory says, so that has to be known: asked again, the journal
        has it, and drops the repeat (J6). Raises CancelledError when there is no room.
        """
        try:
            return await self._append(drafts, state), None
        except asyncio.CancelledError as error:
            try:
                await self._journal.append(drafts, states=(state,))
            except JournalUnavailableError:
                raise error from None
            return range(len(drafts)), error

    async def _append(self, drafts: Sequence[Draft], state: FeedState) -> Sequence[int | None]:
        """Append; while there is no space, wait: the caller waits too, and so upstream does."""
        wait_s, longest_s = FULL_RETRY_S
        while True:
            started = self._clock.monotonic()
            try:
                sequences = await self._journal.append(drafts, states=(state,))
            except JournalUnavailableError as error:
                if self._full.failed(started) is not None:
                    log.error("journal.full", reason=str(error))
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, longest_s)
                continue
            if self._full.recovered():
                log.info("journal.writable_again", head=self._journal.head)
            duration_s = self._clock.monotonic() - started
            self._metrics.journal_append_duration_seconds.observe(duration_s)
            return sequences

    def _count(self, desk: _Desk, after: FeedState, batch: Batch, fresh: Sequence[Event]) -> None:
        metrics, account, run_id = self._metrics, batch.feed.account, batch.feed.id
        if repeated := len(batch.events) - len(fresh):
            metrics.duplicates_total.labels(account).inc(repeated)
        if fresh:
            now = self._clock.wall()
            lags_s = [
                max(0.0, now - event.created_at_s)
                for event in fresh
                if event.created_at_s is not None
            ]
            metrics.count_events(account, [event.type for event in fresh], lags_s, run_id)
        if batch.gap is not None:
            metrics.count_gap(account, batch.gap.reason, run_id)
        if after.ended and not desk.state.ended:
            metrics.count_run_ended(account, after.status, _duration_s(desk.run), run_id)
        metrics.count_redactions(self._redactor.take_counts())


class _Writing:
    """Builds the drafts of one batch and the state that is committed with them."""

    def __init__(self, desk: _Desk, redactor: Redactor, now_s: float) -> None:
        self.drafts: list[Draft] = []
        self.state = desk.state
        self._feed = desk.state.feed
        self._encoder = desk.encoder
        self._redactor = redactor
        self._recorded = times.rfc3339(now_s)

    async def events(self, events: Sequence[Event], status: str | None) -> None:
        """`runstatus` of an event is the status of the reply that brought it.

        A page may hold 64 MiB (`sources.http`): others get their turn in between.
        """
        written = 0
        status = status if status is not None else self.state.status
        encode, feed = self._encoder.encode, self._feed
        redact, recorded = self._redactor.event, self._recorded
        for event in events:
            head, tail = encode(
                event.id,
                event.type,
                time=event.time or recorded,
                recorded=recorded,
                status=status,
                data=redact(event.data),
            )
            if len(head) + len(tail) > RECORD_BYTES_MAX - _SEQUENCE_DIGITS:
                head, tail = _shortened(head, tail)
            self.drafts.append(Draft(feed, event.id, event.type, head, tail))
            written += len(head) + len(tail)
            if written >= TURN_BYTES:
                written = 0
                await asyncio.sleep(0)
        self.state = replace(self.state, events=self.state.events + len(events))

    def gap(self, batch: Batch) -> None:
        assert batch.gap is not None
        gap = batch.gap
        data = {
            "runId": self._feed.id,
            "reason": str(gap.reason),
            "after": gap.after,
            "before": gap.before,
            "missing": gap.missing,
        }
        self.state = replace(self.state, gaps=self.state.gaps + 1)
        self._mark(GAP, data)

    def seen(self, fresh: Sequence[Event], row: Mapping[str, Any] | None) -> None:
        """Keep upstream's time of the newest event, and the feed's row if it changed."""
        times_s = [event.created_at_s for event in fresh if event.created_at_s is not None]
        if times_s:
            newest_s = max(times_s[-1], self.state.last_event_at_s or 0.0)
            self.state = replace(self.state, last_event_at_s=newest_s)
        if row is not None:
            self.state = replace(self.state, row=_row_bytes(self._redactor.event(row)))

    def status(self, status: str, batch: Batch) -> None:
        data = {
            "runId": self._feed.id,
            "status": status,
            "previousStatus": self.state.status,
            "run": self._redactor.event(batch.run) if batch.run is not None else None,
        }
        self.state = replace(self.state, status=status, state=batch.state or self.state.state)
        self._mark(RUN_STATUS, data)

    def ended(self) -> None:
        state = self.state
        data = {
            "runId": self._feed.id,
            "status": state.status,
            "events": state.events,
            "gaps": state.gaps,
        }
        self.state = replace(state, ended=True, failed=None)
        self._mark(RUN_ENDED, data)

    def failed(self, batch: Batch) -> None:
        assert batch.failure is not None
        failure = batch.failure
        data = {
            "runId": self._feed.id,
            "code": failure.code,
            "message": self._redactor.text(failure.message),
            "httpStatus": failure.http_status,
        }
        self.state = replace(self.state, failed=failure.code)
        self._mark(FOLLOW_FAILED, data)

    def _mark(self, type_: str, data: Mapping[str, Any]) -> None:
        """A record of our own; its id is numbered by the state it is committed with."""
        number = self.state.marks + 1
        self.state = replace(self.state, marks=number)
        id_ = f"{self._feed.id}.{number}"
        head, tail = self._encoder.encode(
            id_,
            type_,
            time=self._recorded,
            recorded=self._recorded,
            status=self.state.status,
            data=data,
        )
        self.drafts.append(Draft(self._feed, id_, type_, head, tail))


def _shortened(head: bytes, tail: bytes) -> tuple[bytes, bytes]:
    """Cut the longest strings of a record that the journal would refuse, with a mark in it."""
    gap = b"0" * _SEQUENCE_DIGITS
    line = fit(head + gap + tail, RECORD_BYTES_MAX).removesuffix(b"\n")
    at = line.index(b'"sequence":"' + gap) + len(b'"sequence":"')
    return line[:at], line[at + len(gap) :]


def _row_bytes(row: Any) -> bytes:
    """A row as it is kept; one far above any seen is cut, or left out when that does not help."""
    line = dumps(row)
    if len(line) > ROW_BYTES_MAX:
        line = fit(line, ROW_BYTES_MAX).removesuffix(b"\n")
    return line if len(line) <= ROW_BYTES_MAX else b""


def _duration_s(run: Mapping[str, Any]) -> float | None:
    """From a run's creation to its last change, as its row tells them."""
    created, updated = times.parse(run.get("createdAt")), times.parse(run.get("updatedAt"))
    return None if created is None or updated is None else max(0.0, updated[1] - created[1])
