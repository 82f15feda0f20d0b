"""kill -9 at random instants, and power cuts that tear the WAL: what was acknowledged stays, once.

Ten kills by default; more with `JOURNAL_KILLS=500 pytest tests/e2e/test_journal_kill.py`. The
oracle reads the file with SQL of its own, without the code under test.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import tests
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import read_all

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("JOURNAL_KILLS", "10"))
TEARS_PER_KILL = 4
ROOT = Path(tests.__path__[0]).parent
VICTIM = ROOT / "tests" / "e2e" / "journal_victim.py"


@dataclass
class Acknowledged:
    """What the victims said: run -> number of the event -> its sequence."""

    seqs: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    appends: int = 0

    def hear(self, line: str) -> None:
        run, told = line.split(" ")
        first, sequences = told.split(":")
        for number, text in enumerate(sequences.split(","), int(first)):
            if text != "-":
                assert number not in self.seqs[run], f"{run} {number} was acknowledged twice"
                self.seqs[run][number] = int(text)
        self.appends += 1


@dataclass
class Held:
    """What a journal's file holds."""

    seqs: dict[str, dict[int, int]]
    head: int


def held_by(path: Path) -> Held:
    """Read the file as any tool would, and check what needs no memory of the past."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute(
            "SELECT r.seq, f.id, r.id, r.body FROM record r"
            " JOIN feed f ON f.feed = r.feed ORDER BY 1"
        ).fetchall()
        states = dict(db.execute("SELECT f.id, s.cursor FROM state s JOIN feed f USING (feed)"))
        checkpoints = dict(db.execute("SELECT name, value FROM checkpoint"))
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), "dense from 1"
    seqs: dict[str, dict[int, int]] = defaultdict(dict)
    for seq, run, id_, body in rows:
        number = int(id_.removeprefix("e"))
        assert number not in seqs[run], f"{run} {id_} is there twice"
        assert f'"sequence": "{seq:020}"'.encode() in body
        assert f'"id": "{id_}"'.encode() in body
        seqs[run][number] = seq
    for run, numbers in seqs.items():
        # The cursor came in the commit of its records: all up to it are there, and no more.
        assert list(numbers) == list(range(int(states[run]) + 1))
        assert checkpoints[run] == states[run].encode()
    assert set(states) == set(seqs)
    return Held(seqs, len(rows))


class Torture:
    """One journal, one victim after another."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path = path
        self.chance = chance
        self.acknowledged = Acknowledged()

    def kill_one(self, *, after_appends: int = 0) -> None:
        """Let a victim live until so many appends were acknowledged, and a while longer."""
        with subprocess.Popen(
            [sys.executable, str(VICTIM), str(self.path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as victim:
            assert victim.stdout is not None
            # One in five dies somewhere between its start and its first appends.
            if after_appends or self.chance.random() > 0.2:
                assert victim.stdout.readline() == "ready\n"
            for _ in range(after_appends):
                self.acknowledged.hear(victim.stdout.readline().rstrip("\n"))
            time.sleep(self.chance.uniform(0.0, 0.25))
            victim.kill()
            for line in victim.stdout:
                if line.endswith("\n") and line != "ready\n":
                    self.acknowledged.hear(line.rstrip("\n"))
        assert victim.returncode == -9

    def copy_as_left(self, to: Path) -> Path:
        """File and WAL as the kill left them; looking at them in place would change them."""
        to.mkdir()
        for suffix in ("", "-wal"):
            if (left := self.path.with_name(self.path.name + suffix)).exists():
                shutil.copy(left, to / left.name)
        return to / self.path.name


@pytest.fixture
def torture(tmp_path: Path, request: pytest.FixtureRequest) -> Torture:
    seed = request.config.getoption("randomly_seed", default=0)
    return Torture(tmp_path / "journal.db", random.Random(str(seed)))


def test_j1_j2_j3_j6_no_kill_loses_or_doubles_what_was_acknowledged(
    torture: Torture, tmp_path: Path
) -> None:
    torture.kill_one(after_appends=1)
    for number in range(KILLS):
        torture.kill_one()
        held = held_by(torture.copy_as_left(tmp_path / f"copy{number}"))
        for run, numbers in torture.acknowledged.seqs.items():
            for event, seq in numbers.items():
                assert held.seqs[run].get(event) == seq, f"{run} e{event}, acknowledged as {seq}"
        shutil.rmtree(tmp_path / f"copy{number}")
    assert torture.acknowledged.appends > KILLS, "the victims did work"


async def test_a_torn_wal_leaves_a_consistent_beginning(torture: Torture, tmp_path: Path) -> None:
    lost = 0
    for number in range(max(2, KILLS // 5)):
        torture.kill_one(after_appends=5)
        whole = held_by(torture.copy_as_left(tmp_path / f"whole{number}"))
        for tear in range(TEARS_PER_KILL):
            path = torture.copy_as_left(tmp_path / f"torn{number}-{tear}")
            _tear(path.with_name("journal.db-wal"), _shm(torture.path), torture.chance)
            journal = await SqliteJournal.open(
                path
            )  # as the daemon would start after the power cut
            assert len(await read_all(journal)) == journal.head <= whole.head
            await journal.close()
            held = held_by(path)
            assert held.head == journal.head
            lost += whole.head - held.head
            for run, numbers in held.seqs.items():
                assert numbers.items() <= whole.seqs[run].items()
            shutil.rmtree(path.parent)
    assert lost, "a tear takes the commits it hits"


def _shm(path: Path) -> bytes:
    return path.with_name(path.name + "-shm").read_bytes()


def _tear(wal: Path, shm: bytes, chance: random.Random) -> None:
    """Cut the WAL, or overwrite a piece, beyond what a checkpoint may have begun to copy: up to
    there it was synced. Offsets: sqlite.org/walformat.html, 2.1.
    """
    page_bytes = 8192
    (frames,) = struct.unpack_from("=I", shm, 16)
    (copied,) = struct.unpack_from("=I", shm, 96)
    (attempted,) = struct.unpack_from("=I", shm, 128)
    safe = 32 + max(copied, attempted) * (24 + page_bytes)
    end = 32 + frames * (24 + page_bytes)
    if safe >= end:
        return
    at = chance.randrange(safe, end)
    with wal.open("r+b") as file:
        if chance.random() < 0.5:
            file.truncate(at)
        else:
            file.seek(at)
            file.write(chance.choice((bytes, chance.randbytes))(min(end - at, 20_000)))
