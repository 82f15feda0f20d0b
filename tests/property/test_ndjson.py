"""Lines: recovery at every cut, files after any history, cutting of long lines.

The oracle is the text that should be there, made without the code under test.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.outputs.sinks.files.layout import Layout
from bridge.outputs.sinks.files.writer import FileWriter
from bridge.wire.ndjson import find_tail, fit, maybe_line, sequence_of
from tests.unit.outputs.sinks.lines_world import HandClock


def line(seq: int, message: str = "", **data: Any) -> bytes:
    """A record as a line, written with the standard library only."""
    record = {
        "specversion": "1.0",
        "id": f"e{seq}",
        "source": "/mogplex/default/runs/r",
        "type": "com.mogplex.run.event.log",
        "subject": "r",
        "time": "2026-08-03T15:00:33.104992Z",
        "datacontenttype": "application/json",
        "sequence": f"{seq:020d}",
        "data": {"id": f"e{seq}", "type": "log", "message": message, **data},
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def whole_lines(data: bytes) -> list[int]:
    """The sequences of a file read strictly: every byte belongs to a whole line of JSON."""
    assert not data or data.endswith(b"\n")
    return [int(json.loads(text)["sequence"]) for text in data.splitlines()]


# Every cut

LINES = [line(1), line(2, "é…" * 5), line(3, '"sequence":"00000000000000000099"'), line(4)]
WHOLE = b"".join(LINES)
# Damage that happens to make valid JSON of a torn line cannot be told from a line.
DAMAGE = [b"", b"\0" * 9, b"garbage", b"\n", b'"\n', b"\xff\xfe}\n"]


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_cut_anywhere_goes_on_as_if_nothing_had_happened(
    naming, damage, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "fdatasync", lambda fd: None)  # time only: nothing cuts the power here
    layout = Layout(tmp_path / "events.ndjson", naming=naming)
    name = "events.ndjson" if naming == "fixed" else "events.000001.ndjson"
    for cut in range(len(WHOLE) + 1):
        path = tmp_path / name
        path.write_bytes(WHOLE[:cut] + damage)
        for other in tmp_path.iterdir():
            if other != path:
                other.unlink()
        writer = FileWriter(layout, HandClock())
        last = writer.open(owned=True).last
        written = last.seq if last is not None else 0
        writer.write(LINES[written:])
        writer.close()
        assert writer.path.read_bytes() == WHOLE, cut
        if naming == "numbered" and writer.path.name != name:  # nothing of ours: left as it was
            assert path.read_bytes() == WHOLE[:cut] + damage


@given(cut=st.integers(0, len(WHOLE)), damage=st.binary(max_size=60))
@settings(max_examples=300)
def test_the_tail_is_found_behind_any_damage(cut, damage):
    data = WHOLE[:cut] + damage
    tail = find_tail(data)
    assert data == data[: tail.end] + tail.torn
    # The last prefix of whole, valid lines, counted naively:
    expected = 0
    for i in range(len(LINES)):
        upto = len(b"".join(LINES[: i + 1]))
        if data[:upto] == WHOLE[:upto]:
            expected = upto
    assert tail.end == expected


# Any history

OPS = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 6)),
    st.tuples(st.just("kill"), st.integers(0, 400)),
    st.tuples(st.just("damage"), st.sampled_from(DAMAGE[:3])),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("rename"), st.just(0)),
    st.tuples(st.just("hour"), st.integers(0, 2)),
)


@given(
    ops=st.lists(OPS, max_size=25),
    naming=st.sampled_from(["numbered", "fixed"]),
    rotate_bytes=st.sampled_from([None, 700, 1500]),
    rotate_every_s=st.sampled_from([None, 3600.0]),
)
@settings(max_examples=150)
def test_every_history_leaves_each_line_once_and_in_order(
    ops, naming, rotate_bytes, rotate_every_s
):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        layout = Layout(
            directory / "events.ndjson",
            naming=naming,
            rotate_bytes=rotate_bytes,
            rotate_every_s=rotate_every_s,
        )
        clock = HandClock()
        writer = FileWriter(layout, clock)
        writer.open(owned=True)
        position, renamed = 0, 0

        def open_again() -> int:
            last = writer.open(owned=True).last
            return last.seq if last is not None and last.seq is not None else 0

        for op, argument in ops:
            if op == "write":
                writer.write([line(position + i + 1) for i in range(argument)])
                position += argument
            elif op in ("kill", "damage"):
                path, size = writer.path, writer.path.stat().st_size
                writer.drop()
                if op == "kill":
                    with path.open("r+b") as file:
                        file.truncate(max(0, size - argument))
                elif (
                    b"\n" in path.read_bytes()
                ):  # without a line it is not ours, and is left as it is
                    with path.open("ab") as file:
                        file.write(argument)
                position = open_again()
            elif op == "restart":
                writer.close()
                position = open_again()
            elif op == "rename" and naming == "fixed" and writer.path.stat().st_size:
                renamed += 1
                writer.path.rename(directory / f"events.ndjson-{renamed:08d}")
                writer.reopen()
            elif op == "hour":
                clock.forward(3600 * argument)
                writer.tick()
        writer.write([line(position + 1)])
        writer.close()
        found = [s for path in directory.iterdir() for s in whole_lines(path.read_bytes())]
        assert sorted(found) == list(range(1, position + 2))
        for path in directory.iterdir():
            assert whole_lines(path.read_bytes()) == sorted(whole_lines(path.read_bytes()))
            if rotate_bytes is not None:
                assert path.stat().st_size <= rotate_bytes


# Long lines

TEXT = st.text(max_size=300)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=25,
)


def is_cut_of(short: Any, whole: Any) -> bool:
    """True if `short` is `whole` with nothing but the ends of strings replaced by a mark."""
    if isinstance(whole, str):
        head, mark, _ = short.partition("…[cut ")
        return short == whole or (bool(mark) and whole.startswith(head))
    if isinstance(whole, dict):
        return short.keys() == whole.keys() and all(is_cut_of(short[k], whole[k]) for k in whole)
    if isinstance(whole, list):
        return len(short) == len(whole) and all(map(is_cut_of, short, whole))
    return short == whole


@given(
    message=st.text(min_size=0, max_size=5000),
    payload=st.dictionaries(TEXT, VALUES, max_size=8),
    limit=st.integers(1000, 6000),
    in_envelope=st.booleans(),
)
@settings(max_examples=200)
def test_a_cut_line_fits_and_is_still_the_same_record(message, payload, limit, in_envelope):
    whole = line(7, message, payload=payload, toolCallId="c" * 200)
    if not in_envelope:
        whole = json.dumps(json.loads(whole)["data"], ensure_ascii=False).encode() + b"\n"
    cut = fit(whole, limit)
    if len(whole) <= limit:
        assert cut is whole
        return
    assert len(cut) <= limit
    assert cut.endswith(b"}\n")
    assert cut.count(b"\n") == 1
    before, after = json.loads(whole), json.loads(cut)
    assert after.pop("truncated") is True
    if in_envelope:
        assert sequence_of(cut) == 7
        outer_before, outer_after = dict(before), dict(after)
        before, after = outer_before.pop("data"), outer_after.pop("data")
        assert outer_after == outer_before
    assert maybe_line(cut) is not None
    assert (after["id"], after["type"]) == ("e7", "log")
    assert after["toolCallId"] == "c" * 200
    if "payload" in after and "message" in after:
        assert is_cut_of(after, before)


@given(size=st.integers(0, 40_000), limit=st.integers(1000, 33_000))
@settings(max_examples=60)
def test_cutting_wastes_no_more_than_the_mark(size, limit):
    whole = line(1, "m" * size)
    cut = fit(whole, limit)
    assert len(cut) <= limit
    if len(whole) > limit:
        assert len(cut) > limit - 40


def test_the_longest_strings_are_cut_and_the_short_ones_stay():
    cut = json.loads(fit(line(1, "m" * 50_000, note="short", other="o" * 3000), 8000))
    data = cut["data"]
    assert (data["note"], data["other"]) == ("short", "o" * 3000)
    gone = int(data["message"].split("…[cut ")[1].split()[0])
    assert len(data["message"].split("…")[0]) + gone == 50_000


def test_thousands_of_short_strings_are_dropped_but_the_record_keeps_its_place():
    cut = fit(line(5, "hello", many=["x" * 60] * 2000), 2000)
    assert len(cut) <= 2000
    data = json.loads(cut)["data"]
    assert (data["id"], data["message"]) == ("e5", "hello")
    assert sequence_of(cut) == 5
