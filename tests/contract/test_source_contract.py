"""What every source promises (S1-S7 of `sources/port.py`), on every system here.

The three systems run against their simulators, the stranger against its world; on virtual time.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bridge import systems
from bridge.config import ResolvedAccount
from bridge.core.event import Feed
from bridge.core.state import FeedState
from bridge.daemon.build import build_following
from bridge.intake import Intake, OpenFeed
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.sources.port import Batch, Depth, Level, Progress, Receipt, Source
from tests.accounts import Tokens
from tests.stages.miosa import Setting as MiosaSetting
from tests.stages.miosa import set_stage as set_miosa_stage
from tests.stages.mogplex import Setting, set_stage
from tests.stages.moot import set_stage as set_moot_stage
from tests.stranger.system import STRANGER, StrangerAccount, World
from tests.virtual_clock import VirtualClock, run_virtually

RUN = "3f0c1c52-8d5e-4c8e-9d0a-2b1f6c7d8e9f"


class SlowJournal(MemoryJournal):
    """A commit takes its time; an append that is cancelled before has stored nothing."""

    commit_s = 0.0

    async def append(self, *args: Any, **more: Any) -> Any:
        await asyncio.sleep(self.commit_s)
        return await super().append(*args, **more)


class Yard:
    """A source that runs, one feed of it, and a hand on upstream."""

    def __init__(self, source: Source, named: Feed, metrics: Metrics, clock: Any) -> None:
        self.source = source
        self.journal = SlowJournal()
        self._intake = Intake(self.journal, Redactor(), metrics, clock)
        self.feed: OpenFeed = self._intake.feed(FeedState(named), systems.kind_of(named))
        self.add: Callable[[int], None]  # so many events upstream
        self.truth: Callable[[], list[str]]  # the ids of all of them
        self.finish: Callable[[], None] | None = None  # None: such a feed never ends
        self.asked: Callable[[], int] | None = None  # None: nothing is limited
        self.fault: Callable[[str], object] | None = None  # three replies go wrong in this way
        self.faults = ["html_5xx", "reset", "not_json", "lost_reply", "cut_body"]

    async def taken(self) -> list[str]:
        prefix = self.feed.kind.event_prefix
        page = await self.journal.read(0, 10_000)
        return [record.id for record in page.records if record.type.startswith(prefix)]

    def follow(self, group: asyncio.TaskGroup, feed: Any = None) -> asyncio.Task[None]:
        return group.create_task(self.source.follow(feed or self.feed, Progress()))

    async def until_taken(self, count: int) -> None:
        async with asyncio.timeout(600):
            while len(await self.taken()) < count:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def mogplex() -> AsyncIterator[Yard]:
    async with set_stage(Setting()) as stage:
        run = stage.sim.create_run(events=3)
        named = systems.systems()["mogplex"].feed("default", "run", run.id)
        yard = Yard(stage.source, named, stage.metrics, stage.clock)
        yard.add = lambda count: stage.sim.append(run, count)
        yard.truth = lambda: stage.truth_ids(run)
        yard.finish = lambda: stage.sim.finish(run)
        yard.asked = lambda: len(stage.sim.requests)
        yard.fault = lambda kind: stage.sim.fault(kind, times=3)
        yard.faults += ["database", "crash"]
        yield yard


@asynccontextmanager
async def stranger() -> AsyncIterator[Yard]:
    world = World("https://stranger.example")
    notes = world.channels["Ab/1 ü"] = ["a", "b", "c"]
    clock, metrics = VirtualClock(asyncio.get_running_loop()), Metrics()
    following = build_following(MemoryJournal(), Redactor(), metrics, clock, default_account="odd")
    account = ResolvedAccount(StrangerAccount(name="odd"), "https://stranger.example", Tokens())
    await following.accounts.change([account])
    named = STRANGER.feed("odd", "channel", "Ab/1 ü")
    yard = Yard(following.accounts.sources["odd"], named, metrics, clock)
    yard.add = lambda count: notes.extend(["more"] * count)
    yard.truth = lambda: [f"n{number}" for number in range(len(notes))]
    async with asyncio.TaskGroup() as group:
        running = group.create_task(following.accounts.run())
        yield yard
        running.cancel()
    await following.accounts.close()


@asynccontextmanager
async def moot() -> AsyncIterator[Yard]:
    async with set_moot_stage({}) as stage:
        space = stage.sim.create_space("Sprint Planning", events=3)
        named = systems.systems()["moot"].feed("default", "space", space.id)
        yard = Yard(stage.source, named, stage.metrics, stage.clock)
        yard.add = lambda count: stage.sim.append(space, count)
        yard.truth = lambda: stage.truth(space)
        yard.finish = lambda: stage.sim.archive(space)
        yard.asked = lambda: len(stage.sim.requests)
        yard.fault = lambda kind: stage.sim.fault(kind, times=3)
        yield yard


@asynccontextmanager
async def miosa() -> AsyncIterator[Yard]:
    async with set_miosa_stage(MiosaSetting()) as stage:
        thing = stage.sim.create("run", events=3)
        named = systems.systems()["miosa"].feed("miosa", "run", thing.id)
        yard = Yard(stage.source, named, stage.metrics, stage.clock)
        yard.add = lambda count: stage.sim.append(thing, count)
        yard.truth = lambda: [event.id for event in thing.events]
        yard.finish = lambda: stage.sim.finish(thing)
        yard.asked = lambda: len(stage.sim.requests)
        yard.fault = lambda kind: stage.sim.fault(kind, times=3)
        yield yard


@asynccontextmanager
async def miosa_tickets() -> AsyncIterator[Yard]:
    """A sandbox whose stream takes tickets only: two requests for each connect."""
    async with set_miosa_stage(MiosaSetting(), tickets="all", resume="start") as stage:
        sandbox = stage.sim.create("sandbox", events=3)
        named = systems.systems()["miosa"].feed("miosa", "sandbox", sandbox.id)
        yard = Yard(stage.source, named, stage.metrics, stage.clock)
        yard.add = lambda count: stage.sim.append(sandbox, count)
        yard.truth = lambda: [event.id for event in sandbox.events]
        yard.finish = lambda: stage.sim.finish(sandbox)
        yard.asked = lambda: len(stage.sim.requests)
        yard.fault = lambda kind: stage.sim.fault(kind, times=3)
        yield yard


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    systems.register(STRANGER)
    yield
    systems.unregister(STRANGER)


ALL = pytest.mark.parametrize("place", [mogplex, stranger, moot, miosa, miosa_tickets])


def on(place: Any, scenario: Callable[[Yard], Any]) -> None:
    async def main() -> None:
        async with place() as yard:
            await yard.feed.open()
            await scenario(yard)

    run_virtually(main())


class Slow:
    """An open feed whose commits take five seconds; `durable` are those that are through."""

    def __init__(self, feed: OpenFeed) -> None:
        self._feed = feed
        self.durable: list[Batch] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._feed, name)

    async def take(self, batch: Batch) -> Receipt:
        await asyncio.sleep(5)
        receipt = await self._feed.take(batch)
        self.durable.append(batch)
        return receipt


@ALL
def test_s1_a_follow_returns_when_its_end_is_durable_and_not_before(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        slow = Slow(yard.feed)
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group, slow)
            await yard.until_taken(3)
            if yard.finish is None:
                await asyncio.sleep(300)
                assert not task.done()
                task.cancel()
                return
            yard.finish()
            await task
            assert slow.durable[-1].ended
            assert yard.feed.state.ended

    on(place, scenario)


@ALL
def test_s2_a_follow_that_is_cancelled_anywhere_goes_on_without_loss_or_repeat(
    place: Any,
) -> None:
    async def scenario(yard: Yard) -> None:
        yard.journal.commit_s = 0.07  # so that it is often cancelled meanwhile
        for moment in range(40):
            yard.add(2)
            async with asyncio.TaskGroup() as group:
                task = yard.follow(group)
                await asyncio.sleep(0.05 * moment)
                task.cancel()
            yard.feed.close()
            await yard.feed.open()
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group)
            await yard.until_taken(len(yard.truth()))
            task.cancel()
        assert await yard.taken() == yard.truth()

    on(place, scenario)


@ALL
def test_s3_every_request_is_known_to_the_gate(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        await asyncio.sleep(130)  # what a predecessor might have asked is out of every window
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group)
            for _ in range(10):
                yard.add(3)
                await asyncio.sleep(4)
            task.cancel()
        requests = yard.source.standing().requests
        if yard.asked is None:
            assert requests is None
        else:
            assert requests is not None
            assert requests.used == yard.asked() > 0
            assert requests.used <= requests.budget

    on(place, scenario)


# Texts that people write for one feed of each system, and some that are none.
NAMES = {
    "mogplex": ([RUN, f" {RUN.upper()}\n"], ["", "nonsense", f"{RUN}/x"]),
    "miosa": ([RUN, f" {RUN}\n"], ["", "a/b/c/d", "x" * 300]),
    "moot": (["Sprint Planning", " Sprint Planning\n"], ["", "a/b", "..", "x" * 201]),
    "stranger": (["Ab/1 ü"], ["", " "]),
}


@pytest.mark.parametrize("name", NAMES)
def test_s4_a_feed_has_one_name_however_it_is_written_and_no_other_has_it(name: str) -> None:
    system = systems.systems()[name]
    kind = next(iter(system.kinds))
    same, none = NAMES[name]
    feeds = {system.feed("a", kind, text) for text in same}
    assert len(feeds) == 1
    (feed,) = feeds
    assert system.feed("a", kind, feed.id) == feed
    assert system.feed("b", kind, feed.id).source != feed.source
    for text in none:
        with pytest.raises(ValueError, match=r"\w+ \w+"):
            system.feed("a", kind, text)
    with pytest.raises(ValueError, match=kind):
        system.feed("a", "no such kind", feed.id)


def test_s4_odd_ids_keep_their_characters_and_their_own_source() -> None:
    ids = ["Ab/1 ü", "ab/1 ü", "Ab%2F1 ü", "Ab/1%20ü", "..", "a/../b"]
    feeds = [STRANGER.feed("a", "channel", id_) for id_ in ids]
    assert [feed.id for feed in feeds] == ids
    assert len({feed.source for feed in feeds}) == len(ids)


# A successor of the others assumes besides what may have been asked after the last save.
@pytest.mark.parametrize("place", [mogplex, stranger])
def test_s5_a_successor_knows_what_was_asked(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group)
            await yard.until_taken(3)
            await asyncio.sleep(5)
            task.cancel()
        before, memory = yard.source.standing().requests, yard.source.memory()
        async with place() as other:
            other.source.recall(memory)
            after = other.source.standing().requests
            assert (after and after.used) == (before and before.used)

    on(place, scenario)


@pytest.mark.parametrize("place", [moot, miosa])
def test_s5_a_successor_never_knows_of_less_than_was_asked(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group)
            await yard.until_taken(3)
            memory = yard.source.memory()
            await asyncio.sleep(5)
            task.cancel()
        before = yard.source.standing().requests
        async with place() as other:
            other.source.recall(memory)
            after = other.source.standing().requests
            assert before is not None
            assert after is not None
            assert before.used <= after.used <= after.budget

    on(place, scenario)


@ALL
def test_s5_any_bytes_are_taken_for_a_memory(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        del yard
        for broken in (b"", b"{", b"[]", b'{"requests":"x"}', b'{"requests":[1e999]}', b"\xff"):
            async with place() as other:
                other.source.recall(broken)
                other.source.standing()

    on(place, scenario)


@pytest.mark.parametrize("place", [mogplex, moot, miosa, miosa_tickets])
def test_s6_nothing_that_upstream_sends_ends_a_follow_or_the_source(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        assert yard.fault is not None
        assert yard.finish is not None
        async with asyncio.TaskGroup() as group:
            task = yard.follow(group)
            for fault in yard.faults:
                yard.fault(fault)
                await asyncio.sleep(90)
                yard.add(1)
            assert not task.done()
            yard.finish()
            async with asyncio.timeout(600):
                await task
        assert await yard.taken() == yard.truth()

    on(place, scenario)


@ALL
def test_s7_settings_are_taken_over_whole_or_not_at_all(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        account: Any = yard.source._account  # type: ignore[attr-defined]
        assert yard.source.take_over(account)
        elsewhere = dataclasses.replace(account, base_url="https://elsewhere.example")
        before = yard.source.standing().requests
        assert not yard.source.take_over(elsewhere)
        assert yard.source.standing().requests == before

    on(place, scenario)


@ALL
def test_an_examination_says_something_and_follows_nothing(place: Any) -> None:
    async def scenario(yard: Yard) -> None:
        for depth in (Depth.TOKEN, Depth.ALL):
            found = await yard.source.examine(depth)
            assert found
            assert all(finding.level is not Level.PROBLEM for finding in found)
        assert yard.journal.head == 0

    on(place, scenario)
