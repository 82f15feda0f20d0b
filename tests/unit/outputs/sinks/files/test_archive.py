"""Finished files: compressed for the stock tools, deleted beyond `keep`, never the open one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from bridge.core.errors import ConfigError
from bridge.outputs.sinks.files.archive import PLAIN_S, Archive
from bridge.outputs.sinks.files.layout import Keep, Layout, Names
from tests.unit.outputs.sinks.lines_world import HandClock, content, output_files


@pytest.fixture
def clock():
    return HandClock()


def archive(tmp_path, clock, **settings) -> Archive:
    layout = Layout(tmp_path / "events.ndjson", **settings)
    return Archive(layout, Names(layout), clock)


def finished(tmp_path, clock, count: int, *, age_s: float = 3600.0, size: int = 4000) -> None:
    """Files 1 to count, the newest `age_s` old, each an hour older than the next."""
    for number in range(1, count + 1):
        path = tmp_path / f"events.{number:06d}.ndjson"
        path.write_bytes(b"%05d" % number * (size // 5))
        then = clock.wall() - age_s - 3600 * (count - number)
        os.utime(path, (then, then))


def numbers(tmp_path) -> list[int]:
    return [int(p.name.split(".")[1]) for p in output_files(tmp_path)]


@pytest.mark.parametrize(
    ("kind", "extension", "tool"), [("gzip", ".gz", "gzip"), ("zstd", ".zst", "zstd")]
)
def test_the_stock_tools_read_what_was_compressed(tmp_path, clock, kind, extension, tool):
    finished(tmp_path, clock, 3)
    before = [content(p) for p in output_files(tmp_path)]
    times = [p.stat().st_mtime for p in output_files(tmp_path)]
    archive(tmp_path, clock, compress=kind).clean(4)
    paths = output_files(tmp_path)
    assert [p.suffix for p in paths] == [extension] * 3
    assert [content(p) for p in paths] == before
    assert [p.stat().st_mtime for p in paths] == times
    if shutil.which(tool):  # the library's decoder has read it above in any case
        out = subprocess.run([tool, "-dc", *map(str, paths)], capture_output=True, check=True)
        assert out.stdout == b"".join(before)


def test_the_open_file_is_never_touched(tmp_path, clock):
    finished(tmp_path, clock, 3)
    archive(tmp_path, clock, compress="gzip", keep=Keep(files=1, age_s=1, bytes=1)).clean(3)
    assert [p.name for p in output_files(tmp_path)] == ["events.000003.ndjson"]


def test_the_newest_finished_file_stays_plain_for_a_while(tmp_path, clock):
    finished(tmp_path, clock, 3, age_s=1.0)
    house = archive(tmp_path, clock, compress="gzip")
    house.clean(4)
    assert [p.suffix for p in output_files(tmp_path)] == [".gz", ".gz", ".ndjson"]
    clock.forward(PLAIN_S)
    house.clean(4)
    assert [p.suffix for p in output_files(tmp_path)] == [".gz"] * 3


def test_a_clock_that_jumps_forward_deletes_no_file(tmp_path, clock):
    """An hour's files of `keep.age = "1d"` were gone after a minute of a wrong clock."""
    finished(tmp_path, clock, 3)
    house = archive(tmp_path, clock, keep=Keep(age_s=86_400))
    for jump_s in (40 * 86_400, -40 * 86_400, 7200):
        clock.wall_s += jump_s
        house.clean(4)
        clock.forward(60)
        house.clean(4)
    assert numbers(tmp_path) == [1, 2, 3]
    clock.forward(86_400 - 3 * 3600 - 300)  # the oldest was three hours old
    house.clean(4)
    assert numbers(tmp_path) == [1, 2, 3], "the last jump, by two hours, makes no file older"
    clock.forward(2 * 3600)
    house.clean(4)
    assert numbers(tmp_path) == [3], "and they go at their time"


def test_a_clock_that_stays_ahead_is_believed_in_the_end(tmp_path, clock):
    """A machine that starts in 1970 sets its clock later: its files must not stay for ever."""
    then, clock.wall_s = clock.wall_s, 5.0
    house = archive(tmp_path, clock, keep=Keep(age_s=86_400))
    clock.wall_s = then
    finished(tmp_path, clock, 2)
    house.clean(3)
    assert numbers(tmp_path) == [1, 2]
    clock.forward(86_400)
    house.clean(3)
    assert numbers(tmp_path) == []


def test_a_kill_between_rename_and_unlink_leaves_one_of_the_two(tmp_path, clock):
    finished(tmp_path, clock, 2)
    house = archive(tmp_path, clock, compress="gzip")
    plain = (tmp_path / "events.000001.ndjson").read_bytes()
    house.clean(2)
    (tmp_path / "events.000001.ndjson").write_bytes(plain)
    house.clean(2)
    assert [p.name for p in output_files(tmp_path)] == [
        "events.000001.ndjson.gz",
        "events.000002.ndjson",
    ]


def test_a_compression_that_fails_leaves_the_plain_file(tmp_path, clock, monkeypatch):
    finished(tmp_path, clock, 1)

    def fail(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        archive(tmp_path, clock, compress="gzip").clean(2)
    assert [p.name for p in tmp_path.iterdir()] == ["events.000001.ndjson"]


def test_a_compression_that_is_told_to_stop_leaves_the_plain_file(tmp_path, clock):
    finished(tmp_path, clock, 2)
    house = archive(tmp_path, clock, compress="zstd", keep=Keep(files=1))
    house.stop()
    house.clean(3)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "events.000001.ndjson",
        "events.000002.ndjson",
    ]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Keep(), [1, 2, 3, 4, 5]),
        (Keep(files=2), [4, 5]),
        (Keep(files=9), [1, 2, 3, 4, 5]),
        (Keep(age_s=2.5 * 3600), [4, 5]),
        (Keep(bytes=12_000), [3, 4, 5]),
        (Keep(bytes=11_999), [4, 5]),
        (Keep(bytes=1), []),
        (Keep(files=4, age_s=3.5 * 3600, bytes=100_000), [3, 4, 5]),
    ],
)
def test_the_oldest_go_until_every_limit_holds(tmp_path, clock, keep, left):
    finished(tmp_path, clock, 5)
    archive(tmp_path, clock, keep=keep).clean(6)
    assert numbers(tmp_path) == left


def test_compressed_files_count_with_their_compressed_size(tmp_path, clock):
    finished(tmp_path, clock, 5)
    archive(tmp_path, clock, compress="zstd", keep=Keep(bytes=4000)).clean(6)
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]


def test_other_files_are_left_alone(tmp_path, clock):
    finished(tmp_path, clock, 2)
    (tmp_path / "events.ndjson").touch()
    (tmp_path / "other.000001.ndjson").touch()
    archive(tmp_path, clock, keep=Keep(files=1)).clean(3)
    assert {p.name for p in tmp_path.iterdir()} == {
        "events.ndjson", "other.000001.ndjson", "events.000002.ndjson",
    }  # fmt: skip


def test_zstd_without_its_package_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigError, match=r'needs the package zstandard.*compress = "gzip"'):
        Layout(tmp_path / "events.ndjson", compress="zstd")
