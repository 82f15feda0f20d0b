"""Lines on a disk that is full, slow or lies: whole ones or none, and it is said how many."""

from __future__ import annotations

import errno
import os
import resource

import pytest

from bridge.outputs.sinks.files.open_file import SyncFailedError, WriteStoppedError
from tests.unit.outputs.sinks.lines_world import lines, output_files, sequences


@pytest.fixture
def file_size_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda n: resource.setrlimit(resource.RLIMIT_FSIZE, (n, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_whole_lines_and_says_how_many(world, tmp_path, file_size_limit):
    w = world()
    w.open()
    batch = lines(1, 10)
    file_size_limit(len(batch[0]) * 3 + 50)
    with pytest.raises(WriteStoppedError) as stop:
        w.writer.write(batch)
    assert (stop.value.written, stop.value.cause.errno) == (3, errno.EFBIG)
    assert sequences(output_files(tmp_path)) == [1, 2, 3]
    file_size_limit(resource.RLIM_INFINITY)
    w.writer.drop()
    assert w.open().last.seq == 3
    w.writer.write(batch[3:])
    assert sequences(output_files(tmp_path)) == list(range(1, 11))


def test_a_full_disk_in_the_middle_of_a_healed_line_counts_right(world, tmp_path, file_size_limit):
    w = world()
    w.open()
    batch = lines(1, 6)
    w.writer.write(batch[:1])
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(batch[1][:60])
    w.open()
    file_size_limit(len(batch[0]) * 3 + 50)
    with pytest.raises(WriteStoppedError) as stop:
        w.writer.write(batch[1:])
    assert stop.value.written == 2
    assert sequences([path]) == [1, 2, 3]


def test_short_writes_are_continued(world, tmp_path, monkeypatch):
    w = world()
    w.open()
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:7]))
    w.writer.write(lines(1, 3))
    assert output_files(tmp_path)[0].read_bytes() == b"".join(lines(1, 3))


def test_a_failed_fsync_takes_back_what_it_may_have_lost(world, tmp_path, monkeypatch):
    w = world()
    w.open()
    w.writer.write(lines(1, 2))
    w.writer.sync()
    w.writer.write(lines(3, 2))

    def fail(fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(SyncFailedError):
        w.writer.sync()
    assert sequences(output_files(tmp_path)) == [1, 2]


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
@pytest.mark.parametrize("torn", [b"", b'{"specversion":"1.0","id":"half'])
def test_what_was_found_is_forced_to_the_disk_before_the_next_file_is_begun(
    world, tmp_path, monkeypatch, naming, torn
):
    w = world(naming=naming, rotate_every_s=60)
    w.open()
    w.writer.write(lines(1, 2))
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(torn)
    w.open()
    whole = b"".join(lines(1, 2))
    forced = []
    real = os.fdatasync

    def note(fd):
        forced.append(os.pread(fd, 1 << 20, 0))
        real(fd)

    monkeypatch.setattr(os, "fdatasync", note)
    w.clock.forward(60)
    w.writer.tick()  # nothing was written since: the file is finished as it was found
    assert len(list(tmp_path.iterdir())) == 2
    assert forced == [whole]


def test_a_torn_line_that_was_cut_is_cut_on_the_disk_too(world):
    w = world()
    w.open()
    w.writer.write(lines(1, 2))
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(lines(3, 1)[0][:100])
    w.open()
    w.writer.sync()
    assert not w.writer.is_dirty
    w.writer.settle()
    assert w.writer.is_dirty


@pytest.mark.parametrize("mode", ["always", "interval", "never"])
def test_fsync_always_forces_each_batch_and_the_others_do_not(world, mode):
    w = world(fsync=mode)
    w.open()
    w.writer.write(lines(1, 1))
    assert w.writer.is_dirty is (mode != "always")


def test_nothing_is_written_where_there_is_no_room_for_all_of_it(world, tmp_path, monkeypatch):
    w = world()
    w.open()
    full = os.statvfs_result((4096, 4096, 1000, 1, 1, 100, 10, 10, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda fd: full)
    with pytest.raises(WriteStoppedError) as stop:
        w.writer.write(lines(1, 30))
    assert stop.value.written == 0
    assert output_files(tmp_path)[0].stat().st_size == 0
