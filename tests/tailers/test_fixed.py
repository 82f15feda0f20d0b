"""One name that is renamed on rotation: exact while the tailer keeps up, and no longer.

What a tailer of one name can promise: a renamed file is read to its end as long as it is held
open. Two renames while it does not look, or a rename while it does not run, and what is between
is not at the name any more. For those there are numbered files.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.tailers.parts import Writer, expect_each_once, sequence_of, until, verified
from tests.tailers.programs import (
    FluentBit,
    Rsyslog,
    SyslogNg,
    Tail,
    Tailer,
    has_fluent_bit,
    running,
)
from tests.tailers.writer import Order

pytestmark = pytest.mark.e2e

TOTAL = 8_000  # lines at 2,000 a second
NAME = "events.ndjson"
KINDS = [Tail, Rsyslog, SyslogNg, *([FluentBit] if has_fluent_bit() else [])]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """With an empty file: `tail -F` of coreutils 9.1 that has to wait for its file to appear
    stops reading at the first rename.
    """
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / NAME).touch()
    return tmp_path / "log"


@pytest.fixture
def tailers(tmp_path: Path, logs: Path) -> Iterator[list[Tailer]]:
    with running(KINDS, tmp_path, logs, NAME) as all_of_them:
        yield all_of_them


def test_each_line_once_through_renames_and_a_kill(logs: Path, tailers: list[Tailer]) -> None:
    order = Order(str(logs), TOTAL, naming="fixed", rotate_bytes=1_500_000, compress="gzip")
    with Writer(order) as writer:
        time.sleep(1.3)
        writer.kill()
        writer.start()
        writer.finish()
    for tailer in tailers:
        expect_each_once(tailer, TOTAL)
    assert len(list(logs.iterdir())) > 3
    assert f"{TOTAL} records" in verified(logs)


def test_tail_loses_whole_files_when_it_sleeps_through_renames(tmp_path: Path, logs: Path) -> None:
    order = Order(str(logs), TOTAL, naming="fixed", rate=6_000, rotate_bytes=500_000)
    with closing(Tail(tmp_path / "tail", logs, NAME)) as tail, Writer(order) as writer:
        tail.start()
        assert until(lambda: len(tail.lines()) > 500)
        tail.send(signal.SIGSTOP)
        asleep_at = len(list(logs.iterdir()))
        assert until(lambda: len(list(logs.iterdir())) > asleep_at + 3)
        tail.send(signal.SIGCONT)
        writer.finish()
        until(lambda: sequence_of(tail.lines()[-1]) == TOTAL)
    sequences = [sequence_of(line) for line in tail.lines()]
    # Order holds, nothing is torn or comes twice, and what is missing are files from end to end.
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == TOTAL
    lost = set(range(1, TOTAL + 1)) - set(sequences)
    assert lost, "it read files that it had not open, which would be news"
    for path in logs.glob(f"{NAME}.*"):
        inside = {sequence_of(line) for line in path.read_bytes().splitlines()}
        assert not inside & lost or inside <= lost
    assert f"{TOTAL} records" in verified(logs)
