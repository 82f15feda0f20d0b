"""The followed feeds: one supervised task each, and the record of who wants them followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import JournalUnavailableError
from bridge.core.event import Feed
from bridge.core.kind import Kind
from bridge.core.state import By, FeedState, Wish
from bridge.daemon.followed import Followed, KnownFeeds, answering, follow_on, log_end, may_find
from bridge.daemon.holding import Everything
from bridge.daemon.names import Names
from bridge.daemon.views import Views
from bridge.intake import Intake, OpenFeed
from bridge.journal.port import FencedError
from bridge.log import get_logger
from bridge.outputs.http.port import AmbiguousFeedError, TooManyFeedsError
from bridge.sources.port import Progress, Source
from bridge.tasks import TaskGroup

FINISHED_MAX = 10_000  # finished feeds that views show; the journal keeps as many states
FEEDS_MAX = 10_000  # at the same time; one takes about 30 KB (task and ids)
FULL_WAIT_S = 10.0  # between attempts to store a discovered feed while the journal is full

log = get_logger()


class Follows:
    """Implements `outputs.http.port.Feeds` and `sources.port.Discovered`; `run` follows."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        intake: Intake,
        clock: Clock,
        held: Everything,
        *,
        kind_of: Callable[[Feed], Kind],
        default_account: str,
        feeds_max: int = FEEDS_MAX,
        log_ends: bool = True,
    ) -> None:
        """Start empty.

        Args:
            sources: Sources by account name. May change; see `pause`.
            intake: Writes records and wishes.
            clock: The source of time.
            held: Accounts whose feeds this process follows. For other accounts it only records
                wishes and shows stored states.
            kind_of: Returns the kind of a feed.
            default_account: The account that is meant where none is named.
            feeds_max: Feeds followed at the same time. May be set at any time.
            log_ends: False where the caller reports how each follow ended.
        """
        self.feeds_max = feeds_max
        self._log_ends = log_ends
        self._sources = sources
        self._held = held
        self._names = Names(sources, default_account)
        self._intake = intake
        self._clock = clock
        self._kind_of = kind_of
        self._entries = KnownFeeds()
        self._group: TaskGroup | None = None
        # Serializes changes: two PUTs of one feed must not start it twice.
        self._changing = asyncio.Lock()
        self._changed = asyncio.Event()
        self.heard: asyncio.Queue[Wish] = asyncio.Queue()  # stored, perhaps by another process

    @property
    def default_account(self) -> str:
        """The account that is meant where none is named."""
        return self._names.default_account

    def set_default_account(self, name: str) -> None:
        """The account that is meant where none is named."""
        self._names.default_account = name

    def restore(self, wishes: Iterable[Wish], states: Iterable[FeedState]) -> None:
        """Restore the feeds from the journal. Call this before `run`."""
        self._take_up(wishes, {state.feed.source: state for state in states})

    async def run(self) -> None:
        """Follow every wanted feed until cancelled; cancelling stops every follow."""
        async with TaskGroup() as group:
            self._group = group
            self._resume(self._entries.values())
            await asyncio.Event().wait()

    async def take_up(self, wishes: Iterable[Wish], states: Mapping[str, FeedState]) -> None:
        """Resume feeds that another process followed, from the journal's state of them."""
        async with self._changing:
            self._take_up(wishes, states)

    def _take_up(self, wishes: Iterable[Wish], states: Mapping[str, FeedState]) -> None:
        for wish in wishes:
            state = answering(wish, states.get(wish.feed.source, FeedState(wish.feed)))
            entry = self._entries.get(wish.feed.source)
            if entry is None:
                self._entries.enter(entry := Followed(wish, self._open_feed(state)))
            entry.wish = wish
            entry.feed.became(state)

    def saw(self, state: FeedState) -> None:
        """Note a state that was stored, perhaps by another process."""
        if state.feed.account not in self._held and state.feed.source in self._entries:
            self._entries[state.feed.source].feed.became(state)

    async def listen(self) -> None:
        """Act on each PUT or DELETE that another process received. Runs until cancelled."""
        while True:
            wish = await self.heard.get()
            async with self._changing:
                await self._do(wish)

    async def _do(self, wish: Wish) -> None:
        entry = self._entries.get(wish.feed.source)
        if entry is None:
            self._entries.enter(entry := Followed(wish, self._open_feed(FeedState(wish.feed))))
        elif entry.wish == wish:
            return  # stored by this process, or known already
        entry.wish = wish
        if wish.feed.account not in self._held:
            return
        entry.feed.became(answering(wish, entry.feed.state))
        if not wish.followed:
            await self._stop(entry)
            self._changed.set()
        elif entry.is_followed and (entry.task is None or entry.task.done()):
            self._start(entry)

    async def pause(self, account: str) -> None:
        """End the follows of an account whose source is about to be replaced or removed.

        Their states stay; `resume` starts from them. The follows end at once, even while the
        journal does not answer, because another process may follow these feeds by now.
        """
        of_account = [e for e in self._entries.values() if e.feed.feed.account == account]
        for task in (entry.task for entry in of_account if entry.task is not None):
            task.cancel()
        async with self._changing:
            of_account = [e for e in self._entries.values() if e.feed.feed.account == account]
            if tasks := [entry.task for entry in of_account if entry.task is not None]:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for entry in of_account:
                entry.task = None
                entry.progress = Progress()

    def resume(self, account: str) -> None:
        """Follow the wanted feeds of an account again: its source is available, or new."""
        self._resume(
            entry
            for entry in self._entries.values()
            if entry.feed.feed.account == account and (entry.task is None or entry.task.done())
        )

    def _resume(self, entries: Iterable[Followed]) -> None:
        """Start the wanted follows; each source learns all its feeds before its first request."""
        expected: dict[str, list[FeedState]] = {}
        starting = []
        for entry in entries:
            account = entry.feed.feed.account
            source = self._sources.get(account)
            if source is not None:
                if entry.feed.state.failed in source.system.words.mended_by_restart:
                    entry.feed.retry()
                if entry.is_followed:
                    expected.setdefault(account, []).append(entry.feed.state)
            if entry.is_followed:
                starting.append(entry)
        for account, states in expected.items():
            self._sources[account].expect(states)
        for entry in starting:
            self._start(entry)

    def revive(self, account: str, codes: Collection[str]) -> None:
        """Retry feeds that failed with one of these codes: the cause has gone."""
        for entry in self._entries.values():
            if (
                entry.wish.followed
                and entry.feed.state.failed in codes
                and entry.feed.feed.account == account
            ):
                entry.feed.retry()
                self._start(entry)

    async def until_none_followed(self) -> None:
        """Return when every feed has ended or failed."""
        while any(entry.is_followed for entry in self._entries.values()):
            self._changed.clear()
            await self._changed.wait()

    def entries(self) -> Iterator[Followed]:
        """All known feeds, in the order they were added."""
        return iter(self._entries.values())

    def known(self, kind: str, id_: str) -> Sequence[Followed]:
        """The feeds of every account with this kind and id; `id_` must be normalized."""
        return self._entries.named(kind, id_)

    @property
    def following_count(self) -> int:
        """Feeds that are followed now."""
        return sum(entry.is_followed for entry in self._entries.values())

    def views(self, kind: str | None = None) -> Sequence[Mapping[str, Any]]:
        """See `Feeds.views`."""
        look = self._look()
        return [
            look.of(entry)
            for entry in reversed(self._entries.values())
            if kind is None or entry.feed.feed.kind == kind
        ]

    def view(self, kind: str, id_: str, account: str | None = None) -> Mapping[str, Any] | None:
        """See `Feeds.view`."""
        entry = self._find(kind, id_, account)
        return None if entry is None else self._look().of(entry)

    def _look(self) -> Views:
        return Views(self._clock, self._entries.values(), self._sources)

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        """See `Feeds.ids`."""
        named = {feed.id for feed in self._names.feeds(kind, text, None)}
        if not named and not self._entries.has_id(text):
            self._names.refuse(kind, text, None)
        return frozenset({text, *named})

    async def follow(
        self, kind: str, id_: str, account: str | None = None, *, by: By = By.OPERATOR
    ) -> bool:
        """See `Feeds.follow`; `by` is who asked, and is stored with the wish."""
        if account is not None:
            self._names.source(account)
        async with self._changing:
            entry = self._find(kind, id_, account)
            feed = self._names.name(kind, id_, account) if entry is None else entry.feed.feed
            if (source := self._sources.get(feed.account)) is not None:
                source.ask_again()  # the caller may have fixed the token
            return await (self._add(feed, by) if entry is None else self._again(entry, by))

    async def found(self, feed: Feed, *, again: bool = False) -> bool:
        """See `sources.port.Discovered`."""
        while True:
            try:
                return await self._found(feed, again=again)
            except JournalUnavailableError as error:
                log.warning("feed.not_added", feed=feed.source, reason=str(error))
                await asyncio.sleep(FULL_WAIT_S)
            except TooManyFeedsError:
                return False

    async def _found(self, feed: Feed, *, again: bool) -> bool:
        entry = self._entries.get(feed.source)
        if entry is not None and (entry.is_followed or not may_find(entry, again=again)):
            return entry.is_followed
        async with self._changing:
            entry = self._entries.get(feed.source)
            if entry is None:
                return await self._add(feed, By.DISCOVERY)
            return may_find(entry, again=again) and (
                await self._again(entry, By.DISCOVERY) or entry.is_followed
            )

    async def _add(self, feed: Feed, by: By) -> bool:
        self._refuse_one_too_many()
        wish = Wish(feed, by=by, added_at_s=self._clock.wall())
        state = FeedState(feed, asked=wish.asked)
        entry = Followed(wish, self._open_feed(state), added_at=self._clock.monotonic())
        await self._want(entry, wish, state)
        self._entries.enter(entry)
        self._forget_finished()
        self._start(entry)
        return True

    async def _again(self, entry: Followed, by: By) -> bool:
        """Follow a known feed again. Returns False if it is followed, or ended for good."""
        is_over = entry.word == "ended" and not entry.feed.kind.may_reopen
        if entry.is_followed or is_over or (entry.task is not None and not entry.task.done()):
            return False
        self._refuse_one_too_many()
        wish = replace(entry.wish, followed=True, by=by, asked=entry.wish.asked + 1)
        state = replace(entry.feed.state, failed=None, asked=wish.asked)
        await self._want(entry, wish, state)
        # Last in the order of views, and a fresh start for its progress.
        self._entries.leave(entry)
        entry.wish, entry.progress = wish, Progress()
        entry.added_at = self._clock.monotonic()
        self._entries.enter(entry)
        self._forget_finished()
        self._start(entry)
        return True

    async def unfollow(
        self, kind: str, id_: str, account: str | None = None, *, by: By = By.OPERATOR
    ) -> bool:
        """See `Feeds.unfollow`; `by` is who asked, and is stored with the wish."""
        if account is not None:
            self._names.source(account)
        async with self._changing:
            entry = self._find(kind, id_, account)
            if entry is None:
                self._names.name(kind, id_, account)
                return False
            if not entry.wish.followed:
                return False
            wish = replace(entry.wish, followed=False, by=by)
            await self._want(entry, wish, replace(entry.feed.state, failed=None))
            entry.wish = wish
            await self._stop(entry)
            self._changed.set()
            return True

    async def _want(self, entry: Followed, wish: Wish, state: FeedState) -> None:
        """Store a wish, and the state too if this process holds the account.

        Raises:
            JournalUnavailableError: The journal cannot store now.
        """
        try:
            if wish.feed.account in self._held:
                await entry.feed.want(wish, state)
            else:
                await self._intake.wish(wish)
        except FencedError:  # another process took the account over
            await self._intake.wish(wish)

    def _refuse_one_too_many(self) -> None:
        if self.following_count >= self.feeds_max:
            raise TooManyFeedsError(
                f"{self.feeds_max} feeds are followed: stop some, or raise limits.runs"
            )

    def _forget_finished(self) -> None:
        """Keep the newest finished feeds in memory; the journal keeps the others longer."""
        over = [entry for entry in self._entries.values() if not entry.is_followed]
        for entry in over[: max(0, len(over) - FINISHED_MAX)]:
            self._entries.leave(entry)

    def _find(self, kind: str, id_: str, account: str | None) -> Followed | None:
        """The known feed with this kind and id, None if there is none.

        Raises:
            AmbiguousFeedError: Several accounts have one.
        """
        ids = {id_, *(feed.id for feed in self._names.feeds(kind, id_, account))}
        found = {
            entry.feed.feed.source: entry
            for known in ids
            for entry in self._entries.named(kind, known)
            if account is None or entry.feed.feed.account == account
        }
        if len(found) > 1:
            accounts = [entry.feed.feed.account for entry in found.values()]
            raise AmbiguousFeedError(kind, id_, accounts)
        return next(iter(found.values()), None)

    # Internals

    def _open_feed(self, state: FeedState) -> OpenFeed:
        return self._intake.feed(state, self._kind_of(state.feed), self._state_changed)

    def _state_changed(self, state: FeedState) -> None:
        if state.ended or state.failed is not None:
            self._changed.set()

    def _start(self, entry: Followed) -> None:
        if self._group is not None and entry.feed.feed.account in self._held:
            name = f"follow {entry.feed.feed.id}"
            entry.task = self._group.create_task(self._follow(entry, entry.task), name=name)

    @staticmethod
    async def _stop(entry: Followed) -> None:
        if entry.task is not None:
            entry.task.cancel()
            await asyncio.wait((entry.task,))
            entry.task = None

    async def _follow(self, entry: Followed, previous: asyncio.Task[None] | None) -> None:
        """Follow one feed from its stored position."""
        if previous is not None:
            await asyncio.wait((previous,))  # it may not have finished yet
        feed = entry.feed.feed
        source = self._sources.get(feed.account)
        if source is None:  # the account is no longer configured; the feed waits for its return
            log.warning("follow.account_missing", feed=feed.source, account=feed.account)
            return
        if await follow_on(entry, source) and self._log_ends:
            log_end(entry)
