"""Several journals on one stream, and an engine that dies, freezes, forgets to answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import ConfigError, JournalUnavailableError, JournalVersionError
from bridge.core.event import Draft
from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream import lease as leases
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.engine import Engine
from bridge.journal.jetstream.journal import StreamJournal
from bridge.journal.jetstream.messages import Outgoing, Subjects, token_of
from bridge.journal.jetstream.writer import Append
from bridge.journal.port import FencedError
from tests.journal_records import drafts, feed, read_all
from tests.nats_server import NatsServer, new_stream, shared_server

WAIT_S = 60.0  # for machines slower than ours


@pytest.fixture
async def pair() -> AsyncIterator[tuple[StreamJournal, StreamJournal]]:
    """Two replicas."""
    url = shared_server().url(new_stream())
    first = await StreamJournal.open(parse(url))
    second = await StreamJournal.open(parse(url))
    yield first, second
    await first.close()
    await second.close()


async def held(journal: StreamJournal, name: str) -> Any:
    """The lease, when the one before has run out."""
    async with asyncio.timeout(WAIT_S):
        while (lease := await journal.acquire(name)) is None:
            await asyncio.sleep(0.1)
    return lease


async def patiently(journal: StreamJournal, some: Sequence[Draft], **more: Any) -> None:
    """As the intake does: the same again until it is stored."""
    while True:
        try:
            await journal.append(some, **more)
        except JournalUnavailableError:
            await asyncio.sleep(0.05)
        else:
            return


async def test_what_one_replica_stored_the_other_reads(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    first, second = pair
    assert first.epoch == second.epoch
    state, wish = FeedState(feed("r"), events=3), Wish(feed("r"))
    given = await first.append(
        drafts("r", 0, 3), states=[state], wishes=[wish], checkpoints=[("c", b"1")]
    )
    await second.catch_up()
    async with asyncio.timeout(WAIT_S):
        while await second.checkpoint("c") is None:
            await asyncio.sleep(0.01)
    assert [r.seq for r in await read_all(second)] == list(given)
    assert await read_all(second) == await read_all(first)
    assert (await second.states(), await second.wishes()) == ([state], [wish])
    assert await second.event_ids(feed("r"), 2) == ["e1", "e2"]


@pytest.mark.slow
async def test_a_replica_that_starts_later_knows_everything(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    first, _ = pair
    states = [FeedState(feed(f"r{n}"), events=n) for n in range(30)]
    for state in states:
        await first.append(drafts(state.feed, 0, 20), states=[state])
    third = await StreamJournal.open(first._engine.address)
    assert third.head == first.head
    assert await third.states() == states
    assert await read_all(third) == await read_all(first)
    assert list(await third.append(drafts("r3", 15, 5))) == [None] * 5
    await third.close()


async def test_a_foreign_message_among_the_records_is_skipped(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    """It ended the reading for good: `nats pub` is enough to store one."""
    first, second = pair
    await first.append(drafts("r", 0, 2))
    subject = first._subjects.of("ev", token_of(feed("r").source))
    for foreign in (b"", b"hello", b"\x02" + bytes(40), b"\x01\xff\xff" + bytes(20)):
        await first._engine.store(Outgoing(subject, foreign))
    await first.append(drafts("r", 2, 2))
    ids = [f"e{n}" for n in range(4)]
    third = await StreamJournal.open(first._engine.address)
    for journal in (first, second, third):
        await journal.catch_up()
        assert [r.id for r in await read_all(journal)] == ids
    assert set(ids) <= set(await third.event_ids(feed("r"), 100))
    assert list(await third.append(drafts("r", 0, 4))) == [None] * 4
    await third.close()


async def test_wishes_and_states_of_another_replica_are_told(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    first, second = pair
    told: asyncio.Queue[Wish] = asyncio.Queue()
    seen: asyncio.Queue[FeedState] = asyncio.Queue()
    second.watch(told.put_nowait, seen.put_nowait)
    wish, state = Wish(feed("r"), followed=False), FeedState(feed("r"), events=3)
    await first.append([], wishes=[wish], states=[state])
    async with asyncio.timeout(WAIT_S):
        assert (await told.get(), await seen.get()) == (wish, state)


@pytest.mark.slow
async def test_l1_a_zombie_that_never_noticed_is_refused_by_the_engine(
    pair: tuple[StreamJournal, StreamJournal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was stopped between the look at the clock and the append."""
    first, second = pair
    zombie = await held(first, "account/a")
    await first.append(
        drafts("r", 0, 2), states=[FeedState(feed("r"), events=2)], fence=zombie.fence
    )
    zombie.remember(b"window")
    zombie._renewing.cancel()  # it sleeps
    zombie._until_s = float("inf")
    heir = await held(second, "account/a")
    assert zombie.is_valid(), "it believes so"
    with pytest.raises(FencedError):
        await first.append(
            drafts("r", 2, 2), states=[FeedState(feed("r"), events=4)], fence=zombie.fence
        )
    assert not zombie.is_valid()
    await second.append(drafts("r", 2, 1), fence=heir.fence)
    assert [r.id for r in await read_all(second)] == ["e0", "e1", "e2"]
    assert [s.events for s in await second.states()] == [2]


