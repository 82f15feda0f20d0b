"""`verify` finds one way of damage per test, says where, and is silent about whole files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard
from click.testing import CliRunner

from bridge.cli.verify import verify as command
from bridge.outputs.sinks.files.verify import Report, verify
from bridge.wire.ndjson import reset_line
from tests.unit.outputs.sinks.lines_world import TIME, drafts


def lines(first: int, count: int) -> list[bytes]:
    return [
        d.head + b"%020d" % (first + i) + d.tail + b"\n" for i, d in enumerate(drafts(first, count))
    ]


def check(*paths: Path, is_filtered: bool = False) -> tuple[Report, list[tuple[str, str]]]:
    report = Report()
    problems = [
        (p.kind, f"{Path(p.place).name}") for p in verify(paths, report, is_filtered=is_filtered)
    ]
    return report, problems


@pytest.fixture
def file(tmp_path):
    def write(data: bytes, name: str = "events.000001.ndjson") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_whole_files_in_order_are_fine(file):
    report, problems = check(file(b"".join(lines(5, 20))))
    assert problems == []
    assert report.is_ok
    assert report.summary() == (
        "1 file, 20 records, sequence 5 to 24, 0 holes (0 missing), 0 repeats, "
        "0 out of order, 0 torn, 0 bad: ok"
    )


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress], ids=["plain", "gz", "zst"]
)
def test_files_are_read_in_their_order_packed_or_not(file, pack):
    paths = [
        file(pack(b"".join(lines(i * 10 + 1, 10))), f"events.{i + 1:06d}.ndjson{ext}")
        for i, ext in enumerate(["", ".gz", ".zst", ""])
    ]
    assert check(*reversed(paths))[1] == []


def test_the_names_of_logrotate_are_read_oldest_first(file):
    names = ["events.ndjson.2.gz", "events.ndjson.1", "events.ndjson"]
    paths = [file(b"".join(lines(i * 10 + 1, 10)), name) for i, name in enumerate(names)]
    assert check(*reversed(paths))[1] == []
    names = ["e.ndjson-20261121", "e.ndjson-20261122", "e.ndjson"]
    paths = [file(b"".join(lines(i * 10 + 1, 10)), name) for i, name in enumerate(names)]
    assert check(*reversed(paths))[1] == []


def test_fixed_names_are_read_before_the_file_that_is_written(file):
    names = ["e.ndjson.000001", "e.ndjson.000002.zst", "e.ndjson"]
    paths = [file(b"".join(lines(i * 10 + 1, 10)), name) for i, name in enumerate(names)]
    assert check(*reversed(paths))[1] == []


def test_two_outputs_do_not_disturb_each_other(file):
    one = file(b"".join(lines(1, 5)), "a.000001.ndjson")
    two = file(b"".join(lines(1, 5)), "b.000001.ndjson")
    assert check(one, two)[1] == []


def test_a_hole_has_its_place_and_its_size(file):
    report, problems = check(file(b"".join(lines(1, 3) + lines(7, 3))))
    assert problems == [("hole", "events.000001.ndjson:4")]
    assert report.missing == 3


def test_a_hole_between_two_files_is_seen(file):
    one = file(b"".join(lines(1, 3)))
    two = file(b"".join(lines(5, 3)), "events.000002.ndjson")
    assert check(one, two)[1] == [("hole", "events.000002.ndjson:1")]


def test_a_filtered_output_may_leave_out_but_not_repeat(file):
    whole = lines(1, 10)
    path = file(b"".join([whole[0], whole[4], whole[4], whole[9]]))
    assert check(path, is_filtered=True)[1] == [("repeat", "events.000001.ndjson:3")]


def test_a_repeat_is_told_from_disorder(file):
    whole = lines(1, 6)
    path = file(b"".join([whole[0], whole[1], whole[1], whole[2], whole[5]]))
    assert [k for k, _ in check(path)[1]] == ["repeat", "hole"]
    path = file(b"".join([whole[0], whole[2], whole[1], whole[3]]))
    assert [k for k, _ in check(path)[1]] == ["hole", "disorder"]


def test_the_same_event_under_a_new_sequence_is_a_repeat(file):
    again = lines(2, 1)[0].replace(b'"id":"e2"', b'"id":"e1"', 1)
    assert [k for k, _ in check(file(lines(1, 1)[0] + again))[1]] == ["repeat"]


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        (lines(3, 1)[0][:-1], "torn"),
        (lines(3, 1)[0][:50], "torn"),
        (b"\0" * 100, "torn"),
        (b"\0" * 100 + b"\n", "torn"),
        (b"garbage\n", "bad"),
        (b"\n", "bad"),
        (b"[1]\n", "bad"),
        (b'{"specversion":"1.0","id":"x","source":"y"}\n', "bad"),
        (b'{"specversion":"1.0","sequence":"00000000000000000003"}\n', "bad"),
        (b'{"a":1}\n', "bad"),
        (b'{"type":"x","sequence":"\xff"}\n', "bad"),
    ],
)
def test_damage_at_the_end(file, tail, kind):
    assert check(file(b"".join(lines(1, 2)) + tail))[1] == [(kind, "events.000001.ndjson:3")]


def test_a_torn_line_in_the_middle_of_several_files(file):
    one = file(b"".join(lines(1, 3))[:-10])
    two = file(b"".join(lines(4, 3)), "events.000002.ndjson")
    assert [k for k, _ in check(one, two)[1]] == ["torn", "hole"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_cut_archive_is_noticed(file, pack):
    path = file(pack(b"".join(lines(1, 2000)))[:-100], "events.000001.ndjson.gz")
    assert "unreadable" in [k for k, _ in check(path)[1]] or check(path)[1][-1][0] == "torn"


@pytest.mark.slow
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_an_archive_cut_anywhere_is_noticed(file, pack):
    """Also inside of the first block, where nothing has come out yet."""
    packed = pack(b"".join(lines(1, 60)))
    whole = file(packed)
    assert check(whole)[1] == []
    for cut in range(5, len(packed)):
        whole.write_bytes(packed[:cut])
        assert check(whole)[1], f"cut at {cut} of {len(packed)}"


def test_archives_one_behind_the_other_are_one(file):
    """As `cat a.zst b.zst` makes them."""
    compress = zstandard.ZstdCompressor().compress
    path = file(compress(b"".join(lines(1, 700))) + compress(b"".join(lines(701, 5))))
    report, problems = check(path)
    assert (report.records, problems) == (705, [])


def test_another_journal_is_no_fault_but_told(file):
    mark = reset_line(epoch="b", after=0, reason="epoch", asked="a-3", missing=None, time=TIME)
    report, problems = check(file(b"".join([*lines(1, 3), mark, *lines(1, 3)])))
    assert problems == []
    assert "2 journals" in report.summary()


def test_records_that_retention_dropped_are_a_hole(file):
    mark = reset_line(epoch="a", after=9, reason="retention", asked="a-3", missing=6, time=TIME)
    report, problems = check(file(b"".join([*lines(1, 3), mark, *lines(10, 3)])))
    assert problems == [("hole", "events.000001.ndjson:4")]
    assert report.missing == 6


def test_upstreams_format_is_checked_for_repeats_only(file):
    events = [{"id": f"e{i}", "type": "log", "message": "x"} for i in (1, 2, 2)]
    end = {"runId": "r", "status": "success"}
    path = file(b"".join(json.dumps(v).encode() + b"\n" for v in [*events, end, end]))
    report, problems = check(path)
    assert [k for k, _ in problems] == ["repeat", "repeat"]
    assert "order unknown" in report.summary()


def test_the_command_prints_one_summary_line_and_exits_1_when_something_is_wrong(file):
    good = file(b"".join(lines(1, 3)))
    bad = file(b"".join(lines(1, 3) + lines(5, 1)), "bad.000001.ndjson")
    runner = CliRunner()
    result = runner.invoke(command, [str(good)], standalone_mode=False)
    assert (result.return_value, result.stdout.count("\n"), result.stderr) == (0, 1, "")
    result = runner.invoke(command, [str(bad), str(good.with_name("none"))], standalone_mode=False)
    assert result.return_value == 1
    assert result.stdout.endswith(": wrong\n")
    assert f"{bad}:4: hole: record 4 is missing" in result.stderr
    assert "none: unreadable: no such file or directory" in result.stderr


def test_a_file_with_a_million_faults_prints_twenty(file):
    path = file(b"garbage\n" * 1000)
    result = CliRunner().invoke(command, [str(path)], standalone_mode=False)
    assert len(result.stderr.splitlines()) == 21
    assert "1000 bad" in result.stdout


def test_holes_alone_bring_the_hint_about_filters(file):
    path = file(b"".join(lines(1, 3) + lines(5, 1)))
    assert "--filtered" in CliRunner().invoke(command, [str(path)], standalone_mode=False).stderr
