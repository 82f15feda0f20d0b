"""Files on disk: rotation, repair, and the hands of others. No journal here."""

from __future__ import annotations

import errno
import os

import pytest

from bridge.core.errors import ConfigError
from bridge.outputs.sinks.files.layout import Layout
from bridge.outputs.sinks.files.open_file import WriteStoppedError
from bridge.outputs.sinks.files.writer import MISSING_S, FileWriter
from tests.unit.outputs.sinks.lines_world import lines, output_files, sequences


def test_numbered_files_are_never_renamed_and_stay_under_the_limit(world, tmp_path):
    w = world(rotate_bytes=2000)
    w.open()
    seen = {}
    for i in range(1, 40):
        w.writer.write(lines(i, 1))
        for path in output_files(tmp_path):
            seen.setdefault(path.stat().st_ino, path.name)
            assert seen[path.stat().st_ino] == path.name
            assert path.stat().st_size <= 2000
    assert [p.name for p in output_files(tmp_path)][:2] == [
        "events.000001.ndjson",
        "events.000002.ndjson",
    ]
    assert sequences(output_files(tmp_path)) == list(range(1, 40))


def test_a_batch_larger_than_a_file_is_spread_over_several(world, tmp_path):
    w = world(rotate_bytes=2000)
    w.open()
    w.writer.write(lines(1, 50))
    assert len(output_files(tmp_path)) > 5
    assert sequences(output_files(tmp_path)) == list(range(1, 51))


def test_a_line_longer_than_a_file_gets_one_of_its_own(world, tmp_path):
    w = world(rotate_bytes=1000)
    w.open()
    w.writer.write([*lines(1, 1), *lines(2, 1, size=5000), *lines(3, 1)])
    assert [sequences([p]) for p in output_files(tmp_path)] == [[1], [2], [3]]


def test_fixed_naming_writes_one_name_and_renames_on_rotation(world, tmp_path):
    w = world(naming="fixed", rotate_bytes=2000)
    w.open()
    for i in range(1, 20):
        w.writer.write(lines(i, 1))
    names = [p.name for p in output_files(tmp_path)]
    assert names[:2] == ["events.ndjson.000001", "events.ndjson.000002"]
    assert sequences([*output_files(tmp_path), tmp_path / "events.ndjson"]) == list(range(1, 20))


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
def test_rotation_by_time_happens_at_multiples_in_utc_even_without_lines(world, tmp_path, naming):
    w = world(naming=naming, rotate_every_s=3600)
    w.clock.wall_s = 3600 * 1000 - 10.0
    w.open()
    w.writer.write(lines(1, 1))
    w.writer.tick()
    assert w.writer.number == 1
    w.clock.forward(11)
    w.writer.tick()
    assert w.writer.number == 2
    w.clock.forward(3600)
    w.writer.tick()  # an empty file is not finished: nothing is in it
    assert w.writer.number == 2
    w.writer.write(lines(2, 1))
    w.clock.wall_s -= 7200  # a clock that jumps back must not rotate at every line
    w.writer.write(lines(3, 1))
    w.writer.write(lines(4, 1))
    assert w.writer.number == 2


def test_a_file_of_yesterday_is_finished_after_a_restart(world, tmp_path):
    w = world(rotate_every_s=86_400)
    w.open()
    w.writer.write(lines(1, 1))
    w.killed()
    yesterday = w.clock.wall_s - 86_400
    os.utime(tmp_path / "events.000001.ndjson", (yesterday, yesterday))
    w.open()
    w.writer.write(lines(2, 1))
    assert [sequences([p]) for p in output_files(tmp_path)] == [[1], [2]]


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"specversion":"1.0","id":"e',
        b"\0" * 5000,
        b"garbage",
        b"garbage\n{}\n",
        b'{"id":1}\n',
    ],
)
def test_what_follows_the_last_whole_line_is_repaired(world, tmp_path, naming, damage):
    w = world(naming=naming)
    w.open()
    w.writer.write(lines(1, 3))
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(damage)
    assert w.open().last.seq == 3
    w.writer.write(lines(4, 2))
    assert sequences([path]) == [1, 2, 3, 4, 5]


