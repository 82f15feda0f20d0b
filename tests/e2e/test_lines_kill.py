"""Outputs under kill -9 at random instants, and on a file system that is really full.

`LINES_KILLS=500 pytest tests/e2e/test_lines_kill.py` for more than the few of CI.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from tests.unit.outputs.sinks.lines_world import content, drafts, output_files, records, sequences

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("LINES_KILLS", "10"))
PER_KILL = 1_500  # events; the child commits some 5,000 a second
CHILD = Path(__file__).with_name("lines_child.py")
ROOT = Path(__file__).parents[2]


def start(directory: Path, kind: str, total: int, stdout=None) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(directory), kind, str(total)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_ready(child: subprocess.Popen) -> None:
    line = child.stderr.readline()
    assert line == b"ready\n", line + child.stderr.read()


def kill(child: subprocess.Popen) -> int:
    """Kill it; returns the newest sequence that it knew to be durable."""
    child.kill()
    heads = child.stderr.read().split()
    child.wait()
    child.stderr.close()
    return int(heads[-1]) if heads and heads[-1].isdigit() else 0


def finish(child: subprocess.Popen) -> None:
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors[-2000:]


def files_of(directory: Path) -> list[Path]:
    active = directory / "events.ndjson"
    return [*output_files(directory), *([active] if active.exists() else [])]


def whole_sequences(directory: Path) -> list[int]:
    """The sequences of all whole lines; only the newest file may end in a torn one."""
    paths = files_of(directory)
    found = sequences(paths[:-1])
    data = content(paths[-1])
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        assert line.startswith(b'{"specversion"'), line[:60]
        assert line.endswith(b"}"), line[-60:]
        found.append(int(line.split(b'"sequence":"')[1][:20]))
    return found


@pytest.mark.timeout(60 + 3 * KILLS)
@pytest.mark.parametrize("naming", ["numbered", "fixed"])
def test_files_hold_each_record_once_through_kills_at_random_instants(tmp_path, naming):
    torn = 0
    for round_ in range(1, KILLS // 2 + 1):
        child = start(tmp_path, naming, round_ * PER_KILL)
        wait_ready(child)
        time.sleep(random.uniform(0.0, 0.4))
        kill(child)
        found = whole_sequences(tmp_path)
        assert found == list(range(1, len(found) + 1))
        torn += not content(files_of(tmp_path)[-1]).endswith(b"\n")
    total = (KILLS // 2 + 1) * PER_KILL
    finish(start(tmp_path, naming, total))
    assert sequences(files_of(tmp_path)) == list(range(1, total + 1))
    ids = [record["id"] for record in records(files_of(tmp_path))]
    assert len(set(ids)) == total
    sys.stdout.write(f"{KILLS // 2} kills, {torn} torn tails, {len(files_of(tmp_path))} files\n")


class Reader:
    """Reads a pipe to its end, with a pause after each 20 KB."""

    def __init__(self, fd: int, pause_s: float) -> None:
        self.data = b""
        self._fd, self._pause_s = fd, pause_s
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while piece := os.read(self._fd, 20_000):
            self.data += piece
            time.sleep(self._pause_s)
        os.close(self._fd)

    def lines(self) -> list[bytes]:
        self._thread.join()
        return self.data.splitlines(keepends=True)


@pytest.mark.timeout(60 + 3 * KILLS)
def test_stdout_loses_nothing_and_tears_no_short_line_through_kills(tmp_path):
    first_seen: list[int] = []
    known: set[int] = set()
    rounds, repeats = max(3, KILLS // 3), 0
    total = (rounds + 1) * PER_KILL
    for round_ in range(rounds + 1):
        read_fd, write_fd = os.pipe()
        child = start(tmp_path, "stdout", (round_ + 1) * PER_KILL, write_fd)
        os.close(write_fd)
        reader = Reader(read_fd, 0.01 if round_ < rounds else 0.0)
        wait_ready(child)
        if round_ == rounds:
            finish(child)
        else:
            time.sleep(random.uniform(0.05, 0.5))
            kill(child)
        for line in reader.lines():
            if not line.endswith(b"}\n"):
                assert len(reader.data) > 4096, "a short line was torn"
                assert line == reader.lines()[-1]
                continue
            seq = int(line.split(b'"sequence":"')[1][:20])
            repeats += seq in known
            if seq not in known:
                known.add(seq)
                first_seen.append(seq)
    assert first_seen == list(range(1, total + 1))
    sys.stdout.write(f"{rounds} kills, {repeats} repeats\n")


# A file system that is really full


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root; RLIMIT_FSIZE is tested in unit")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def until(condition, within_s=15.0):
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
async def test_a_full_file_system_holds_whole_lines_and_goes_on_when_freed(small_disk, naming):
    journal = MemoryJournal(records_max=100_000)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    layout = Layout(small_disk / "events.ndjson", naming=naming, rotate_bytes=50_000)
    clock = SystemClock()
    target = FileTarget(layout, clock)
    sink = Delivery("out", target, journal, metrics=Metrics(), clock=clock)
    await sink.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sink.run())
        for i in range(0, 900, 50):
            await journal.append(drafts(i, 50))
        await until(lambda: not sink.status()["ok"])
        for _ in range(20):  # at every instant, also while it tries again
            found = sequences(files_of(small_disk))
            assert found == list(range(1, len(found) + 1))
            await asyncio.sleep(0.05)
        assert sink.lag > 0
        ballast.unlink()
        await until(lambda: sink.lag == 0 and sink.status()["ok"])
        running.cancel()
    await sink.close()
    assert sequences(files_of(small_disk)) == list(range(1, 901))


async def test_reading_a_file_that_others_rename_at_random_moments_shows_each_record_once(
    tmp_path,
):
    journal = MemoryJournal(records_max=100_000)
    path = tmp_path / "events.ndjson"
    clock = SystemClock()
    target = FileTarget(Layout(path, naming="fixed"), clock)
    sink = Delivery("out", target, journal, metrics=Metrics(), clock=clock)
    await sink.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sink.run())
        for i in range(60):
            await journal.append(drafts(i * 40, 40))
            await asyncio.sleep(random.uniform(0, 0.01))
            if i % 5 == 4 and path.exists():
                path.rename(tmp_path / f"events.ndjson-{i:08d}")
                if i % 10 == 4:
                    with suppress(FileExistsError):  # logrotate's `create`
                        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o640))
                else:
                    sink.reopen()
        await until(lambda: sink.lag == 0)
        running.cancel()
    await sink.close()
    rotated = sorted(tmp_path.glob("events.ndjson-*"))
    active = [path] if path.exists() else []  # the last hand may have been quicker than we
    assert sequences([*rotated, *active]) == list(range(1, 2401))
