"""From the journal to a target: where it goes on, what it tells when it cannot, and how it ends."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress

import pytest

from bridge.core.errors import JournalFullError
from bridge.core.filter import Filter
from bridge.journal.memory import MemoryJournal
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.port import Intervals
from tests.unit.outputs.sinks.file_outputs import copy_all, running, until
from tests.unit.outputs.sinks.lines_world import RUN, drafts, output_files, records, sequences


async def test_a_new_output_gets_everything_the_journal_keeps(outputs, tmp_path):
    journal = MemoryJournal(records_max=10)
    await journal.append(drafts(0, 10))
    await journal.append(drafts(10, 4))
    first = journal.floor
    assert first > 1
    await (await outputs.open(journal)).close()
    assert sequences(output_files(tmp_path)) == list(range(first, 15))


async def test_another_journal_is_told_in_the_file_once(outputs, tmp_path):
    old, new = MemoryJournal(), MemoryJournal()
    sink = await outputs.open(old)
    await old.append(drafts(0, 5))
    await sink.close()
    await new.append(drafts(100, 3))
    for _ in range(3):
        await (await outputs.open(new)).close()
    found = records(output_files(tmp_path))
    assert [int(r["sequence"]) for r in found] == [1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert found[5]["type"] == "bridge.reset"
    assert found[5]["data"] == {
        "reason": "epoch",
        "epoch": new.epoch,
        "asked": "5",
        "oldest": f"{new.epoch}-1",
        "missing": None,
    }
    assert outputs.metric("sink_missed_records_total", sink="out", reason="epoch") == 1


async def test_a_kill_between_the_reset_line_and_its_checkpoint_does_not_double_it(
    outputs, tmp_path
):
    old, new = MemoryJournal(), MemoryJournal()
    sink = await outputs.open(old)
    await old.append(drafts(0, 5))
    await sink.close()
    sink = await outputs.open(new)
    sink.target._file.write(sink._preface.lines)
    outputs.kill(sink)
    await new.append(drafts(100, 2))
    await (await outputs.open(new)).close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3, 4, 5, 0, 1, 2]


async def test_a_restored_journal_goes_on_where_its_checkpoint_was(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 5))
    await sink.close()
    journal._epoch = "restored"  # J5: old sequences above the backup may mean others now
    await journal.append(drafts(5, 2))
    for path in output_files(tmp_path):  # the last line is one that this journal does not know
        path.write_bytes(path.read_bytes().replace(b'"id":"e4"', b'"id":"xx"'))
    await (await outputs.open(journal)).close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3, 4, 5, 5, 6, 7]
    assert records(output_files(tmp_path))[5]["type"] == "bridge.reset"


async def test_a_journal_that_lost_its_newest_records_is_told(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 5))
    await sink.close()
    shorter = MemoryJournal()
    shorter._epoch = journal.epoch
    await shorter.append(
        drafts(0, 3),
        checkpoints=[("sink/out", b'{"epoch":"%b","seq":3,"segment":1}' % journal.epoch.encode())],
    )
    await shorter.append(drafts(70, 1))
    await (await outputs.open(shorter)).close()
    found = records(output_files(tmp_path))
    assert [int(r["sequence"]) for r in found] == [1, 2, 3, 4, 5, 4]
    assert found[5]["data"]["reason"] == "epoch"


async def test_what_retention_dropped_is_told_in_the_file_and_counted(outputs, tmp_path):
    journal = MemoryJournal(records_max=8)
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 4))
    await copy_all(sink)
    await journal.append(drafts(4, 8))
    await journal.append(drafts(12, 8))
    floor = journal.floor
    assert floor > 5
    await sink.close()
    found = records(output_files(tmp_path))
    assert [int(r["sequence"]) for r in found] == [1, 2, 3, 4, floor - 1, *range(floor, 21)]
    assert found[4]["type"] == "bridge.reset"
    assert found[4]["data"]["missing"] == floor - 5
    missed = outputs.metric("sink_missed_records_total", sink="out", reason="retention")
    assert missed == floor - 5


async def test_retention_that_moves_while_reading_is_told_too(outputs, tmp_path):
    journal = MemoryJournal(records_max=8)
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 4))
    await copy_all(sink)
    real = journal.read

    async def read_late(after, limit, only):
        journal.read = real
        await journal.append(drafts(4, 8))
        await journal.append(drafts(12, 8))
        return await real(after, limit, only)

    await journal.append(drafts(100, 1))
    journal.read = read_late
    await sink.close()
    found = [int(r["sequence"]) for r in records(output_files(tmp_path))]
    floor = journal.floor
    assert found == [1, 2, 3, 4, floor - 1, *range(floor, 22)]


async def test_a_filter_chooses_and_the_position_still_moves(outputs, tmp_path):
    journal = MemoryJournal()
    other = "aaaaaaaa-6a3e-4f0e-9d3b-0d8f3c5b7a10"
    sink = await outputs.open(journal, lines=LineSettings(only=Filter(ids=frozenset([RUN]))))
    await journal.append([*drafts(0, 3), *drafts(50, 20, run_id=other)])
    await copy_all(sink)
    assert (sink.position, sink.lag) == (23, 0)
    await sink.close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3]


class FullJournal(MemoryJournal):
    is_full = False

    async def append(self, drafts, *, states=(), checkpoints=(), fence=None):
        if self.is_full and checkpoints:
            raise JournalFullError("no space")
        return await super().append(drafts, states=states, checkpoints=checkpoints)


@pytest.mark.slow
async def test_no_line_is_written_before_the_journal_knows_the_output(outputs, tmp_path):
    journal = FullJournal()
    journal.is_full = True
    sink = await outputs.open(journal)
    async with running(sink):
        await journal.append(drafts(0, 3))
        await until(lambda: not sink.status()["ok"])
        assert output_files(tmp_path)[0].stat().st_size == 0
        journal.is_full = False
        await until(lambda: sink.lag == 0)
    await sink.close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3]


async def test_a_full_journal_does_not_stop_an_output_that_it_knows(outputs, tmp_path):
    journal = FullJournal()
    sink = await outputs.open(
        journal, intervals=Intervals(sync_s=1.0, checkpoint_s=0.0, idle_s=0.01)
    )
    async with running(sink):
        await journal.append(drafts(0, 3))
        await until(lambda: sink.lag == 0)
        journal.is_full = True
        await journal.append(drafts(3, 3))
        await until(lambda: sink.lag == 0)
        await asyncio.sleep(0.05)
        assert sink.status()["ok"]
    await sink.close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
async def test_closing_has_a_deadline_when_the_disk_hangs(outputs, tmp_path, monkeypatch):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 3))
    release, real = threading.Event(), os.write

    def hang(fd, data):
        if "events" in os.readlink(f"/proc/self/fd/{fd}"):
            release.wait(60)
        return real(fd, data)

    monkeypatch.setattr(os, "write", hang)
    async with asyncio.timeout(30):
        await sink.close(0.1)  # while the disk hangs
    release.set()


@pytest.mark.slow
async def test_cancelling_loses_and_doubles_nothing(outputs, tmp_path):
    journal = MemoryJournal()
    for round_ in range(15):
        sink = await outputs.open(journal, rotate_bytes=20_000)
        async with running(sink):
            await journal.append(drafts(round_ * 300, 300))
            await asyncio.sleep(round_ * 0.0007)
        await sink.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 4501))


async def test_close_twice_and_close_without_run(outputs):
    sink = await outputs.open(MemoryJournal())
    await sink.close()
    await sink.close()


async def test_lag_is_a_metric(outputs):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 700))
    await sink._copy_once()
    assert outputs.metric("sink_lag_records", sink="out") == 700 - 512
    with suppress(AssertionError):
        assert sink.lag == 188
    await sink.close()