def test_zeros_in_the_middle_end_the_good_part(world, tmp_path):
    w = world()
    w.open()
    w.writer.write(lines(1, 3))
    path = w.writer.path
    w.killed()
    whole = b"".join(lines(1, 6))
    hole = len(b"".join(lines(1, 3))) + 20
    path.write_bytes(whole[:hole] + b"\0" * 100 + whole[hole + 100 :])
    assert w.open().last.seq == 3
    w.writer.write(lines(4, 4))
    assert sequences([path]) == list(range(1, 8))


def test_a_torn_line_is_completed_not_cut_because_readers_take_a_shrunk_file_for_a_new_one(
    world, tmp_path, monkeypatch
):
    def refuse(fd, size):
        pytest.fail(f"the file was cut to {size}")

    monkeypatch.setattr(os, "ftruncate", refuse)
    w = world()
    w.open()
    w.writer.write(lines(1, 2))
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(lines(3, 1)[0][:100])
    torn_size = path.stat().st_size
    w.open()
    assert path.stat().st_size == torn_size
    w.writer.write(lines(3, 2))
    assert path.read_bytes() == b"".join(lines(1, 4))


def test_a_torn_line_is_cut_when_no_line_comes(world, tmp_path):
    w = world()
    w.open()
    w.writer.write(lines(1, 2))
    path = w.writer.path
    w.killed()
    with path.open("ab") as file:
        file.write(lines(3, 1)[0][:100])
    w.open()
    w.writer.settle()
    assert sequences([path]) == [1, 2]


def test_an_empty_newest_file_takes_the_place_from_the_one_before(world, tmp_path):
    w = world()
    w.open()
    w.writer.write(lines(1, 3))
    w.killed()
    (tmp_path / "events.000002.ndjson").touch()
    assert w.open().last.seq == 3
    w.writer.write(lines(4, 1))
    assert sequences(output_files(tmp_path)) == [1, 2, 3, 4]
    assert w.writer.number == 2


def test_a_kill_between_rename_and_create_is_healed(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 3))
    w.killed()
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.000001")
    assert w.open().last.seq == 3
    w.writer.write(lines(4, 1))
    assert sequences([tmp_path / "events.ndjson.000001", tmp_path / "events.ndjson"]) == [
        1,
        2,
        3,
        4,
    ]


def test_the_place_is_found_in_a_file_that_logrotate_renamed_while_we_were_down(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 3))
    w.killed()
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
    (tmp_path / "events.ndjson").touch()
    assert w.open().last.seq == 3


@pytest.mark.parametrize(
    "names",
    [
        [f"events.ndjson.{n:06}" for n in range(1, 7)],
        [f"events.ndjson.{n}" for n in range(6, 0, -1)],
        [f"events.ndjson-2026112{n}" for n in range(1, 7)],
    ],
)
def test_the_place_is_found_whatever_the_times_of_the_renamed_files_say(world, tmp_path, names):
    """A power cut, a copy or a restore leaves other times than those of the writing."""
    for number, name in enumerate(names, 1):
        path = tmp_path / name
        path.write_bytes(b"".join(lines(number * 10, 3)))
        os.utime(path, (1_000_000 - number,) * 2)
    (tmp_path / "events.ndjson").touch()
    assert world(naming="fixed").open().last.seq == 62


def test_an_empty_file_says_nothing_about_lines_written_before(world, tmp_path):
    (tmp_path / "events.000001.ndjson").touch()
    assert not world().open().has_lines
    (tmp_path / "events.000002.ndjson").write_bytes(lines(1, 1)[0])
    other = world()
    other.writer = FileWriter(Layout(tmp_path / "events.ndjson", naming="numbered"), other.clock)
    assert other.open().has_lines


def test_numbers_are_not_used_again_when_the_files_were_carried_away(world, tmp_path):
    w = world()
    found = w.open(number_min=7)
    assert (found.last, found.has_lines) == (None, False)
    assert w.writer.path.name == "events.000008.ndjson"


def test_a_newest_file_that_is_compressed_is_not_written_to(world, tmp_path):
    (tmp_path / "events.000004.ndjson.gz").write_bytes(b"")
    w = world()
    w.open()
    assert w.writer.path.name == "events.000005.ndjson"


