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
JOURNAL_WAIT_S = 1.0  # until a journal that does not answer is asked again
# Errors of the journal that are about what one feed hands in.
OF_ONE_FEED = (RecordTooLargeError,)

log = get_logger()


@dataclass(slots=True, eq=False)
class Followed:
    """What is wanted, what was seen (in `feed`, which owns it), and how the follow is going."""

    wish: Wish
    feed: OpenFeed
    progress: Progress = field(default_factory=Progress)
    task: asyncio.Task[None] | None = None
    added_at: float | None = None  # monotonic; None when it was taken over from the journal

    @property
    def word(self) -> str:
        """`following`, `ended`, `stopped` (somebody asked for it) or `failed` (given up)."""
        if self.feed.state.ended:
            return "ended"
        if not self.wish.followed:
            return "stopped"
        return "following" if self.feed.state.failed is None else "failed"

    @property
    def is_followed(self) -> bool:
        return self.word == "following"


class KnownFeeds(dict[str, Followed]):
    """All that are known, by source, in the order they were added; and by kind and id."""

    def __init__(self) -> None:
        super().__init__()
        self._named: dict[tuple[str, str], list[Followed]] = {}

    def enter(self, entry: Followed) -> None:
        """The last in the order."""
        feed = entry.feed.feed
        self[feed.source] = entry
        self._named.setdefault((feed.kind, feed.id), []).append(entry)

    def leave(self, entry: Followed) -> None:
        """It is known no more."""
        feed = entry.feed.feed
        del self[feed.source]
        named = self._named[feed.kind, feed.id]
        named.remove(entry)
        if not named:
            del self._named[feed.kind, feed.id]

    def named(self, kind: str, id_: str) -> Sequence[Followed]:
        """Those of all accounts with this kind and id."""
        return self._named.get((kind, id_), ())

    def has_id(self, id_: str) -> bool:
        """Whether any kind has it."""
        return any(known == id_ for _, known in self._named)


async def follow_on(entry: Followed, source: Source) -> bool:
    """Follow one feed until it is over; False: another process follows it by now.

    A bug in one follow must not stop the others: it is tried again, as is what the journal cannot
    read back at present. Raises what else the journal raises: nobody can go on then.
    """
    backoff, feed = Backoff(cap_s=CRASHED_WAIT_MAX_S), entry.feed.feed.source
    try:
        while True:
            try:
                await entry.feed.open()
                await source.follow(entry.feed, entry.progress)
            except Exception as crash:  # sorted below
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
    """The state a follow begins from: asked for after it was given up, it is tried again."""
    if state.asked >= wish.asked:
        return state
    return replace(state, failed=None, asked=wish.asked)


def may_find(entry: Followed, *, again: bool) -> bool:
    """Whether discovery may take a feed up that is known and not followed."""
    if not entry.wish.followed:
        return entry.wish.by is not By.OPERATOR  # what an operator stopped stays stopped
    return again


def log_end(entry: Followed) -> None:
    state, failure = entry.feed.state, entry.progress.failure
    named = {f"{state.feed.kind}_id": state.feed.id, "account": state.feed.account}
    if state.failed is None:
        log.info("feed.ended", status=state.status, events=state.events, **named)
    else:
        message = failure.message if failure is not None else ""
        log.error("follow.failed", code=state.failed, message=message, **named)
