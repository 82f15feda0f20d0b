"""The accounts that this process follows: those whose lease it holds.

A journal with one writer grants every lease at once. When several replicas share a journal, one of
them follows each account; if it dies, another resumes from the journal's position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from bridge.core.errors import JournalUnavailableError
from bridge.core.event import Feed
from bridge.core.state import FeedState, Wish
from bridge.daemon.memories import Memories
from bridge.journal.port import Fence, Lease, OwnedJournal
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.sources.port import Source
from bridge.tasks import TaskGroup, first_of

_NONE = -1  # a number that no holder has
ASK_S = 0.1  # between attempts to acquire leases that others hold
LOOK_S = 0.1  # between checks of the own leases

log = get_logger()


class Follower(Protocol):
    """Follows the feeds of the accounts."""

    async def take_up(self, wishes: Iterable[Wish], states: Mapping[str, FeedState]) -> None:
        """Resume feeds of an account from the journal, after its lease was acquired."""

    async def pause(self, account: str) -> None:
        """End the follows of an account, because its lease was lost or released."""

    def resume(self, account: str) -> None:
        """Start the wanted follows of an account whose lease is now held."""


class Everything:
    """All accounts without leases, for a process that does not share its journal."""

    def __contains__(self, account: object) -> bool:
        return True

    def fence_of(self, feed: Feed) -> Fence | None:
        """The fence under which the journal stores appends of this feed; None: no fence."""
        return self.fence_of_account(feed.account)

    def fence_of_account(self, account: str) -> Fence | None:
        """None: no fence is needed."""
        del account
        return None

    async def while_held(self, account: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it once; the account is always held."""
        del account
        await run()


class Held(Everything):
    """The accounts whose lease this process holds, with their fences."""

    def __init__(self) -> None:
        self._fences: dict[str, Fence] = {}
        self._changed = asyncio.Event()

    def __contains__(self, account: object) -> bool:
        return account in self._fences

    def fence_of_account(self, account: str) -> Fence | None:
        """The fence under which the journal stores appends of the account's feeds.

        For an account that is not held this is a fence that every journal refuses. With None
        instead, the journal would store a batch that was under way when the lease was lost.
        """
        return self._fences.get(account, Fence(_name(account), _NONE))

    def put(self, account: str, fence: Fence | None) -> None:
        """Note that the account is held under this fence; None: it is not held."""
        if fence is None:
            self._fences.pop(account, None)
        else:
            self._fences[account] = fence
        self._changed.set()
        self._changed = asyncio.Event()

    async def while_held(self, account: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it whenever the account is held, for ever. Errors of `run` pass through."""
        while True:
            await self._until(account, held=True)
            try:
                async with TaskGroup() as group:
                    group.create_task(self._end_with(account, group.create_task(_call(run))))
            except ExceptionGroup as errors:
                raise first_of(errors) from None

    async def _end_with(self, account: str, running: asyncio.Task[None]) -> None:
        await self._until(account, held=False)
        running.cancel()

    async def _until(self, account: str, *, held: bool) -> None:
        while (account in self) is not held:
            await self._changed.wait()


async def _call(run: Callable[[], Awaitable[None]]) -> None:
    await run()


class Holding:
    """Acquires leases: `begin` before any follow, `run` as a task, `release` at the end."""

    def __init__(
        self,
        journal: OwnedJournal,
        sources: Mapping[str, Source],
        held: Held,
        memories: Memories,
        follower: Follower,
        metrics: Metrics,
    ) -> None:
        """`sources` by account; it may change at any time."""
        self._journal = journal
        self._sources = sources
        self._held = held
        self._memories = memories
        self._follower = follower
        self._metrics = metrics
        self._leases: dict[str, Lease] = {}

    async def begin(self) -> None:
        """Acquire the free leases; the caller has restored the journal's states already."""
        for account in list(self._sources):
            await self._ask(account, is_start=True)

    async def run(self) -> None:
        """Acquire and check leases until cancelled.

        Own leases are checked even while the journal's engine does not answer.
        """
        async with TaskGroup() as group:
            group.create_task(self._keep(), name="leases held")
            group.create_task(self._ask_again(), name="leases wanted")

    async def _keep(self) -> None:
        while True:
            for account in list(self._leases):
                if not self._leases[account].is_valid() or account not in self._sources:
                    await self._lose(account)
            await asyncio.sleep(LOOK_S)

    async def _ask_again(self) -> None:
        while True:
            for account in list(self._sources):
                if account not in self._leases:
                    await self._ask(account)
            await asyncio.sleep(ASK_S)

    async def _ask(self, account: str, *, is_start: bool = False) -> None:
        try:
            lease = await self._journal.acquire(_name(account))
        except JournalUnavailableError:
            return
        if lease is None:
            return
        try:
            await self._take_up(account, is_start=is_start)
        except BaseException:
            await lease.release()
            raise
        if not lease.is_valid() or account not in self._sources:
            await lease.release()
            return
        self._leases[account] = lease
        self._metrics.leases_held.labels(account).set(1)
        if not is_start:
            log.info("lease.taken", account=account)
            self._metrics.lease_takeovers_total.labels(account).inc()
        self._held.put(account, lease.fence)
        self._follower.resume(account)

    async def _take_up(self, account: str, *, is_start: bool) -> None:
        """Resume the account from the journal: another process may have followed it."""
        await self._memories.recall_of(account)
        if not is_start:
            states = {state.feed.source: state for state in await self._journal.states()}
            wishes = [w for w in await self._journal.wishes() if w.feed.account == account]
            await self._follower.take_up(wishes, states)

    async def _lose(self, account: str) -> None:
        lease = self._leases.pop(account)
        is_lost = not lease.is_valid()
        self._held.put(account, None)
        self._metrics.leases_held.labels(account).set(0)
        if is_lost:
            log.warning("lease.lost", account=account)
            self._metrics.leases_lost_total.labels(account).inc()
        await self._follower.pause(account)
        await lease.release()

    async def release(self) -> None:
        """Release all leases at once. Call this after the follows have ended."""
        for account, lease in list(self._leases.items()):
            del self._leases[account]
            self._held.put(account, None)
            await lease.release()


def _name(account: str) -> str:
    return f"account/{account}"