def test_somebody_elses_file_is_refused_and_left_as_it_was(world, tmp_path):
    (tmp_path / "events.ndjson").write_text("root:x:0:0\n")
    w = world(naming="fixed")
    with pytest.raises(ConfigError, match="something else than events"):
        w.open(owned=False)
    assert (tmp_path / "events.ndjson").read_text() == "root:x:0:0\n"


def test_somebody_elses_file_at_our_place_is_set_aside(world, tmp_path):
    (tmp_path / "events.ndjson").write_text("root:x:0:0\n")
    w = world(naming="fixed")
    w.open(owned=True)
    w.writer.write(lines(1, 1))
    assert (tmp_path / "events.ndjson.000001").read_text() == "root:x:0:0\n"
    assert sequences([tmp_path / "events.ndjson"]) == [1]


def test_two_writers_of_one_file_are_refused(world):
    world().open()
    with pytest.raises(ConfigError, match="another process or output"):
        world().open()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_path_that_is_no_file_is_refused(world, tmp_path, make):
    make(tmp_path / "events.ndjson")
    with pytest.raises((ConfigError, IsADirectoryError)):
        world(naming="fixed").open()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["directory", "fifo"])
def test_files_are_not_made_beside_a_device_or_a_directory(world, tmp_path, make):
    """`--ndjson /dev/stdout` filled the memory behind /dev with /dev/stdout.000001."""
    make(tmp_path / "events.ndjson")
    with pytest.raises(ConfigError, match=r"is a directory|is not a regular file"):
        world().open()
    assert [item.name for item in tmp_path.iterdir()] == ["events.ndjson"]


def test_a_renamed_file_is_noticed_before_the_next_line(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 2))
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
    (tmp_path / "events.ndjson").touch()  # logrotate's `create`
    w.writer.write(lines(3, 1))
    assert sequences([tmp_path / "events.ndjson.1"]) == [1, 2]
    assert sequences([tmp_path / "events.ndjson"]) == [3]


def test_a_missing_file_waits_a_moment_for_logrotate_then_is_created(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 1))
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
    w.writer.write(lines(2, 1))
    assert not (tmp_path / "events.ndjson").exists()
    w.clock.forward(MISSING_S)
    w.writer.write(lines(3, 1))
    assert sequences([tmp_path / "events.ndjson.1"]) == [1, 2]
    assert sequences([tmp_path / "events.ndjson"]) == [3]


def test_reopen_creates_a_missing_file_at_once(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 1))
    (tmp_path / "events.ndjson").rename(tmp_path / "events.ndjson.1")
    w.writer.reopen()
    w.writer.write(lines(2, 1))
    assert sequences([tmp_path / "events.ndjson"]) == [2]


def test_reopen_of_an_unchanged_path_changes_nothing(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 1))
    w.writer.reopen()
    w.writer.write(lines(2, 1))
    assert sequences([tmp_path / "events.ndjson"]) == [1, 2]


def test_a_removed_numbered_file_is_followed_by_a_new_number(world, tmp_path):
    w = world()
    w.open()
    w.writer.write(lines(1, 1))
    (tmp_path / "events.000001.ndjson").unlink()
    w.clock.forward(0.0)
    w.writer.tick()
    w.clock.forward(MISSING_S)
    w.writer.write(lines(2, 1))
    assert [p.name for p in output_files(tmp_path)] == ["events.000002.ndjson"]


def test_copytruncate_leaves_whole_lines(world, tmp_path):
    w = world(naming="fixed")
    w.open()
    w.writer.write(lines(1, 3))
    os.truncate(tmp_path / "events.ndjson", 0)
    w.writer.write(lines(4, 2))
    assert sequences([tmp_path / "events.ndjson"]) == [4, 5]


def test_a_failed_rotation_counts_the_lines_before_it(world, tmp_path, monkeypatch):
    w = world(rotate_bytes=2000)
    w.open()
    batch = lines(1, 12)
    real = os.open

    def refuse_third(path, flags, *rest, **named):
        if str(path).endswith("events.000003.ndjson"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse_third)
    with pytest.raises(WriteStoppedError) as stop:
        w.writer.write(batch)
    written = stop.value.written
    assert sequences(output_files(tmp_path)) == list(range(1, written + 1))
    monkeypatch.undo()
    w.writer.drop()
    w.open(number_min=w.writer.number - 1)
    w.writer.write(batch[written:])
    assert sequences(output_files(tmp_path)) == list(range(1, 13))
