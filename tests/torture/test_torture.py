"""A short campaign in which each misfortune happens once or twice; `make torture` for more."""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import sqlite3
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.torture.campaign import Campaign
from tests.torture.faults import Faults, Point, build, missing_tool
from tests.torture.oracle import Oracle, Output, Violation
from tests.torture.powercut import Disk

pytestmark = pytest.mark.e2e

SEED = 5
LIVES = (
    "birth", "kill", "point", "torn", "full", "power", "term", "point", "eio", "upgrade", "short",
    "power", "point", "gone", "lock", "jump", "huge",
)  # fmt: skip
# Those that a life comes to at once.
POINTS = [
    Point("wal", "commit", after=True),
    Point("line", "write", after=False),
    Point("wal", "sync", after=True),
]


@pytest.fixture(autouse=True)
def needs_a_compiler() -> None:
    if (missing := missing_tool()) is not None:
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """The simulated upstream tells of every client that was killed."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(400)  # a minute where nothing else runs
async def test_nothing_is_lost_or_repeated_whatever_happens(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, SEED, points=POINTS, reach_s=30.0)
    left = list(reversed(LIVES))
    await campaign.run(lambda: left.pop() if left else None)
    # SIGTERM ends one life, and perhaps those before a power cut.
    assert campaign.score.kills >= len(LIVES) - 3
    assert campaign.score.lives == Counter((*LIVES, "end"))
    assert all(campaign.score.points[str(point)] for point in POINTS)


# The instruments themselves: what measures nothing finds nothing.


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[Faults]:
    root = tmp_path / "root"
    root.mkdir()
    made = Faults(build(tmp_path), tmp_path, root)
    yield made
    made.close()


WRITER = """
import os, sqlite3, sys, time
root = sys.argv[1]
db = sqlite3.connect(root + "/journal.db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS t (n)")
for n in range(5):
    db.execute("INSERT INTO t VALUES (?)", (n,))
    print("committed", flush=True)
