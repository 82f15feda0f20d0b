"""Keeps what sources remember across restarts: one journal checkpoint per account."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from bridge.core.errors import JournalUnavailableError
from bridge.journal.port import Fence, FencedError, Journal
from bridge.sources.port import Source
from bridge.wire.jsontext import JsonError, dumps, loads

AGAIN_S = 0.1  # before a failed `store` is tried again
SAVE_S = 1.0  # interval; a successor must know the requests of the last minute
_OF_010 = "windows"  # the only checkpoint of 0.1.0: account -> memory, in JSON


class Owned(Protocol):
    """The accounts that this process follows, with their fences."""

    def __contains__(self, account: object) -> bool: ...
    def fence_of_account(self, account: str) -> Fence | None:
        """Return the fence for appends of the account; None if no fence is needed."""


class Memories:
    """`run` is a task; call `save` at any time, and once more at the end."""

    def __init__(
        self,
        journal: Journal,
        sources: Mapping[str, Source],
        held: Owned,
        *,
        must_store: bool = False,
    ) -> None:
        """Start with what the journal holds.

        Args:
            journal: Stores one checkpoint per account.
            sources: Sources by account name; may change.
            held: Accounts that this process follows; it saves the memories of no others.
            must_store: Other processes may take an account over at any moment; see `store`.
        """
        self._journal = journal
        self._held = held
        self._sources = sources
        self._must_store = must_store
        self._saved: dict[str, bytes] = {}
        self._saving = asyncio.Lock()

    async def recall(self) -> None:
        """Give every source its predecessor's memory. Call this before any source runs."""
        for name in self._sources:
            await self.recall_of(name)

    async def recall_of(self, name: str) -> None:
        """Give one source its predecessor's memory.

        The promise of no 429 across a restart or take-over rests on this (0016-design.md D4,
        scheduler.md 6).
        """
        memory = await self._journal.checkpoint(_checkpoint(name))
        if memory is None:
            memory = await self._of_010(name)
        source = self._sources.get(name)  # a reload may have removed it
        if memory is not None and source is not None:
            source.recall(memory, self._journal.checkpoint_age_s(_checkpoint(name)))
            self._saved.pop(name, None)  # another process may have stored since

    async def _of_010(self, name: str) -> bytes | None:
        stored = await self._journal.checkpoint(_OF_010)
        try:
            saved = loads(stored) if stored is not None else {}
        except JsonError:
            return None
        return dumps(saved[name]) if isinstance(saved, dict) and name in saved else None

    async def run(self) -> None:
        """Save changes until cancelled."""
        while True:
            await self.save()
            await asyncio.sleep(SAVE_S)

    async def save(self) -> None:
        """Store what changed since the last save.

        A full disk is skipped: the intake reports it, and the next save tries again.
        """
        async with self._saving:
            by_fence: dict[Fence | None, list[str]] = {}
            for name in self._sources:
                if name in self._held:
                    by_fence.setdefault(self._held.fence_of_account(name), []).append(name)
            for fence, names in by_fence.items():
                await self._save(names, fence)

    async def store(self, name: str) -> None:
        """Store an account's memory before the account sends a request.

        A burst of requests waits for this, so that a successor does not repeat the burst after a
        kill. If other processes may take over, this returns only once the memory is stored: a
        process that has lost the lease waits here, sends nothing, and is cancelled.
        """
        while True:
            async with self._saving:
                is_stored = await self._save([name], self._held.fence_of_account(name))
            if is_stored or not self._must_store:
                return
            await asyncio.sleep(AGAIN_S)

    async def _save(self, names: list[str], fence: Fence | None) -> bool:
        memories = {name: self._sources[name].memory() for name in names if name in self._sources}
        changed = {name: m for name, m in memories.items() if m != self._saved.get(name)}
        if not changed:
            return True
        checkpoints = [(_checkpoint(name), memory) for name, memory in changed.items()]
        try:
            await self._journal.append((), checkpoints=checkpoints, fence=fence)
        except (JournalUnavailableError, FencedError):
            return False
        self._saved |= changed
        return True


def _checkpoint(account: str) -> str:
    return f"source {account}"
