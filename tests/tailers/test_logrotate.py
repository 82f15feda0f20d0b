"""The shipped logrotate configuration, run by the real logrotate while lines are written."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.simulator import Simulator
from tests.e2e.processes import TOKEN, Daemon, environment, quick_config, serve
from tests.tailers.parts import (
    ROOT,
    Writer,
    sequence_of,
    until,
    verified,
    verify,
)
from tests.tailers.programs import LOGS, Rsyslog, Tail, Tailer, find, running
from tests.tailers.writer import Order
from tests.unit.outputs.sinks.lines_world import content

pytestmark = pytest.mark.e2e

SHIPPED = ROOT / "deploy/logrotate/mogplex-bridge"
TOTAL = 7_000  # lines at 2,000 a second
ROTATIONS = 4
EVENTS = 600  # of a simulated upstream
NAME = "events.ndjson"
SIGNAL = "systemctl kill --signal=USR1 mogplex-bridge.service"
# A copy takes some milliseconds in which lines are written; 1 to 13 were lost in each when idle.
LOST_MAX = 400


class Logrotate:
    """Runs logrotate with the shipped configuration, its places and its signal replaced."""

    def __init__(self, home: Path, logs: Path, way: str = "nocreate") -> None:
        home.mkdir()
        self._program = find("logrotate", "apt-get install logrotate")
        self._home = home
        text = SHIPPED.read_text()
        for old, new in {
            LOGS: str(logs),
            SIGNAL: f"kill -USR1 $(cat {home}/pid)",
            "    nocreate\n": f"    {way}\n",
        }.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (home / "conf").write_text(text)
        (home / "conf").chmod(0o644)

    def run(self, pid: int) -> None:
        (self._home / "pid").write_text(str(pid))
        command = [self._program, "-f", "-s", str(self._home / "state"), str(self._home / "conf")]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / NAME).touch()
    return tmp_path / "log"


@pytest.fixture
def tailers(tmp_path: Path, logs: Path) -> Iterator[list[Tailer]]:
    with running((Tail, Rsyslog), tmp_path, logs, NAME) as all_of_them:
        yield all_of_them


def rotate_while_writing(rotation: Logrotate, logs: Path, *, kills: int = 0) -> None:
    with Writer(Order(str(logs), TOTAL, naming="fixed")) as writer:
        for i in range(ROTATIONS):
            time.sleep(0.6)
            rotation.run(writer.pid)
            if i < kills:
                writer.kill()
                writer.start()
        writer.finish()


def test_logrotate_takes_the_configuration_without_a_word(tmp_path: Path) -> None:
    installed = tmp_path / "mogplex-bridge"
    installed.write_text(SHIPPED.read_text())
    installed.chmod(0o644)  # it refuses what a group may write, as files of a checkout may be
    command = [find("logrotate", "apt-get install logrotate"), "-d", str(installed)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 0
    assert not re.search(r"error|ignoring|unknown|bad", result.stderr, re.IGNORECASE), result.stderr


@pytest.mark.parametrize(("way", "kills"), [("nocreate", 2), ("create 0640", 0)])
def test_no_line_is_lost_on_disk_and_tailers_lose_ends_of_files_at_most(
    tmp_path: Path, logs: Path, tailers: list[Tailer], way: str, kills: int
) -> None:
    rotate_while_writing(Logrotate(tmp_path / "logrotate", logs, way), logs, kills=kills)
    assert (logs / f"{NAME}.1").exists()
    assert len(list(logs.glob("*.gz"))) == ROTATIONS - 1
    assert f"{TOTAL} records" in verified(logs)
    for tailer in tailers:
        expect_all_but_ends(tailer, logs)


def expect_all_but_ends(tailer: Tailer, logs: Path) -> None:
    """A tailer lets go of a file when it is renamed or when the name is another file. What goes
    into the old one until the bridge has reopened (milliseconds after the signal) is not read:
    always the end of a rotated file.
    """
    until(lambda: len(tailer.lines()) >= TOTAL, within_s=3)
    sequences = [sequence_of(line) for line in tailer.lines()]
    lost = set(range(1, TOTAL + 1)) - set(sequences)
    sys.stdout.write(f"{tailer.name}: {len(lost)} lost in {ROTATIONS} rotations\n")
    assert len(sequences) == len(set(sequences)), "something came twice"
    for path in logs.iterdir():
        inside = [sequence_of(line) for line in content(path).splitlines()]
        gone = [sequence for sequence in inside if sequence in lost]
        assert gone == inside[len(inside) - len(gone) :], f"{tailer.name}: a hole in {path.name}"
        assert not gone or path.name != NAME


def test_copytruncate_loses_lines_and_says_so(tmp_path: Path, logs: Path) -> None:
    rotate_while_writing(Logrotate(tmp_path / "logrotate", logs, "copytruncate"), logs)
    code, said = verify(logs)
    sys.stdout.write(said)
    summary = next(line for line in said.splitlines() if " records, " in line)
    missing = int(re.search(r"\((\d+) missing\)", summary)[1])
    assert "0 repeats, 0 out of order, 0 torn, 0 bad" in summary
    assert missing <= LOST_MAX
    assert (code == 0) == (missing == 0)


async def events_in(daemon: Daemon) -> int:
    records = await daemon.records()
    return sum(record["type"].startswith("com.mogplex.run.event.") for record in records)


@pytest.mark.parametrize("number", ["USR1", "HUP"])
async def test_a_served_bridge_reopens_on_the_signal(tmp_path: Path, logs: Path, number: str):
    """`serve` as it is: after the signal the name is there again at once, and no line is lost."""
    rotation = Logrotate(tmp_path / "logrotate", logs)
    conf = tmp_path / "logrotate/conf"
    conf.write_text(conf.read_text().replace("kill -USR1", f"kill -{number}"))
    async with Simulator(knobs={"limiter": "off"}) as sim:
        runs = [sim.create_run() for _ in range(4)]
        config = quick_config(tmp_path, sim.url)
        output = f'[[outputs]]\ntype = "ndjson"\npath = "{logs / NAME}"\nnaming = "fixed"\n'
        config.write_text(config.read_text() + output)
        options = ["--config", str(config)]
        for run in runs:
            sim.set_status(run, "streaming")
            options += ["--run", run.id]
        soon = 0
        async with serve(*options, env=environment(None, MOGPLEX_TOKEN=TOKEN)) as daemon:
            for _ in range(3):
                for run in runs:
                    sim.append(run, EVENTS // 12)
                await asyncio.sleep(0.5)
                await asyncio.to_thread(rotation.run, daemon.process.pid)
                # By itself it would wait a second for somebody else to make the file.
                soon += await asyncio.to_thread(until, (logs / NAME).exists, 0.5)
            async with asyncio.timeout(30):
                while await events_in(daemon) < EVENTS:
                    await asyncio.sleep(0.1)
            served = await daemon.records()
            assert await daemon.stop() == 0
    assert soon > 0, "it did not act on the signal"
    assert f"{len(served)} records" in verified(logs)
