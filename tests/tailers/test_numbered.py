"""Numbered files, read with a wildcard: each line exactly once, whoever is stopped when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.tailers.parts import Writer, expect_each_once, until, verified
from tests.tailers.programs import FluentBit, Rsyslog, SyslogNg, Tailer, has_fluent_bit, running
from tests.tailers.writer import Order
from tests.unit.outputs.sinks.lines_world import LOG, TIME

pytestmark = pytest.mark.e2e

TOTAL = 9_000  # lines at 2,000 a second
PATTERN = "events.*.ndjson"
KINDS = [Rsyslog, SyslogNg, *([FluentBit] if has_fluent_bit() else [])]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """As the unit has it: systemd makes the directory a link to one below `private`."""
    (tmp_path / "private/log").mkdir(parents=True)
    (tmp_path / "log").symlink_to("private/log")
    return tmp_path / "log"


@pytest.fixture
def tailers(tmp_path: Path, logs: Path) -> Iterator[list[Tailer]]:
    with running(KINDS, tmp_path, logs, PATTERN) as all_of_them:
        yield all_of_them


def micros_of(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_each_line_once_through_rotation_gzip_kills_and_restarts(logs: Path, tailers: list[Tailer]):
    with Writer(Order(str(logs), TOTAL, rotate_bytes=1_300_000, compress="gzip")) as writer:
        for _ in range(2):
            time.sleep(0.8)
            writer.kill()
            writer.start()
        for tailer in tailers:
            tailer.stop()
        time.sleep(0.3)
        for tailer in tailers:
            tailer.start()
        writer.finish()
    for tailer in tailers:
        expect_each_once(tailer, TOTAL)
    assert f"{TOTAL} records" in verified(logs)
    assert list(logs.glob("*.gz")), "nothing was compressed while they read"
    for tailer in tailers:
        if isinstance(tailer, FluentBit):
            assert tailer.loki.streams == {
                (("account", "default"), ("job", "mogplex-bridge"), ("type", LOG))
            }
            assert {time_ns // 1000 for time_ns in tailer.loki.times} == {micros_of(TIME)}


def test_without_compression_a_tailer_may_be_away_for_many_files(logs: Path, tailers: list[Tailer]):
    with Writer(Order(str(logs), TOTAL, rate=6_000, rotate_bytes=400_000)) as writer:
        assert until(lambda: all(len(tailer.lines()) > 500 for tailer in tailers))
        for tailer in tailers:
            tailer.stop()
        writer.finish()
    assert len(list(logs.iterdir())) > 10
    for tailer in tailers:
        tailer.start()
        expect_each_once(tailer, TOTAL)
