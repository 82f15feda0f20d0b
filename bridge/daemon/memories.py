"""What sources remember over a restart: kept in the journal, one checkpoint an account."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping

from bridge.core.errors import JournalUnavailableError
from bridge.journal.port import Journal
from bridge.sources.port import Source
from bridge.wire.jsontext import JsonError, dumps, loads

SAVE_S = 1.0  # this often: a successor must know the requests of the last minute
_OF_010 = "windows"  # the one checkpoint of 0.1.0: account -> memory, in JSON


class Memories:
    """`run` is a task; `save` at any time, and once more at the end."""

    def __init__(
        self, journal: Journal, sources: Mapping[str, Source], held: Container[str]
    ) -> None:
        """`held`: accounts that this process follows; what others know is theirs to keep."""
        self._journal = journal
        self._held = held
        self._sources = sources
        self._saved: dict[str, bytes] = {}
        self._saving = asyncio.Lock()

    async def recall(self) -> None:
        """Hand every source what its predecessor knew; before any of them runs."""
        for name in self._sources:
            await self.recall_of(name)

    async def recall_of(self, name: str) -> None:
        """The same for one account.

        Zero 429 over a restart or a take-over rests on it (0016-design.md D4, scheduler.md 6).
        """
        memory = await self._journal.checkpoint(_checkpoint(name))
        if memory is None:
            memory = await self._of_010(name)
        source = self._sources.get(name)  # it may have gone meanwhile
        if memory is not None and source is not None:
            source.recall(memory)

    async def _of_010(self, name: str) -> bytes | None:
        stored = await self._journal.checkpoint(_OF_010)
        try:
            saved = loads(stored) if stored is not None else {}
        except JsonError:
            return None
        return dumps(saved[name]) if isinstance(saved, dict) and name in saved else None

    async def run(self) -> None:
        """Save what changed, for ever."""
        while True:
            await self.save()
            await asyncio.sleep(SAVE_S)

    async def save(self) -> None:
        """Store what changed since; skip a full disk: the intake tells, and it is tried again.

        A burst of requests waits for this: a kill just after it must not have a successor send
        them once more.
        """
        async with self._saving:
            memories = {
                name: source.memory()
                for name, source in self._sources.items()
                if name in self._held
            }
            changed = {name: m for name, m in memories.items() if m != self._saved.get(name)}
            if not changed:
                return
            checkpoints = [(_checkpoint(name), memory) for name, memory in changed.items()]
            try:
                await self._journal.append((), checkpoints=checkpoints)
            except JournalUnavailableError:
                return
            self._saved |= changed


def _checkpoint(account: str) -> str:
    return f"source {account}"
