"""What sources remember: stored when it changed, handed to a successor, and to nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.core.errors import JournalFullError
from bridge.daemon.holding import Everything, Held
from bridge.daemon.memories import Memories
from bridge.journal.memory import MemoryJournal
from tests.unit.daemon.parts import HandClock, StandingSource
from tests.virtual_clock import run_virtually


class Counted(MemoryJournal):
    """Counts appends; full while it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.appends, self.is_full = 0, False

    async def append(self, *args: Any, **more: Any) -> Any:
        if self.is_full:
            raise JournalFullError("no space")
        self.appends += 1
        return await super().append(*args, **more)


def sources(**remembered: bytes) -> Any:
    made = {name: StandingSource(name) for name in remembered}
    for name, memory in remembered.items():
        made[name].remembers = memory
    return made


async def test_a_successor_is_told_what_each_account_knew() -> None:
    journal = Counted()
    await Memories(journal, sources(a=b"1", b=b"\xff\x00"), Everything()).save()
    after = sources(a=b"", b=b"", new=b"")
    await Memories(journal, after, Everything()).recall()
    assert after["a"].recalled == [b"1"]
    assert after["b"].recalled == [b"\xff\x00"]  # any bytes
    assert after["new"].recalled == []  # nothing known: the source assumes the worst


async def test_only_what_changed_is_stored_again() -> None:
    journal, held = Counted(), sources(a=b"1", b=b"2")
    memories = Memories(journal, held, Everything())
    await memories.save()
    await memories.save()
    assert journal.appends == 1
    held["b"].remembers = b"3"
    await memories.save()
    assert journal.appends == 2
    assert await journal.checkpoint("source b") == b"3"


async def test_a_full_disk_is_tried_again_with_what_is_known_then() -> None:
    journal, held = Counted(), sources(a=b"1")
    memories = Memories(journal, held, Everything())
    journal.is_full = True
    await memories.save()  # the intake tells of it
    held["a"].remembers = b"2"
    journal.is_full = False
    await memories.save()
    assert await journal.checkpoint("source a") == b"2"


async def test_the_memory_of_an_account_that_another_process_follows_is_left_alone() -> None:
    journal = Counted()
    await Memories(journal, sources(a=b"its holder's"), Everything()).save()
    held = Held()
    here = Memories(journal, sources(a=b"", b=b"ours"), held)
    lease = await journal.acquire("account/b")
    assert lease is not None
    held.put("b", lease.fence)
    await here.save()
    assert await journal.checkpoint("source a") == b"its holder's"
    assert await journal.checkpoint("source b") == b"ours"


async def test_the_one_checkpoint_of_the_first_version_is_taken_over() -> None:
    journal = Counted()
    await journal.append((), checkpoints=[("windows", b'{"a":{"log":[1,2]}}')])
    after = sources(a=b"", b=b"")
    await Memories(journal, after, Everything()).recall()
    assert after["a"].recalled == [b'{"log":[1,2]}']
    assert after["b"].recalled == []


async def test_a_newer_checkpoint_wins_over_that_of_the_first_version() -> None:
    journal = Counted()
    await journal.append((), checkpoints=[("windows", b'{"a":{"log":[]}}'), ("source a", b"newer")])
    after = sources(a=b"")
    await Memories(journal, after, Everything()).recall()
    assert after["a"].recalled == [b"newer"]


@pytest.mark.parametrize("stored", [b"", b"{", b"[]", b"5", b'{"b":1}'])
async def test_what_cannot_be_read_is_as_if_nothing_was_known(stored: bytes) -> None:
    journal = Counted()
    await journal.append((), checkpoints=[("windows", stored)])
    after = sources(a=b"")
    await Memories(journal, after, Everything()).recall()
    assert after["a"].recalled == []


async def test_a_memory_is_handed_on_with_its_age_where_the_journal_tells_it() -> None:
    clock = HandClock()
    journal = MemoryJournal(clock=clock)
    await Memories(journal, sources(a=b"1"), Everything()).save()
    clock.now_s, clock.wall_s = clock.now_s + 7.0, clock.wall_s - 300.0
    after = sources(a=b"")
    await Memories(journal, after, Everything()).recall()
    assert after["a"].age_s == 7.0


async def test_who_lost_the_lease_does_not_overwrite_what_its_successor_remembers() -> None:
    journal, held = MemoryJournal(), Held()
    lease = await journal.acquire("account/a")
    assert lease is not None
    held.put("a", lease.fence)
    here = Memories(journal, sources(a=b"old"), held)
    await lease.release()  # and nobody tells it
    await Memories(journal, sources(a=b"new"), Everything()).save()
    await here.save()
    assert await journal.checkpoint("source a") == b"new"


def test_a_replica_that_cannot_store_what_it_asks_waits_and_does_not_ask() -> None:
    async def scenario() -> None:
        journal, here = Counted(), sources(a=b"1")
        memories = Memories(journal, here, Everything(), must_store=True)
        journal.is_full = True
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(memories.store("a"))
            await asyncio.sleep(60)
            assert not storing.done()
            journal.is_full = False
        assert await journal.checkpoint("source a") == b"1"

    run_virtually(scenario())


async def test_what_another_stored_meanwhile_is_not_taken_for_what_was_stored_here() -> None:
    """It came back with what it knew before, and believed that to be stored already."""
    journal, here = Counted(), sources(a=b"1")
    memories = Memories(journal, here, Everything())
    await memories.save()
    await journal.append((), checkpoints=[("source a", b"another's")])
    await memories.recall_of("a")
    await memories.save()
    assert await journal.checkpoint("source a") == b"1"
