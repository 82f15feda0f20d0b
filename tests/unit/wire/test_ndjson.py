"""What a line of a file says about its place; cuts and damage stand in tests/property."""

from __future__ import annotations

import json

import pytest

from bridge.wire.ndjson import find_tail, maybe_line, reset_line, sequence_of


def line(seq: int, id_: str = "e", **data: object) -> bytes:
    record = {"specversion": "1.0", "id": id_, "sequence": f"{seq:020d}", "data": data}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def test_the_sequence_is_read_without_parsing_and_not_from_the_data() -> None:
    assert sequence_of(line(7, message=',"sequence":"00000000000000000099"')) == 7
    assert sequence_of(b'{"id":"x"}\n') is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"[1]\n",
        b'{"id":"x"}\n',
        line(1).removesuffix(b"\n"),
        line(1)[1:],
        b"\0" * 40 + b"\n",
        b'{"specversion":"1.0","id":5,"sequence":"00000000000000000001"}\n',
    ],
)
def test_what_is_torn_or_somebody_elses_is_no_line(text: bytes) -> None:
    assert maybe_line(text) is None


def test_a_line_of_the_vendors_format_has_an_id_and_no_sequence() -> None:
    read = maybe_line(b'{"id":"e1","type":"log"}\n')
    assert read is not None
    assert (read.seq, read.id, read.run_id) == (None, "e1", None)
    end = maybe_line(b'{"runId":"r","status":"success"}\n')
    assert end is not None
    assert (end.id, end.run_id) == (None, "r")


def test_a_reset_line_names_the_epoch_that_begins_and_the_next_position() -> None:
    text = reset_line(epoch="abc", after=9, reason="dropped", asked="abc-3", missing=6, time="t")
    read = maybe_line(text)
    assert read is not None
    assert (read.seq, read.reset_epoch) == (9, "abc")
    assert json.loads(text)["data"] == {
        "reason": "dropped",
        "epoch": "abc",
        "asked": "abc-3",
        "oldest": "abc-10",
        "missing": 6,
    }


def test_a_block_of_zeros_ends_the_good_part_although_good_lines_follow() -> None:
    data = line(1) + b"\0" * 8 + line(3)
    tail = find_tail(data)
    assert tail.end == len(line(1))
    assert tail.line is not None
    assert tail.line.seq == 1
