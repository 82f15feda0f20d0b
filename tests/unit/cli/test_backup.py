"""`backup`: a journal of its own, and never over another one."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli import run
from bridge.clock import SystemClock
from bridge.core.event import Draft, Feed
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.wire.cloudevents import Encoder
from tests.unit.outputs.sinks.lines_world import RUN, feed

OTHER = "4f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


RECORDS = 40  # twenty of one run, then twenty of the other; one a minute from 12:00


Replay = Callable[..., tuple[int, list[dict], str]]


def _draft(number: int, of: Feed) -> Draft:
    moment = f"2026-08-03T12:{number:02}:00Z"
    type_ = "com.mogplex.run.event." + ("tool_started" if number % 2 else "log")
    encoder = Encoder(source=of.source, subject=of.id, account=of.account)
    data = {"id": f"e{number}", "type": "log", "message": "m" * (3000 if number == 2 else 300)}
    head, tail = encoder.encode(
        f"e{number}", type_, time=moment, recorded=moment, status="streaming", data=data
    )
    return Draft(of, f"e{number}", type_, head, tail)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "journal.db"

    async def fill() -> None:
        made = await SqliteJournal.open(path, clock=SystemClock())
        await made.append([_draft(n, feed(RUN if n < 20 else OTHER)) for n in range(RECORDS)])
        await made.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def replay(journal: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Replay:
    def command(*arguments: str) -> tuple[int, list[dict], str]:
        """Exit code, the records on stdout, stderr."""
        code = run(["replay", "--journal", f"sqlite:{journal}", *arguments])
        out, err = capfdbinary.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err.decode()

    return command


def test_a_backup_is_a_journal_and_is_never_overwritten(
    journal: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    assert run(["backup", "--journal", f"sqlite:{journal}", str(copy)]) == 0
    assert "up to sequence 40" in capfd.readouterr().err
    assert run(["export", "--journal", f"sqlite:{copy}"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == RECORDS
    before = copy.read_bytes()
    assert run(["backup", "--journal", f"sqlite:{journal}", str(copy)]) == 1
    assert "nothing is overwritten" in capfd.readouterr().err
    assert copy.read_bytes() == before
    assert run(["backup", "--journal", f"sqlite:{tmp_path}/none.db", str(copy) + "2"]) == 78
    assert run(["backup", "--journal", f"sqlite:{journal}", "/nonexistent/copy.db"]) == 1
    assert "choose another place" in capfd.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("command", ["export", "replay", "backup", "serve"])
def test_a_database_of_another_program_is_named_as_such(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch, command: str
) -> None:
    monkeypatch.setenv("MOGPLEX_TOKEN", "mog_" + "a" * 24)
    path = tmp_path / "firefox.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE places (url)")
    db.close()
    before = path.read_bytes()
    more = {"backup": [str(tmp_path / "copy")], "serve": ["--listen", "127.0.0.1:0"]}
    assert run([command, "--journal", f"sqlite:{path}", *more.get(command, [])]) == 78
    err = capfd.readouterr().err
    assert "is an SQLite file of another program; nothing was changed" in err
    assert err.count("\n") == 1
    assert path.read_bytes() == before
    assert not (tmp_path / "copy").exists()
