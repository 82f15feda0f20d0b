"""Of several replicas with the same output one writes it; another goes on when that one is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.core.errors import ConfigError
from bridge.daemon.only_one import OnlyOne
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from tests.unit.outputs.sinks.file_outputs import running, until
from tests.unit.outputs.sinks.lines_world import drafts, output_files, sequences


def output(journal: MemoryJournal, place: Path) -> OnlyOne:
    clock = SystemClock()

    def build(fence):
        target = FileTarget(Layout(place / "events.ndjson"), clock)
        return Delivery("out", target, journal, metrics=Metrics(), clock=clock, fence=fence)

    return OnlyOne("out", journal, build)


async def written(place: Path, count: int) -> None:
    await until(lambda: place.exists() and len(sequences(output_files(place))) >= count)


@pytest.mark.slow
async def test_one_of_two_writes_and_the_other_goes_on_behind_its_last_line(tmp_path):
    journal = MemoryJournal()
    first, second = (output(journal, tmp_path) for _ in range(2))
    await first.open()
    await second.open()
    assert second.status() == {"ok": True, "detail": "another replica writes it"}
    async with running(first, second) as tasks:
        await journal.append(drafts(0, 5))
        await written(tmp_path, 5)
        assert second.lag == 0
        tasks[0].cancel()
        await asyncio.wait([tasks[0]])
        await first.close()
        await journal.append(drafts(5, 4))
        await written(tmp_path, 9)
    await second.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 10))


async def test_who_lost_it_writes_nothing_more(tmp_path):
    journal = MemoryJournal()
    first, second = (output(journal, tmp_path) for _ in range(2))
    await first.open()
    async with running(first, second):
        await journal.append(drafts(0, 3))
        await written(tmp_path, 3)
        assert first._lease is not None
        lease, delivery = first._lease, first._delivery
        await lease.release()  # as if another had waited for longer than its time
        await until(lambda: first._delivery is not delivery)
        await journal.append(drafts(3, 3))
        await written(tmp_path, 6)
    await asyncio.gather(first.close(), second.close())
    assert sequences(output_files(tmp_path)) == list(range(1, 7))


async def test_a_place_that_cannot_be_written_is_refused_and_leaves_it_to_others(tmp_path):
    journal = MemoryJournal()
    for name in "ab":
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "file").write_text("")
    bad, good = output(journal, tmp_path / "a" / "file" / "no"), output(journal, tmp_path / "b")
    with pytest.raises(ConfigError):
        await bad.open()
    await good.open()
    assert good._lease is not None
    await good.close()
