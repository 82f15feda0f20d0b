"""One feed that is or was followed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bridge.core.backoff import Backoff
from bridge.core.errors import BridgeError, Failure, JournalUnavailableError, Retry
from bridge.core.state import By, FeedState, Wish
from bridge.intake import OpenFeed
from bridge.journal.port import FencedError, RecordTooLargeError
from bridge.log import get_logger
from bridge.sources.port import Progress, Source
from bridge.tasks import first_of

CRASHED_WAIT_MAX_S = 60.0
JOURNAL_WAIT_S = 1.0  # wait before the next request to a journal that does not answer
# Journal errors that concern the input of one feed only.
OF_ONE_FEED = (RecordTooLargeError,)

log = get_logger()


@dataclass(slots=True, eq=False)
class Followed:
    """One feed: the operator's wish, the stored state (owned by `feed`), and the progress."""

    wish: Wish
    feed: OpenFeed
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[None] | None = None
    added_at: float | None = None  # monotonic; None if restored from the journal

    @property
    def word(self) -> str:
        """`following`, `ended`, `stopped` (by a request) or `failed` (the bridge gave up)."""
        if self.feed.state.ended:
            return "ended"
        if not self.wish.followed:
            return "stopped"
        return "following" if self.feed.state.failed is None else "failed"

    @property
    def is_followed(self) -> bool:
        """Whether the feed is wanted and has neither ended nor failed."""
        return self.word == "following"


class KnownFeeds(dict[str, Followed]):
    """All known feeds by source, in the order they were added; also indexed by kind and id."""

    def __init__(self) -> None:
        super().__init__()
        self._named: dict[tuple[str, str], list[Followed]] = {}

    def enter(self, entry: Followed) -> None:
        """Add a feed as the last in the order."""
        feed = entry.feed.feed
        self[feed.source] = entry
        self._named.setdefault((feed.kind, feed.id), []).append(entry)

    def leave(self, entry: Followed) -> None:
        """Remove a feed."""
        feed = entry.feed.feed
        del self[feed.source]
        named = self._named[feed.kind, feed.id]
        named.remove(entry)
        if not named:
            del self._named[feed.kind, feed.id]

    def named(self, kind: str, id_: str) -> Sequence[Followed]:
        """The feeds of all accounts with this kind and id."""
        return self._named.get((kind, id_), ())

    def has_id(self, id_: str) -> bool:
        """Whether a feed of any kind has this id."""
        return any(known == id_ for _, known in self._named)


async def follow_on(entry: Followed, source: Source) -> bool:
    """Follow one feed until it ends.

    A bug in one follow must not stop the others, so the follow is retried after a crash. It is also
    retried while the journal cannot read the feed back.

    Returns:
        True when the feed ended, False when another process follows it now.

    Raises:
        BridgeError: The journal failed in another way; no feed can continue then.
    """
    backoff, feed = Backoff(cap_s=CRASHED_WAIT_MAX_S), entry.feed.feed.source
    try:
        while True:
            try:
                await entry.feed.open()
                await source.follow(entry.feed, entry.progress)
            except Exception as crash:  # classified below
                error = first_of(crash)
                if isinstance(error, FencedError):
                    log.warning("follow.fenced", feed=feed)
                    return False
                if isinstance(error, JournalUnavailableError):
                    log.warning("follow.waits", feed=feed, reason=str(error))
                    await asyncio.sleep(JOURNAL_WAIT_S)
                    continue
                if isinstance(error, BridgeError) and not isinstance(error, OF_ONE_FEED):
                    raise error from None
                wait_s = backoff.after_failure(jitter=0.0)
                log.exception("follow.crashed", feed=feed, retry_in_s=wait_s)
                text = "a bug in this program; the log has the cause"
                entry.progress.failure = Failure("follow", "CRASHED", text, Retry.TRANSIENT)
                entry.progress.failures_in_row += 1
                await asyncio.sleep(wait_s)
            else:
                return True
    finally:
        entry.feed.close()


def answering(wish: Wish, state: FeedState) -> FeedState:
    """The state from which a follow starts: a new request clears an earlier failure."""
    if state.asked >= wish.asked:
        return state
    return replace(state, failed=None, asked=wish.asked)


def may_find(entry: Followed, *, again: bool) -> bool:
    """Whether discovery may follow a feed that is known but not followed."""
    if not entry.wish.followed:
        return entry.wish.by is not By.OPERATOR  # an operator's stop is final
    return again


def log_end(entry: Followed) -> None:
    """Log how a follow ended: an info line for an end, an error for a failure."""
    state, failure = entry.feed.state, entry.progress.failure
    named = {f"{state.feed.kind}_id": state.feed.id, "account": state.feed.account}
    if state.failed is None:
        log.info("feed.ended", status=state.status, events=state.events, **named)
    else:
        message = failure.message if failure is not None else ""
        log.error("follow.failed", code=state.failed, message=message, **named)
