"""The file output as a reader of the journal: each record once, whatever happens to either."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError
from bridge.core.event import Draft
from bridge.journal.memory import MemoryJournal
from bridge.outputs.sinks.lines import LineSettings
from tests.record_types import RUN_ENDED
from tests.unit.outputs.sinks.file_outputs import copy_all, running, until
from tests.unit.outputs.sinks.lines_world import RUN, drafts, feed, output_files, records, sequences


async def test_everything_is_in_the_file_once_over_many_restarts(outputs, tmp_path):
    journal = MemoryJournal()
    for round_ in range(6):
        sink = await outputs.open(journal, rotate_bytes=3000)
        await journal.append(drafts(round_ * 20, 20))
        await sink.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 121))
    assert outputs.metric("sink_records_total", sink="out") == 120


@pytest.mark.parametrize("format_", ["cloudevents", "mogplex"])
async def test_everything_is_in_the_file_once_over_many_kills(outputs, tmp_path, format_):
    journal = MemoryJournal()
    settings = LineSettings(format=format_)
    for round_ in range(8):
        sink = await outputs.open(journal, rotate_bytes=3000, lines=settings)
        await journal.append(drafts(round_ * 20, 20))
        await copy_all(sink)
        outputs.kill(sink)
        newest = output_files(tmp_path)[-1]
        os.truncate(newest, max(0, newest.stat().st_size - 37 * round_))
    sink = await outputs.open(journal, rotate_bytes=3000, lines=settings)
    await sink.close()
    found = [
        r["data"]["id"] if format_ == "cloudevents" else r["id"]
        for r in records(output_files(tmp_path))
    ]
    assert found == [f"e{i}" for i in range(160)]


async def test_the_end_of_a_run_is_found_again_in_upstreams_format(outputs, tmp_path):
    journal = MemoryJournal()
    settings = LineSettings(format="mogplex")
    sink = await outputs.open(journal, lines=settings)
    end = json.dumps(
        {"specversion": "1.0", "id": "end", "data": {"runId": RUN, "status": "success"}}
    )
    await journal.append([*drafts(0, 2), Draft(feed(), "end", RUN_ENDED, end.encode(), b"")])
    journal_body = (await journal.read(2, 1)).records[0].body
    assert journal_body.endswith(b"00000000000000000003")
    outputs.kill(sink)


async def test_nothing_is_repeated_when_the_files_were_carried_away(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 10))
    await sink.close()
    for path in output_files(tmp_path):
        path.unlink()
    await journal.append(drafts(10, 5))
    await (await outputs.open(journal)).close()
    assert sequences(output_files(tmp_path)) == [11, 12, 13, 14, 15]
    assert output_files(tmp_path)[0].name == "events.000002.ndjson"


async def test_lines_of_this_journal_are_recognised_without_a_checkpoint(outputs, tmp_path):
    journal = MemoryJournal()
    await journal.append(drafts(0, 5))
    await (await outputs.open(journal)).close()
    await journal.append(drafts(5, 2))
    await (await outputs.open(journal, name="another-name")).close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3, 4, 5, 6, 7]


class FullDisk:
    """os.write fails on files of one name until it is freed."""

    def __init__(self, monkeypatch, name: str) -> None:
        self.is_full = False
        self.refused = 0
        real = os.write

        def write(fd, data):
            if self.is_full and Path(os.readlink(f"/proc/self/fd/{fd}")).name.startswith(name):
                self.refused += 1
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(fd, data)

        monkeypatch.setattr(os, "write", write)


@pytest.mark.slow
async def test_a_full_disk_blocks_one_output_which_resumes_by_itself(
    outputs, tmp_path, monkeypatch
):
    disk = FullDisk(monkeypatch, "full")
    journal = MemoryJournal()
    one = await outputs.open(journal, name="one", file="full.ndjson")
    two = await outputs.open(journal, name="two", file="free.ndjson")
    async with running(one, two):
        await journal.append(drafts(0, 5))
        await until(lambda: one.lag == two.lag == 0)
        disk.is_full = True
        await journal.append(drafts(5, 5))
        await until(lambda: two.lag == 0 and disk.refused >= 2)
        assert one.status()["ok"] is False
        assert "No space left" in one.status()["detail"]
        assert two.status()["ok"] is True
        assert outputs.metric("sink_blocked", sink="one") == 1
        disk.is_full = False
        await until(lambda: one.lag == 0)
        assert one.status()["ok"] is True
    await one.close()
    await two.close()
    for name in ("full", "free"):
        assert sequences([tmp_path / f"{name}.000001.ndjson"]) == list(range(1, 11))
    assert outputs.metric("sink_errors_total", sink="one", reason="disk_full") == disk.refused
    assert outputs.metric("sink_blocked", sink="one") == 0


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["cloudevents", "mogplex"])
async def test_the_lines_that_a_full_disk_still_took_are_not_repeated(
    outputs, tmp_path, monkeypatch, format_
):
    real, left = os.write, 1500

    def write(fd, data):
        nonlocal left
        if not os.readlink(f"/proc/self/fd/{fd}").endswith(".ndjson"):
            return real(fd, data)
        if left == 0:
            left = 1 << 30
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real(fd, bytes(data)[:left])
        left -= done
        return done

    monkeypatch.setattr(os, "write", write)
    journal = MemoryJournal()
    sink = await outputs.open(journal, lines=LineSettings(format=format_))
    async with running(sink):
        await journal.append(drafts(0, 30))
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
    await sink.close()
    found = [r.get("data", r)["id"] for r in records(output_files(tmp_path))]
    assert found == [f"e{i}" for i in range(30)]
    assert outputs.metric("sink_errors_total", sink="out", reason="disk_full") == 1


@pytest.mark.slow
async def test_a_disk_full_at_the_start_is_waited_for(outputs, tmp_path, monkeypatch):
    real = os.open
    is_full = True

    def refuse(path, flags, *rest, **named):
        if is_full and flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    async with running(sink):
        await journal.append(drafts(0, 3))
        await asyncio.sleep(0.05)
        is_full = False
        await until(lambda: sink.lag == 0)
    await sink.close()
    assert sequences(output_files(tmp_path)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "cure"),
    [("missing/events.ndjson", "create the directory"), ("file/events.ndjson", "not a directory")],
)
async def test_a_place_that_cannot_be_is_a_one_line_error(outputs, tmp_path, path, cure):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=cure) as error:
        await outputs.open(MemoryJournal(), file=path)
    assert "\n" not in str(error.value)
    assert path in str(error.value)


async def test_a_directory_without_permission_is_a_one_line_error(outputs, monkeypatch):
    def refuse(path, flags, *rest, **named):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match="permission denied; let this user write to"):
        await outputs.open(MemoryJournal())


@pytest.mark.slow
async def test_a_directory_that_vanishes_is_waited_for(outputs, tmp_path):
    (tmp_path / "logs").mkdir()
    journal = MemoryJournal()
    sink = await outputs.open(journal, file="logs/events.ndjson")
    async with running(sink):
        await journal.append(drafts(0, 3))
        await until(lambda: sink.lag == 0)
        (tmp_path / "logs").rename(tmp_path / "away")
        await asyncio.sleep(1.1)  # the moment given to logrotate
        await journal.append(drafts(3, 3))
        await until(lambda: not sink.status()["ok"])
        (tmp_path / "logs").mkdir()
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
    await sink.close()
    found = sequences(output_files(tmp_path / "away")) + sequences(output_files(tmp_path / "logs"))
    assert found == [1, 2, 3, 4, 5, 6]


async def test_lines_after_the_directory_was_removed_do_not_go_into_the_deleted_file(
    outputs, tmp_path
):
    """For a second they did: the moment that a renamed file is given."""
    (tmp_path / "logs").mkdir()
    journal = MemoryJournal()
    sink = await outputs.open(journal, file="logs/events.ndjson")
    async with running(sink):
        await journal.append(drafts(0, 3))
        await until(lambda: sink.lag == 0)
        shutil.rmtree(tmp_path / "logs")
        (tmp_path / "logs").mkdir()
        await journal.append(drafts(3, 15))
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
    await sink.close()
    assert sequences(output_files(tmp_path / "logs")) == list(range(4, 19))


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
async def test_lines_that_meet_the_removal_come_again_in_a_living_file(
    outputs, tmp_path, monkeypatch, naming
):
    """The file goes between the look at its path and the write."""
    journal = MemoryJournal()
    sink = await outputs.open(journal, naming=naming)
    await journal.append(drafts(0, 3))
    await copy_all(sink)
    real = os.write

    def remove_first(fd, data):
        place = Path(os.readlink(f"/proc/self/fd/{fd}"))
        if place.name.startswith("events"):
            monkeypatch.setattr(os, "write", real)
            place.unlink()
        return real(fd, data)

    monkeypatch.setattr(os, "write", remove_first)
    await journal.append(drafts(3, 5))
    await copy_all(sink)
    await sink.close()
    files = output_files(tmp_path) or [tmp_path / "events.ndjson"]
    assert sequences(files) == [4, 5, 6, 7, 8]


async def test_a_file_that_was_renamed_still_takes_lines_for_its_moment(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal, naming="fixed")
    await journal.append(drafts(0, 2))
    await copy_all(sink)
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
    await journal.append(drafts(2, 2))
    await copy_all(sink)
    assert sequences([tmp_path / "events.ndjson.1"]) == [1, 2, 3, 4]
    await sink.close()


@pytest.mark.slow
async def test_lines_that_a_failed_fsync_took_back_are_written_again(
    outputs, tmp_path, monkeypatch
):
    journal = MemoryJournal()
    sink = await outputs.open(journal)
    await journal.append(drafts(0, 5))
    await copy_all(sink)
    await sink._save()
    await journal.append(drafts(5, 5))
    await copy_all(sink)
    real = os.fdatasync

    def fail_once(fd):
        monkeypatch.setattr(os, "fdatasync", real)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail_once)
    async with running(sink):
        await until(lambda: os.fdatasync is real, within_s=10)
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
    await sink.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 11))
    assert outputs.metric("sink_errors_total", sink="out", reason="io") == 1


@pytest.mark.slow
@pytest.mark.parametrize("rotate_bytes", [None, 2200])
async def test_a_failed_first_fsync_takes_back_what_the_process_before_left_in_memory(
    outputs, tmp_path, monkeypatch, rotate_bytes
):
    """The kernel gives up all that was not on the disk, whoever wrote it."""
    journal = MemoryJournal()
    sink = await outputs.open(journal, rotate_bytes=rotate_bytes)
    await journal.append(drafts(0, 5))
    await copy_all(sink)
    await sink._save()
    on_disk = output_files(tmp_path)[-1].stat().st_size
    await journal.append(drafts(5, 5))
    await copy_all(sink)
    if rotate_bytes is not None:
        assert len(output_files(tmp_path)) > 1, (
            "then nothing of the newest one is known to be there"
        )
        on_disk = 0
    outputs.kill(sink)
    sink = await outputs.open(journal, rotate_bytes=rotate_bytes)
    newest, real_sync, real_write = output_files(tmp_path)[-1], os.fdatasync, os.write
    in_memory = newest.read_bytes()[on_disk:]
    written_after = bytearray()

    def write(fd, data):
        count = real_write(fd, data)
        written_after.extend(bytes(data)[:count])
        return count

    def fail_once(fd):
        monkeypatch.setattr(os, "fdatasync", real_sync)
        monkeypatch.setattr(os, "write", write)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail_once)
    await journal.append(drafts(10, 1))
    async with running(sink):
        await until(lambda: os.fdatasync is real_sync, within_s=10)
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
    await sink.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 12))
    assert in_memory
    assert bytes(written_after).startswith(in_memory)


async def test_reopen_is_heard_at_once(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal, naming="fixed")
    async with running(sink):
        await journal.append(drafts(0, 2))
        await until(lambda: sink.lag == 0)
        (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
        sink.reopen()
        await until((tmp_path / "events.ndjson").exists, within_s=0.5)
        await journal.append(drafts(2, 2))
        await until(lambda: sink.lag == 0)
    await sink.close()
    assert sequences([tmp_path / "events.ndjson.1", tmp_path / "events.ndjson"]) == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.timeout(20)
async def test_a_reopening_asked_for_while_blocked_neither_spins_nor_is_forgotten(
    outputs, tmp_path
):
    """It froze the whole process: logrotate's signal on a disk that was full."""
    journal = MemoryJournal()
    directory = tmp_path / "logs"
    directory.mkdir()
    sink = await outputs.open(journal, file="logs/events.ndjson", naming="fixed")
    tries = []
    sink._attempt, attempt = lambda work: (tries.append(work), attempt(work))[1], sink._attempt
    async with running(sink):
        await journal.append(drafts(0, 5))
        await until(lambda: sink.lag == 0)
        shutil.rmtree(directory)
        directory.write_text("in its place")
        await journal.append(drafts(5, 5))
        await until(lambda: outputs.metric("sink_blocked", sink="out") == 1)
        sink.reopen()
        tries.clear()
        await asyncio.sleep(1.5)  # with the fault, for ever
        assert len(tries) < 10
        directory.unlink()
        directory.mkdir()
        await until(lambda: sink.lag == 0)
        await until(lambda: not sink._must_reopen)
    assert sequences([directory / "events.ndjson"]) == list(range(6, 11))


async def test_finished_files_are_compressed_beside_the_writing(outputs, tmp_path):
    journal = MemoryJournal()
    sink = await outputs.open(journal, rotate_bytes=3000, compress="zstd")
    async with running(sink):
        for i in range(0, 60, 10):
            await journal.append(drafts(i, 10))
            await until(lambda: sink.lag == 0)
        await until(lambda: len([p for p in output_files(tmp_path) if p.suffix == ".zst"]) >= 4)
    await sink.close()
    assert sequences(output_files(tmp_path)) == list(range(1, 61))