@pytest.mark.slow
async def test_l1_a_holder_stops_before_another_may_begin() -> None:
    url = shared_server().url(new_stream())
    first = await StreamJournal.open(parse(url))
    lease = await held(first, "a")
    lease._renewing.cancel()
    async with asyncio.timeout(WAIT_S):
        while lease.is_valid():
            await asyncio.sleep(0.01)
    second = await StreamJournal.open(parse(url))
    assert await second.acquire("a") is None, "it has only just been looked at"
    again = await first.acquire("a")
    assert again is not None, "it knows that it ran out, and nobody else took it"
    assert not lease.is_valid()
    assert again.is_valid()
    await first.close()
    await second.close()


@pytest.mark.slow
async def test_l2_a_dead_holders_memory_is_as_old_as_its_last_renewal(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    first, second = pair
    lease = await held(first, "a")
    lease.remember(b"one")
    async with asyncio.timeout(WAIT_S):
        until = lease._until_s
        while lease._until_s == until:
            await asyncio.sleep(0.05)
    lease.remember(b"two")
    lease._renewing.cancel()  # it dies
    heir = await held(second, "a")
    assert heir.inherited == b"one"


class Deaf(Engine):
    """Stores what it is told, and does not always hear that it is stored."""

    deaf = 0

    async def store_all(self, *args: Any) -> int:
        last = await super().store_all(*args)
        if self.deaf:
            self.deaf -= 1
            raise JournalUnavailableError("the answer was lost")
        return last


@pytest.mark.slow
async def test_an_answer_that_was_lost_costs_nothing_and_doubles_nothing() -> None:
    journal = await StreamJournal.open(parse(shared_server().url(new_stream())))
    lease = await held(journal, "a")
    journal._engine.__class__ = Deaf
    for number in range(6):
        journal._engine.deaf = number % 3  # type: ignore[attr-defined]
        state = FeedState(feed("r"), events=number * 5 + 5)
        await patiently(journal, drafts("r", number * 5, 5), states=[state], fence=lease.fence)
    await journal.catch_up()
    assert [r.id for r in await read_all(journal)] == [f"e{n}" for n in range(30)]
    assert [s.events for s in await journal.states()] == [30]
    assert lease.is_valid()
    await journal.close()


async def test_a_batch_that_arrives_after_it_was_given_up_is_no_other_holder() -> None:
    journal = await StreamJournal.open(parse(shared_server().url(new_stream())))
    lease = await held(journal, "a")
    engine, real = journal._engine, journal._engine.store_all
    late: list[tuple[Any, ...]] = []

    async def slow_line(*args: Any) -> int:
        late.append(args)
        if len(late) == 1:
            raise JournalUnavailableError("cut")
        if len(late) == 2:  # looked at: the first is not stored; and then it is
            await real(*late[0])
        return await real(*args)

    engine.store_all = slow_line  # type: ignore[method-assign]
    with pytest.raises(JournalUnavailableError, match="cut"):
        await journal.append(drafts("r", 0, 3), fence=lease.fence)
    with pytest.raises(JournalUnavailableError, match="ask again"):
        await journal.append(drafts("r", 0, 4), fence=lease.fence)
    assert list(await journal.append(drafts("r", 0, 4), fence=lease.fence))[:3] == [None] * 3
    assert [r.id for r in await read_all(journal)] == ["e0", "e1", "e2", "e3"]
    await journal.close()


@pytest.mark.slow
async def test_an_engine_that_is_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    server = NatsServer(tmp_path / "n")
    server.start()
    journal = await StreamJournal.open(parse(server.url(new_stream())))
    reader = await StreamJournal.open(journal._engine.address)
    seen: list[str] = []
    total, rounds = 1200, 8

    async def produce(run: str) -> None:
        for first in range(0, total, 30):
            state = FeedState(feed(run), events=first + 30)
            await patiently(journal, drafts(run, first, 30), states=[state])

    async def consume() -> None:
        after = 0
        while len(seen) < 2 * total:
            await reader.wait_above(after)
            page = await reader.read(after, 100)
            seen.extend(f"{r.feed.id}/{r.id}" for r in page.records)
            after = page.next_after

    async def kill() -> None:
        for number in range(rounds):
            wanted = (number + 1) * 2 * total // (rounds + 1)
            while len(seen) < wanted:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

    try:
        async with asyncio.timeout(110), asyncio.TaskGroup() as group:
            group.create_task(consume())
            group.create_task(kill())
            for run in ("a", "b"):
                group.create_task(produce(run))
        assert len(seen) == len(set(seen)) == 2 * total
        for run in ("a", "b"):
            ids = [name for name in seen if name.startswith(run)]
            assert ids == [f"{run}/e{n}" for n in range(total)]
        assert [s.events for s in await reader.states()] == [total, total]
    finally:
        await journal.close()
        await reader.close()
        server.stop()


async def _is_appended(journal: StreamJournal) -> bool:
    """Append as a source does, which tries again while the engine is away."""
    try:
        await journal.append(drafts("r", 5, 1))
    except JournalUnavailableError:
        return False
    return True


@pytest.mark.slow
async def test_an_engine_that_is_away_keeps_no_reader_from_what_is_in_memory(
    tmp_path: Path,
) -> None:
    server = NatsServer(tmp_path / "n")
    server.start()
    journal = await StreamJournal.open(parse(server.url(new_stream())))
    await journal.append(drafts("r", 0, 5))
    await asyncio.to_thread(server.kill)
    try:
        async with asyncio.timeout(WAIT_S):
            while journal.trouble is None:
                await asyncio.sleep(0.01)
        assert "unreachable" in journal.trouble
        assert journal.is_serving
        assert len((await journal.read(journal._recent.first - 1, 10)).records) == 5
        with pytest.raises(JournalUnavailableError):
            await journal.append(drafts("r", 5, 1))
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(WAIT_S):
            while not await _is_appended(journal):  # a server that starts may hang up once more
                await asyncio.sleep(0.01)
        assert [r.id for r in await read_all(journal)] == [f"e{n}" for n in range(6)]
    finally:
        await journal.close()
        server.stop()


async def test_retention_moves_the_floor_for_all(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    first, second = pair
    await first.append(drafts("r", 0, 10), states=[FeedState(feed("r"), events=10)])
    middle = first.head
    await first.append(drafts("r", 10, 10))
    size = first.stats()
    assert size.records is None
    done = await first.retain(older_than_s=0.0, bytes_max=None, now_s=0.0)
    assert done.floor == first.floor > middle
    assert await read_all(first) == []
    assert first.head >= first.floor - 1
    await first.append(drafts("r", 20, 5))
    await second.catch_up()
    assert [r.id for r in await read_all(second)] == [f"e{n}" for n in range(20, 25)]
    page = await second.read(0, 10)
    assert second.floor == first.floor
    assert [r.id for r in page.records] == [f"e{n}" for n in range(20, 25)]
    assert [s.events for s in await second.states()] == [10], "states do not age"


async def test_a_stream_that_does_not_fit_is_refused_and_not_changed() -> None:
    engine = Engine(parse(shared_server().url(name := new_stream())))
    await engine.connect(10)
    await engine.api(f"STREAM.CREATE.{name}", {"name": name, "subjects": [f"{name}.>"]})
    with pytest.raises(ConfigError, match="allow_atomic"):
        await StreamJournal.open(engine.address)
    said = await engine.api(f"STREAM.INFO.{name}")
    assert not said["config"].get("allow_atomic")
    await engine.close()


async def test_a_stream_that_a_newer_version_writes_is_refused_at_the_start_and_later(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    """Its records were skipped."""
    journal, _ = pair
    meta = Subjects(journal._engine.address.stream).meta
    await journal._engine.publish(meta, json.dumps({"format": 2, "epoch": journal.epoch}).encode())
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(JournalVersionError, match="format 2, this program knows 1"):
            await journal.wait_above(journal.head)
    with pytest.raises(JournalVersionError):
        await journal.append(drafts("r", 0, 1))
    with pytest.raises(JournalVersionError, match="newer"):
        await StreamJournal.open(journal._engine.address)


@pytest.mark.slow
async def test_an_engine_that_is_not_there_is_told() -> None:
    with pytest.raises(JournalUnavailableError, match=r"nats://127.0.0.1:1/S"):
        await StreamJournal.open(parse("nats://127.0.0.1:1/S"), patience_s=0.3)


def test_the_lease_has_the_time_that_the_documents_name() -> None:
    assert leases.LEASE_S == 3.0


async def test_an_append_of_what_is_stored_already_waits_until_it_can_be_read(
    pair: tuple[StreamJournal, StreamJournal],
) -> None:
    """It returned at once, while the records were still on their way back from the engine."""
    journal, _ = pair
    await journal.append(drafts("r", 0, 5))
    lane = journal._lanes[None]
    given, through = await lane.append(Append(drafts("r", 0, 5), (), (), ()))
    assert given == [None] * 5
    assert through > journal.head - 1
