"""Follows the feeds that the configuration and `--runs-from` list, in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from bridge.config import ResolvedAccount, Settings
from bridge.core.errors import JournalUnavailableError
from bridge.core.state import By
from bridge.daemon.follows import Follows
from bridge.daemon.run_lists import to_run_text, watch
from bridge.log import get_logger
from bridge.outputs.http.port import InvalidIdError, TooManyFeedsError, UnknownAccountError

FULL_WAIT_S = 10.0  # between attempts to add a listed feed while the journal is full
# A reload is complete when its lists are applied; 10,000 feeds take some seconds.
LISTED_WAIT_S = 10.0
RUN = "run"  # the kind of feed in --runs-from

log = get_logger()


class ListedFeed(NamedTuple):
    """A feed that an account of the configuration lists."""

    account: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class ListChanges:
    """The difference between two configurations: feeds added to and removed from the lists."""

    listed: Sequence[ListedFeed]
    unlisted: Sequence[ListedFeed]


def list_changes(old: Settings, new: Settings) -> ListChanges:
    """Compare the lists. Feeds of a removed account are not removed: they wait for its return."""
    before, after = _listed(old), _listed(new)
    names = {account.name for account in new.accounts}
    gone = [feed for feed in before if feed.account in names and feed not in after]
    return ListChanges([feed for feed in after if feed not in before], sorted(gone))


def _listed(settings: Settings) -> dict[ListedFeed, None]:
    return {
        ListedFeed(account.name, kind, id_): None
        for account in settings.accounts
        for kind, id_ in account.listed()
    }


class Listed:
    """Follows and stops listed feeds one after the other. `run` and `watch` are tasks."""

    def __init__(self, follows: Follows) -> None:
        self._follows = follows
        # Feeds to follow (True) or to stop (False); at most what a 1 MiB file holds.
        self._queue: asyncio.Queue[tuple[ListedFeed, bool]] = asyncio.Queue()

    async def follow_now(self, accounts: Sequence[ResolvedAccount]) -> None:
        """Follow the configured feeds before the bridge serves its first client.

        A full journal must not block readers, so feeds that it cannot store now are retried later.
        """
        for account in accounts:
            for kind, id_ in account.settings.listed():
                try:
                    await self._follows.follow(kind, id_, account.name, by=By.LISTED)
                except JournalUnavailableError:
                    self._queue.put_nowait((ListedFeed(account.name, kind, id_), True))

    async def take(self, changes: ListChanges) -> None:
        """Apply list changes; changes that a full journal cannot store are retried later."""
        for feed in changes.unlisted:
            self._queue.put_nowait((feed, False))
        for feed in changes.listed:
            self._queue.put_nowait((feed, True))
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTED_WAIT_S):
                await self._queue.join()

    async def run(self) -> None:
        """Follow and stop feeds until cancelled; wait while the journal is full."""
        while True:
            feed, is_listed = await self._queue.get()
            try:
                await _patiently(feed.id, partial(self._change, feed, is_listed=is_listed))
            except (TooManyFeedsError, UnknownAccountError, InvalidIdError) as error:
                log.warning("feed.not_added", feed=feed.id, reason=str(error))
            self._queue.task_done()

    async def _change(self, feed: ListedFeed, *, is_listed: bool) -> None:
        if is_listed:
            await self._follows.follow(feed.kind, feed.id, feed.account, by=By.LISTED)
        elif await self._follows.unfollow(feed.kind, feed.id, feed.account, by=By.LISTED):
            log.info("feed.unlisted", feed=feed.id)

    async def watch(self, runs_from: str) -> None:
        """Follow the runs that a file or a pipe names, including later lines, until cancelled."""
        async for number, line in watch(runs_from):
            try:
                text = to_run_text(line)
                if text is not None:
                    await _patiently(text, partial(self._follows.follow, RUN, text, by=By.LISTED))
            except (ValueError, InvalidIdError, TooManyFeedsError) as error:
                log.warning("runs_from.line_refused", line=number, reason=str(error))


async def _patiently(id_: str, change: Callable[[], Awaitable[object]]) -> None:
    """Follow or stop a feed for which no client waits; while the journal is full, wait."""
    while True:
        try:
            await change()
        except JournalUnavailableError as error:
            log.warning("feed.not_added", feed=id_, reason=str(error))
            await asyncio.sleep(FULL_WAIT_S)
        else:
            return
