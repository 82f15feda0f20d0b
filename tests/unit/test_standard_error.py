"""Logs never wait for who reads them: `PatientStream` on a pipe in the test's hand."""

from __future__ import annotations

import json
import os

import pytest

from bridge.standard_error import BACKLOG_BYTES_MAX, PatientStream


class Pipe:
    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        self.stream = os.fdopen(writing, "w")

    def read_until(self, text: str) -> str:
        found = ""
        while text not in found:
            found += os.read(self.reading, 65536).decode()
        return found


@pytest.fixture
def pipe():
    made = Pipe()
    yield made
    os.close(made.reading)
    made.stream.close()


def test_lines_come_at_once_and_in_order_while_somebody_reads(pipe):
    logs = PatientStream(pipe.stream)
    for number in range(50):
        logs.write(f"line {number}\n")
    found = pipe.read_until("line 49\n")
    assert found.splitlines() == [f"line {number}" for number in range(50)]


@pytest.mark.timeout(60)
def test_a_pipe_that_nobody_reads_stops_nobody_and_what_is_gone_is_told(pipe):
    logs = PatientStream(pipe.stream)
    line = "x" * 999 + "\n"
    count = (BACKLOG_BYTES_MAX + 400_000) // len(line)
    for _ in range(count):
        logs.write(line)  # with the fault this waits for ever
    assert logs.dropped_lines > 0
    found = pipe.read_until("log.lines_dropped")
    logs.write("the newest\n")
    found += pipe.read_until("the newest\n")
    lines = found.splitlines()
    told = [json.loads(text) for text in lines if "log.lines_dropped" in text]
    assert [one["lines"] for one in told] == [logs.dropped_lines]
    whole = [text for text in lines if text.startswith("xxx")]
    assert {len(text) for text in whole} == {999}, "no line is torn"
    assert len(whole) == count - logs.dropped_lines


def test_a_reader_that_left_stops_nobody(pipe):
    logs = PatientStream(pipe.stream)
    os.close(pipe.reading)
    for _ in range(200):
        logs.write("x" * 999 + "\n")
    pipe.reading = os.open(os.devnull, os.O_RDONLY)


def test_a_closed_stderr_takes_everything():
    logs = PatientStream(None)
    logs.write("nobody hears\n")
    assert not logs.isatty()
