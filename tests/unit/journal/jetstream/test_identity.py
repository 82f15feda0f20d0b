"""A stream that is deleted, made anew or set back under a journal, and a client that is closed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import JournalError, JournalUnavailableError
from bridge.journal.jetstream import identity
from bridge.journal.jetstream.address import Address, parse
from bridge.journal.jetstream.journal import StreamJournal
from tests.journal_records import drafts, read_all
from tests.nats_server import NatsCluster, NatsServer, new_stream, shared_server

WAIT_S = 60.0  # for machines slower than ours


@pytest.fixture
async def journal(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StreamJournal]:
    monkeypatch.setattr(identity, "DOUBT_S", 0.5)
    opened = await StreamJournal.open(parse(shared_server().url(new_stream())))
    yield opened
    await opened.close()


async def end_of(journal: StreamJournal) -> str:
    """Ask for a lease as a replica does, until the journal says that nobody can go on."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                await journal.acquire("account/a")
            except JournalUnavailableError:
                await asyncio.sleep(0.05)
            except JournalError as error:
                return str(error)
            else:
                await asyncio.sleep(0.05)


async def api(journal: StreamJournal, operation: str, body: Any = None) -> Any:
    return await journal._engine.api(f"{operation}.{journal._engine.address.stream}", body)


@pytest.mark.slow
async def test_a_stream_that_is_deleted_ends_the_journal_and_whoever_waits(
    journal: StreamJournal,
) -> None:
    await journal.append(drafts("r", 0, 3))
    await api(journal, "STREAM.DELETE")
    with pytest.raises(JournalUnavailableError):
        await journal.append(drafts("r", 3, 3))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_error_of_waiting(journal))
        assert "was deleted" in await end_of(journal)
        assert "was deleted" in await waiting
    with pytest.raises(JournalError, match="was deleted"):
        await journal.append(drafts("r", 3, 3))


async def _error_of_waiting(journal: StreamJournal) -> str:
    with pytest.raises(JournalError) as failed:
        await journal.wait_above(journal.head)
    return str(failed.value)


@pytest.mark.slow
async def test_a_stream_that_was_made_anew_is_another_one(journal: StreamJournal) -> None:
    """Its sequences begin at 1: its records were taken for those that were read already."""
    await journal.append(drafts("r", 0, 3))
    await api(journal, "STREAM.DELETE")
    heir = await StreamJournal.open(journal._engine.address)
    assert heir.epoch != journal.epoch
    await heir.append(drafts("r", 0, 30))
    assert "made anew" in await end_of(journal)
    await heir.close()


@pytest.mark.slow
async def test_an_engine_that_lost_what_it_had_acknowledged_begins_a_new_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a power cut of a node without copies that syncs every two minutes."""
    monkeypatch.setattr(identity, "DOUBT_S", 0.5)
    server = NatsServer(tmp_path / "n")
    server.start()
    journal = await StreamJournal.open(parse(server.url(new_stream())))
    await journal.append(drafts("r", 0, 3))
    server.stop()
    shutil.copytree(tmp_path / "n" / "js", tmp_path / "before")
    server.start()
    while not await _is_appended(journal):
        await asyncio.sleep(0.05)
    server.stop()
    shutil.rmtree(tmp_path / "n" / "js")
    (tmp_path / "before").rename(tmp_path / "n" / "js")
    server.start()
    try:
        assert "has lost what it had acknowledged" in await end_of(journal)
        heir = await StreamJournal.open(journal._engine.address)
        assert heir.epoch != journal.epoch
        assert [record.id for record in await read_all(heir)] == ["e0", "e1", "e2"]
        await heir.close()
    finally:
        await journal.close()
        server.stop()


async def _is_appended(journal: StreamJournal) -> bool:
    try:
        await journal.append(drafts("r", 3, 3))
    except JournalUnavailableError:
        return False
    return True


@pytest.mark.slow
async def test_hosts_of_two_clusters_are_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first went away the second's stream of the same name was written on."""
    monkeypatch.setattr(identity, "DOUBT_S", 0.5)
    servers = [NatsServer(tmp_path / name, name=name) for name in ("a", "b")]
    for server in servers:
        server.start()
    stream = new_stream()
    first, second = [await StreamJournal.open(parse(s.url(stream))) for s in servers]
    await second.append(drafts("other", 0, 50))
    await first.append(drafts("r", 0, 3))
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    mixed = await StreamJournal.open(parse(f"nats://{hosts}/{stream}"))
    here = 0 if mixed.epoch == first.epoch else 1
    await asyncio.to_thread(servers[here].kill)
    assert "the hosts are not of one cluster" in await end_of(mixed)
    for journal in (mixed, first, second):
        await journal.close()
    servers[1 - here].stop()


async def test_a_client_that_the_engine_closed_for_good_is_replaced(
    journal: StreamJournal,
) -> None:
    """After such an error the client never connects again; the replica waited for ever."""
    await journal._engine._client.close()  # as it does itself after some errors of the engine
    async with asyncio.timeout(WAIT_S):
        while not await _is_appended(journal):
            await asyncio.sleep(0.05)
    assert [record.id for record in await read_all(journal)] == ["e3", "e4", "e5"]
    assert journal.trouble is None


async def test_an_append_without_a_lease_goes_on_though_its_cursor_is_gone(
    journal: StreamJournal,
) -> None:
    """It was taken for another holder's, and no wish was ever stored again."""
    await journal.append((), checkpoints=[("c", b"1")])
    await api(journal, "STREAM.PURGE", {"filter": journal._cursor})
    while not await _is_appended(journal):
        await asyncio.sleep(0.01)
    assert len(await read_all(journal)) == 3


@pytest.mark.slow
async def test_a_node_that_is_not_up_yet_is_no_fault_of_the_configuration(tmp_path: Path) -> None:
    """Exit code 78, with which a supervisor does not start it again."""
    cluster = NatsCluster(tmp_path)
    for node in cluster.nodes[:2]:
        node.start()
    try:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        address = parse(f"nats://{hosts}/{new_stream()}")
        async with asyncio.timeout(WAIT_S):
            while True:
                with pytest.raises(JournalUnavailableError) as failed:  # without a leader, at first
                    await StreamJournal.open(address)
                if "cannot make the stream: no suitable peers" in str(failed.value):
                    break
        await asyncio.to_thread(cluster.nodes[2].start)
        async with asyncio.timeout(WAIT_S):
            while (journal := await _maybe_opened(address)) is None:
                await asyncio.sleep(0.1)
        await journal.close()
    finally:
        cluster.kill()


async def _maybe_opened(address: Address) -> StreamJournal | None:
    try:
        return await StreamJournal.open(address)
    except JournalUnavailableError:
        return None
