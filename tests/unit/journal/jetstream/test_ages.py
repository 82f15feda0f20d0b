"""How old a checkpoint is, whatever the wall clocks of the replicas say."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bridge.clock import SystemClock
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.ages import Ages
from bridge.journal.jetstream.journal import StreamJournal
from tests.journal_records import drafts
from tests.nats_server import new_stream, shared_server
from tests.unit.daemon.parts import HandClock

NOW = "2026-08-03T15:00:30+00:00"


class NoWallClock(SystemClock):
    """Fails whoever asks for the time of day."""

    def wall(self) -> float:
        raise AssertionError("a replica's wall clock decides nothing")


def test_what_was_there_at_the_start_is_as_old_as_the_engine_says() -> None:
    clock = HandClock()
    ages = Ages(clock, NOW)
    ages.note("c", "2026-08-03T15:00:23+00:00")
    clock.now_s += 1.0
    assert ages.age_s("c") == 8.0
    assert ages.age_s("other") is None


def test_what_comes_by_the_tail_is_new_and_no_stamp_makes_it_older_than_that() -> None:
    clock = HandClock()
    ages = Ages(clock, NOW)
    ages.note("tail", "")
    ages.note("ahead", "2026-08-03T15:07:00+00:00")  # an engine whose clock was set back
    clock.now_s += 2.0
    assert ages.age_s("tail") == 2.0
    assert ages.age_s("ahead") == 2.0


async def test_leases_ages_and_retention_ask_no_wall_clock_of_a_replica() -> None:
    url = parse(shared_server().url(new_stream()))
    began_s = time.monotonic()
    async with AsyncExitStack() as closing:
        opened = []
        for _ in range(2):
            opened.append(await StreamJournal.open(url, clock=NoWallClock()))
            closing.push_async_callback(opened[-1].close)
            if len(opened) == 1:
                lease = await opened[0].acquire("account/a")
                assert lease is not None
                await opened[0].append(
                    drafts("r", 0, 2), checkpoints=[("c", b"1")], fence=lease.fence
                )
        first, second = opened
        assert await second.acquire("account/a") is None
        for journal in opened:
            age_s = journal.checkpoint_age_s("c")
            assert age_s is not None
            assert 0.0 <= age_s <= time.monotonic() - began_s + 1.0
        await lease.release()
        async with asyncio.timeout(60):
            while await second.acquire("account/a") is None:
                await asyncio.sleep(0.05)
        await first.retain(older_than_s=3600.0, bytes_max=None, now_s=0.0)
        assert [r.id for r in (await second.read(0, 10)).records] == ["e0", "e1"]
