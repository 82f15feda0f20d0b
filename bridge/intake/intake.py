"""Takes batches: what is new in them is appended together with the feed's new state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.clock import Clock
from bridge.core.dedupe import SeenIds
from bridge.core.errors import JournalFullError, JournalUnavailableError
from bridge.core.event import Draft, Event, Feed
from bridge.core.kind import Kind
from bridge.core.state import FeedState, Wish
from bridge.intake.open_feed import OpenFeed
from bridge.intake.writing import Writing
from bridge.journal.port import Fence, FencedError, Journal
from bridge.log import Repeated, get_logger
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.port import Batch, Receipt
from bridge.wire.bounded import bounded

log = get_logger()

FULL_RETRY_S = (1.0, 10.0)  # first and longest wait while the disk is full; sources wait meanwhile
SEEN_IDS_MAX = 20_000  # ids a feed that are remembered; the journal knows the rest


def _unfenced(_feed: Feed) -> Fence | None:
    """One process follows everything."""
    return None


def _unheard(_state: FeedState) -> None:
    """Nobody wants to know."""


def log_wait(error: JournalUnavailableError) -> None:
    """Why nothing is stored now; a lock or an engine that is away is no full disk."""
    if isinstance(error, JournalFullError):
        log.error("journal.full", reason=str(error))
    else:
        log.error("journal.unavailable", reason=str(error))


class Intake:
    """Makes the feeds that sources hand their batches to, and writes for them."""

    def __init__(
        self,
        journal: Journal,
        redactor: Redactor,
        metrics: Metrics,
        clock: Clock,
        *,
        fence_of: Callable[[Feed], Fence | None] = _unfenced,
    ) -> None:
        """`fence_of` a feed: proof that this process follows it."""
        self._journal = journal
        self._fence_of = fence_of
        self._redactor = redactor
        self._metrics = metrics
        self._clock = clock
        self._full = Repeated()

    def feed(
        self,
        state: FeedState,
        kind: Kind,
        on_change: Callable[[FeedState], None] = _unheard,
    ) -> OpenFeed:
        """The owner of a feed's state from now on; one for each feed. It is closed yet.

        `on_change` is called with every other state, when that is durable.
        """
        return OpenFeed(self, state, kind, on_change)

    # For `OpenFeed` alone, one call a feed at a time

    async def seen_ids(self, feed: Feed) -> SeenIds:
        """The newest ids of a feed that the journal has."""
        ids = await self._journal.event_ids(feed, SEEN_IDS_MAX)
        return SeenIds(ids, ids_max=SEEN_IDS_MAX)

    async def store(self, wish: Wish, state: FeedState) -> None:
        """See `OpenFeed.want`."""
        fence = self._fence_of(wish.feed)
        await self._journal.append((), states=(state,), wishes=(wish,), fence=fence)

    async def wish(self, wish: Wish) -> None:
        """Store what is wanted of a feed that another process follows.

        Raises:
            JournalUnavailableError: The journal cannot store now; nothing was stored.
        """
        await self._journal.append((), wishes=(wish,))

    async def write(self, feed: OpenFeed, batch: Batch) -> Receipt:
        """See `OpenFeed.take`."""
        batch = replace(batch, row=bounded(batch.row))
        row = batch.row if feed.has_moved(batch.row) else None
        # A copy: a batch that does not get durable comes again, and is read as it was read now.
        memory = feed.memory.copy()
        writing = Writing(
            feed.state, feed.kind, feed.encoder, self._redactor, self._clock.wall(), memory,
            self._journal.record_bytes_max,
        )  # fmt: skip
        await writing.write(batch, _fresh(feed, batch.events), row)
        fresh: Sequence[Event] = writing.taken
        if writing.state == feed.state and not writing.drafts:
            feed.became(feed.state, row)
            return Receipt(feed.state, ())
        sequences, cut = await self._append_for_sure(writing.drafts, writing.state)
        state = writing.state
        if None in sequences:  # older than memory reaches; the journal knew them (J6)
            repeats = {
                draft.id
                for draft, seq in zip(writing.drafts, sequences, strict=True)
                if seq is None
            }
            fresh = [event for event in fresh if event.id not in repeats]
            state = replace(state, events=state.events - len(repeats))
        feed.remember([*(event.id for event in fresh), *writing.left_out])
        feed.memory = memory
        self._count(feed, state, batch, fresh, writing)
        feed.became(state, row)
        if cut is not None:
            raise cut
        return Receipt(state, fresh)

    async def _append_for_sure(
        self, drafts: Sequence[Draft], state: FeedState
    ) -> tuple[Sequence[int | None], asyncio.CancelledError | None]:
        """Append; who is cancelled meanwhile gets that back, with the commit done.

        A cancelled append may be on the disk or on its way. Who follows the feed next in this
        process goes on from what memory says, so that has to be known: asked again, the journal
        has it, and drops the repeat (J6).

        Raises:
            CancelledError: The caller was cancelled while the journal could not store.
        """
        try:
            return await self._append(drafts, state), None
        except asyncio.CancelledError as error:
            try:
                await self._journal.append(
                    drafts, states=(state,), fence=self._fence_of(state.feed)
                )
            except (JournalUnavailableError, FencedError):
                raise error from None
            return range(len(drafts)), error

    async def _append(self, drafts: Sequence[Draft], state: FeedState) -> Sequence[int | None]:
        """Append; while there is no space, wait: the caller waits too, and so upstream does."""
        wait_s, longest_s = FULL_RETRY_S
        while True:
            started = self._clock.monotonic()
            try:
                sequences = await self._journal.append(
                    drafts, states=(state,), fence=self._fence_of(state.feed)
                )
            except FencedError:
                self._metrics.fence_refusals_total.labels(state.feed.account).inc()
                raise
            except JournalUnavailableError as error:
                if self._full.failed(started) is not None:
                    log_wait(error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, longest_s)
                continue
            if self._full.recovered():
                log.info("journal.writable_again", head=self._journal.head)
            duration_s = self._clock.monotonic() - started
            self._metrics.journal_append_duration_seconds.observe(duration_s)
            return sequences

    def _count(
        self,
        feed: OpenFeed,
        after: FeedState,
        batch: Batch,
        fresh: Sequence[Event],
        writing: Writing,
    ) -> None:
        metrics, account, id_ = self._metrics, feed.feed.account, feed.feed.id
        if repeated := len(batch.events) - len(fresh) - len(writing.left_out):
            metrics.duplicates_total.labels(account).inc(repeated)
        if fresh:
            now = self._clock.wall()
            times_s = [event.created_at_s for event in fresh if event.created_at_s is not None]
            lags_s = [now - time_s if time_s < now else 0.0 for time_s in times_s]
            metrics.count_events(account, [event.type for event in fresh], lags_s, id_)
        for reason in writing.gaps:
            metrics.count_gap(account, reason, id_)
        if after.ended and not feed.state.ended:
            duration_s = writing.told.get("durationSeconds")
            metrics.count_ended(after, duration_s)
        metrics.count_redactions(self._redactor.take_counts())


def _fresh(feed: OpenFeed, events: Sequence[Event]) -> list[Event]:
    """The events that are new, each once: the first of those with the same id."""
    unknown = feed.unknown([event.id for event in events])
    fresh = []
    for event in events:
        if event.id in unknown:
            unknown.remove(event.id)
            fresh.append(event)
    return fresh
