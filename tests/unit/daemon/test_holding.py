"""Which accounts are followed here, and under which fence their records are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from bridge.core.state import FeedState, Wish
from bridge.daemon.holding import Everything, Held, Holding
from bridge.daemon.memories import Memories
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import Fence, FencedError
from bridge.metrics import Metrics
from tests.journal_records import drafts, feed
from tests.unit.daemon.parts import StandingSource
from tests.virtual_clock import run_virtually


async def test_a_batch_that_was_under_way_when_the_lease_was_lost_is_not_stored() -> None:
    """It found no fence, and was stored without one: every event twice after a thaw."""
    journal, held = MemoryJournal(), Held()
    lease = await journal.acquire("account/default")
    assert lease is not None
    held.put("default", lease.fence)
    await journal.append(drafts("r", 0, 1), fence=held.fence_of(feed("r")))
    held.put("default", None)
    with pytest.raises(FencedError):
        await journal.append(drafts("r", 1, 1), fence=held.fence_of(feed("r")))
    await journal.append((), wishes=[Wish(feed("r"))])  # which needs no lease


async def test_what_runs_while_held_ends_with_the_lease_and_begins_again() -> None:
    held = Held()
    said: list[str] = []
    began = asyncio.Event()

    async def run() -> None:
        said.append("begun")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ended")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(held.while_held("a", run))
        await asyncio.sleep(0)
        assert said == []
        for number in (1, 2):
            held.put("a", Fence("account/a", number))
            await began.wait()
            began.clear()
            held.put("a", None)
            while said.count("ended") < number:
                await asyncio.sleep(0)
        task.cancel()
    assert said == ["begun", "ended"] * 2


async def test_an_error_of_what_runs_while_held_is_raised_as_it_is() -> None:
    held = Held()
    held.put("a", Fence("account/a", 1))

    async def run() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await held.while_held("a", run)


def test_without_leases_everything_is_held_and_nothing_is_fenced() -> None:
    everything = Everything()
    assert "a" in everything
    assert everything.fence_of(feed("r")) is None


class NotedFollower:
    """Notes when follows of an account were ended."""

    def __init__(self) -> None:
        self.paused = asyncio.Event()

    async def take_up(self, wishes: Iterable[Wish], states: Mapping[str, FeedState]) -> None:
        """Nothing to go on from."""

    async def pause(self, account: str) -> None:
        assert account == "a"
        self.paused.set()

    def resume(self, account: str) -> None:
        """Nothing to begin."""


def test_a_lost_lease_is_noticed_while_the_engine_does_not_answer_for_another() -> None:
    """Both were looked at by one task, which waited for the answer."""

    async def scenario() -> None:
        journal, held, follower = MemoryJournal(), Held(), NotedFollower()
        sources: dict[str, Any] = {name: StandingSource(name) for name in "ab"}
        acquire = journal.acquire

        async def silent(name: str) -> Any:
            if name.endswith("/b"):
                await asyncio.Event().wait()
            return await acquire(name)

        journal.acquire = silent  # type: ignore[method-assign]
        memories = Memories(journal, sources, held)
        holding = Holding(journal, sources, held, memories, follower, Metrics())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(holding.run())
            while "a" not in held:
                await asyncio.sleep(1)
            await holding._leases["a"].release()
            async with asyncio.timeout(1):
                await follower.paused.wait()
            assert "a" not in held
            task.cancel()

    run_virtually(scenario())