directory = os.open(root, os.O_RDONLY)
os.fsync(directory)
file = os.open(root + "/a.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
print("wrote", os.write(file, b"synced, but without a name"), flush=True)
os.fsync(file)
os.fsync(directory)
print("wrote", os.write(file, b"not synced"), flush=True)
os.rename(root + "/a.ndjson", root + "/b.ndjson")
print("time", int(time.time()), flush=True)
os.kill(os.getpid(), 9)
"""


def write(faults: Faults, root: Path, log: Path | None = None) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(root)],
        env={**os.environ, **faults.environment(log)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(("after", "committed"), [(False, 2), (True, 2)])
def test_a_process_dies_at_the_crash_point(
    faults: Faults, tmp_path: Path, after: bool, committed: int
) -> None:
    """The third commit: its last frame is written or not, and not acknowledged in either case."""
    faults.kill_at(Point("wal", "commit", after=after), 4)  # the first one makes the table
    code, said = write(faults, tmp_path / "root")
    assert (code, said) == (-9, ["committed"] * committed)
    with closing(sqlite3.connect(tmp_path / "root" / "journal.db")) as db:
        # Killed after the last frame's header: the frame itself is not whole.
        assert db.execute("SELECT count(*) FROM t").fetchone() == (committed,)


def test_writes_are_refused_shortened_and_counted(faults: Faults, tmp_path: Path) -> None:
    faults.shorten(("line.write",), 1)
    _, said = write(faults, tmp_path / "root")
    assert said[5:7] == ["wrote 13", "wrote 10"]
    assert faults.count("line.write") == 2
    assert faults.count("wal.commit") >= 6
    faults.refuse(("line.sync",), errno.EIO, 1)
    code, said = write(faults, tmp_path / "root")
    assert (code, said[-1]) == (1, "wrote 26"), "OSError"
    faults.set_room(0)
    assert write(faults, tmp_path / "root")[0] == 1


def test_the_clock_jumps(faults: Faults, tmp_path: Path) -> None:
    faults.set_clock(86_400.0)
    _, said = write(faults, tmp_path / "root")
    assert int(said[-1].split()[1]) > time.time() + 86_000


def test_a_power_cut_takes_what_was_not_synced_and_nothing_else(
    faults: Faults, tmp_path: Path
) -> None:
    root, log = tmp_path / "root", tmp_path / "log"
    outcomes = set()
    for seed in range(12):
        for path in root.iterdir():
            path.unlink()
        log.unlink(missing_ok=True)
        disk = Disk(root)
        write(faults, root, log)
        assert disk.replay(log) > 20
        disk.cut(random.Random(seed))
        (line,) = root.glob("?.ndjson")
        content = line.read_bytes()
        assert content.startswith(b"synced, but without a name")
        with closing(sqlite3.connect(root / "journal.db")) as db:
            assert db.execute("SELECT count(*) FROM t").fetchone() == (5,)
        outcomes.add((line.name, content.endswith(b"not synced")))
    assert outcomes == {(name, kept) for name in ("a.ndjson", "b.ndjson") for kept in (False, True)}


class Kind(random.Random):
    """Everything stays."""

    def choice(self, seq: Sequence[Any]) -> Any:
        return max(seq)

    def random(self) -> float:
        return 0.99


@pytest.mark.parametrize("told", [0.0, 0.3, 0.7, 1.0])
def test_a_disk_knows_what_a_killed_process_could_not_tell(
    faults: Faults, tmp_path: Path, told: float
) -> None:
    root, log = tmp_path / "root", tmp_path / "log"
    disk = Disk(root)
    for _ in range(2):  # the second finds what the first left in memory
        log.unlink(missing_ok=True)
        write(faults, root, log)
        os.truncate(log, int(log.stat().st_size * told))
        disk.replay(log)
    left = {path.name: path.read_bytes() for path in root.iterdir()}
    assert len(left["b.ndjson"]) > 30
    disk.cut(Kind())
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {
        name: content for name, content in left.items() if not name.endswith("-shm")
    }


RUN = "0c1d7e88-93d4-4c0a-b6f2-000000000001"


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A directory as a faultless process leaves it: five records, in the file too."""
    root = tmp_path / "left"
    root.mkdir()
    lines = []
    with closing(sqlite3.connect(root / "journal.db")) as db:
        db.executescript(
            "CREATE TABLE feed (feed INTEGER PRIMARY KEY, id, source);"
            "CREATE TABLE type (type INTEGER PRIMARY KEY, name);"
            "CREATE TABLE record (seq INTEGER PRIMARY KEY, feed, type, id, body)"
        )
        db.execute("INSERT INTO feed VALUES (1, ?, ?)", (RUN, f"/runs/{RUN}"))
        for seq in range(1, 6):
            body = body_of(seq)
            lines.append(body + b"\n")
            values = (seq, json.loads(body)["type"], f"e{seq}", body)
            db.execute("INSERT INTO record VALUES (?, 1, ?, ?, ?)", values)
        db.commit()
    (root / "a.000001.ndjson").write_bytes(b"".join(lines[:3]))
    (root / "a.000002.ndjson").write_bytes(b"".join(lines[3:]))
    return root


def body_of(seq: int) -> bytes:
    type_ = "com.mogplex.run.event.log" if seq < 5 else "bridge.run.ended"
    record = {"sequence": f"{seq:020}", "source": f"/runs/{RUN}", "id": f"e{seq}", "type": type_,
              "data": {"events": 4}}  # fmt: skip
    return json.dumps(record).encode()


def look(root: Path, tmp_path: Path, shown: int = 5, **how: bool) -> None:
    oracle = Oracle(root / "journal.db", [Output(root / "a.ndjson", "numbered")], tmp_path)
    oracle.look([(n, zlib.crc32(body_of(n))) for n in range(1, shown + 1)], **how)
    oracle.check_upstream({RUN: [f"e{n}" for n in range(1, 5)]})


def test_the_oracle_is_content_with_what_is_right(left: Path, tmp_path: Path) -> None:
    look(left, tmp_path, is_final=True)
    look(left, tmp_path, shown=3)


def test_the_oracle_sees_what_changed_at_the_same_size(left: Path, tmp_path: Path) -> None:
    oracle = Oracle(left / "journal.db", [Output(left / "a.ndjson", "numbered")], tmp_path)
    newest = left / "a.000002.ndjson"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-9] + bytes(9))
    os.utime(newest, (1, 1))  # lives are longer than a tick of the file system's clock
    oracle.look((), is_cut=True)
    newest.write_bytes(whole)
    (left / "a.000003.ndjson").touch()  # an orderly end would not do: this is about any life
    oracle.look(())


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("a.000001.ndjson", lambda d: d[d.index(b"\n") + 1 :], "line 1 is"),
        ("a.000001.ndjson", lambda d: d + d[d.rindex(b'{"seq') :], "line 4 is"),
        ("a.000001.ndjson", lambda d: d[:-9], "ends in half a line"),
        ("a.000001.ndjson", lambda d: d.replace(b"e2", b"e9"), "line 2 is"),
        ("a.000002.ndjson", lambda d: d[: d.index(b"\n") + 1], "has 4 of 5 lines"),
        ("a.000002.ndjson", lambda d: d[:-2], "torn after an orderly stop"),
        ("a.000002.ndjson", lambda d: b"\0\0\n" + d, "is no JSON"),
        ("a.000002.ndjson", lambda d: d + d, "the journal 5"),
    ],
)
def test_the_oracle_sees_a_line_that_is_wrong(
    left: Path, tmp_path: Path, file: str, change: Callable[[bytes], bytes], says: str
) -> None:
    path = left / file
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(Violation, match=says):
        look(left, tmp_path, is_final=True)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM record WHERE seq = 3", "sequence 4 after 2"),
        ("DELETE FROM record WHERE seq = 5", "shown and is not in the journal"),
        ("UPDATE record SET seq = 9 WHERE seq = 5", "sequence 9 after 4"),
        ("UPDATE record SET body = CAST(replace(body, 'e2', 'e1') AS BLOB), id = 'e1'"
         " WHERE seq = 2", "twice in the journal"),
        ("UPDATE record SET body = CAST(replace(body, '4}', '3}') AS BLOB)", "other content"),
        ("UPDATE record SET type = 'bridge.gap' WHERE seq = 2", "bridge.gap in"),
        ("UPDATE record SET type = 'bridge.run.ended' WHERE seq = 4", "comes after its end"),
        ("UPDATE record SET type = 'other' WHERE seq = 5", "has 0 ends"),
        ("UPDATE record SET type = 'other' WHERE seq = 2", "lost \\['e2'\\]"),
    ],
)  # fmt: skip
def test_the_oracle_sees_a_record_that_is_wrong(
    left: Path, tmp_path: Path, statement: str, says: str
) -> None:
    with closing(sqlite3.connect(left / "journal.db")) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(Violation, match=says):
        look(left, tmp_path, is_final=True)


def test_the_oracle_sees_what_a_subscriber_got_twice(left: Path, tmp_path: Path) -> None:
    oracle = Oracle(left / "journal.db", [], tmp_path)
    with pytest.raises(Violation, match="got 1 as its 2th record"):
        oracle.look([(1, zlib.crc32(body_of(1)))] * 2)
