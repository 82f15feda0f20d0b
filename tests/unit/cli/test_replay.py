"""`replay` and `backup`, in this process, on a journal made for the test."""

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
from bridge.outputs.sinks.files import open_file
from bridge.outputs.sinks.files import verify as files_check
from bridge.wire.cloudevents import Encoder
from tests.unit.outputs.sinks.lines_world import RUN, feed, output_files, records, sequences

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


def seqs(found: list[dict]) -> list[int]:
    return [int(record["sequence"]) for record in found]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), range(1, 41)),
        (("--after", "10", "--through", "13"), [11, 12, 13]),
        (("--through", "1000"), range(1, 41)),
        (("--after", "40"), []),
        (("--since", "2026-08-03T12:10:00Z", "--until", "2026-08-03T12:12:00Z"), [11, 12]),
        (("--since", "2026-08-03T14:38:00+02:00"), [39, 40]),
        (("--until", "2026-08-03"), []),
        (("--since", "2026-08-03", "--after", "38"), [39, 40]),
        (("--since", "1ms"), []),
        (("--run", OTHER.upper(), "--through", "22"), [21, 22]),
        (("--type", "*.tool_*", "--through", "4"), [2, 4]),
        (("--account", "else"), []),
    ],
)
def test_a_range_is_what_was_asked_for(replay: Replay, arguments, expected) -> None:
    code, found, err = replay(*arguments)
    assert (code, err) == (0, "")
    assert seqs(found) == list(expected)


def test_upstreams_format_has_upstreams_objects(replay: Replay) -> None:
    _, found, _ = replay("--through", "2", "--format", "mogplex")
    assert [record["id"] for record in found] == ["e0", "e1"]
    assert "specversion" not in found[0]


@pytest.mark.parametrize("naming", ["numbered", "fixed"])
@pytest.mark.parametrize("compress", ["none", "gzip", "zstd"])
def test_files_rotate_and_are_packed_to_the_last(
    replay: Replay, tmp_path: Path, naming: str, compress: str
) -> None:
    to = tmp_path / "out" / "again.ndjson"
    to.parent.mkdir()
    code, found, err = replay(
        "--to", str(to), "--naming", naming, "--rotate-bytes", "5kB", "--compress", compress
    )
    assert (code, found) == (0, []), err
    assert err.startswith("replayed 40 records, sequences 1 to 40, to ")
    files = output_files(to.parent) + ([to] if to.exists() else [])
    assert sequences(files) == list(range(1, 41))
    assert len(files) > 3
    packed = [file.suffix for file in files if file.suffix in (".gz", ".zst")]
    # A fixed name is the file that is written, and stays plain.
    assert len(packed) == (0 if compress == "none" else len(files) - (naming == "fixed"))
    report = files_check.Report()
    assert list(files_check.verify(to.parent.iterdir(), report)) == []


def test_long_lines_are_cut_in_files_and_told(replay: Replay, tmp_path: Path) -> None:
    to = tmp_path / "cut.ndjson"
    code, _, err = replay("--to", str(to), "--through", "3", "--line-bytes", "2kB")
    assert (code, "1 of them cut to 2000 bytes" in err) == (0, True)
    assert [record.get("truncated") for record in records(output_files(tmp_path))] == [
        None,
        None,
        True,
    ]
    _, found, _ = replay("--through", "3")
    assert all("truncated" not in record for record in found)


def test_an_output_can_be_copied_by_its_path(replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(
        '[[outputs]]\npath = "/var/log/tools.ndjson"\nnaming = "fixed"\nformat = "mogplex"\n'
        'rotate = {bytes = "2kB"}\nfilter = {types = ["*.tool_*"]}\n'
    )
    to = tmp_path / "t.ndjson"
    options = ["--config", str(tmp_path / "bridge.toml"), "--like", "/var/log/tools.ndjson"]
    code, _, err = replay(*options, "--to", str(to))
    assert code == 0, err
    found = records([*output_files(tmp_path), to])
    assert [record["id"] for record in found] == [f"e{n}" for n in range(1, 40, 2)]
    code, _, err = replay(*options[:2], "--like", "/no", "--to", str(to))
    assert (code, "there are: /var/log/tools.ndjson" in err) == (78, True)
    code, _, err = replay(*options[:2], "--to", "/var/log/tools.ndjson")
    assert (code, "is written by the daemon" in err) == (78, True)


def test_a_replay_that_was_cut_off_goes_on_and_repeats_nothing(
    replay: Replay, tmp_path: Path
) -> None:
    to = tmp_path / "again.ndjson"
    options = ["--to", str(to), "--rotate-bytes", "4kB", "--after", "3"]
    assert replay(*options, "--through", "20")[0] == 0
    newest = output_files(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:-30])  # killed in the middle of a line
    code, _, err = replay(*options)
    assert (code, "or use --resume" in err) == (78, True)
    code, _, err = replay(*options, "--resume")
    assert code == 0
    assert err.endswith("\n")
    assert "replayed 21 records, sequences 20 to 40" in err
    assert sequences(output_files(tmp_path)) == list(range(4, 41))


def test_files_of_something_else_are_left_as_they_were(replay: Replay, tmp_path: Path) -> None:
    to = tmp_path / "again.ndjson"
    assert replay("--to", str(to), "--through", "9", "--compress", "zstd")[0] == 0
    before = {path.name: path.read_bytes() for path in output_files(tmp_path)}
    for options in ((), ("--resume",)):
        assert replay("--to", str(to), *options)[0] == 78
    # A line that this range does not have.
    plain = tmp_path / "plain.ndjson"
    assert replay("--to", str(plain), "--after", "9", "--through", "12")[0] == 0
    code, _, err = replay("--to", str(plain), "--after", "20", "--resume")
    assert (code, "its last line is record 12" in err) == (78, True)
    code, _, err = replay("--to", str(tmp_path / "m.ndjson"), "--format", "mogplex")
    assert code == 0
    code, _, err = replay("--to", str(tmp_path / "m.ndjson"), "--format", "mogplex", "--resume")
    assert (code, "do not tell their place" in err) == (78, True)
    names = {path.name for path in output_files(tmp_path)}
    assert names == {*before, "plain.000001.ndjson", "m.000001.ndjson"}, "nothing empty is left"
    assert all((tmp_path / name).read_bytes() == data for name, data in before.items())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--after", "9", "--through", "9"), 2, "--through 9 is not above --after 9"),
        (("--since", "1h", "--until", "2h"), 2, "--since is not before --until"),
        (("--since", "noon"), 2, "'noon' is no time: use 2026-08-03T14:00:00Z"),
        (("--after", "zz-4"), 78, "to another journal"),
        (("--run", "abc"), 2, "'abc' is not a run id"),
        (("--resume",), 2, "--resume needs --to PATH"),
        (("--rotate-bytes", "big"), 2, "'big' is not a size such as \"100MiB\""),
        (("--line-bytes", "10"), 78, "line_bytes is 10: use at least"),
        (("--to", "/nonexistent/a.ndjson"), 78, "no such file or directory; choose another path"),
        (("--to", "/"), 78, "this names a directory"),
    ],
)
def test_a_wrong_wish_is_one_line(replay: Replay, arguments, code: int, text: str) -> None:
    got, found, err = replay(*arguments)
    assert (got, found) == (code, [])
    assert text in err
    assert (err.startswith("error: "), err.count("\n")) == (True, 1)


def test_a_full_disk_says_how_to_go_on(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "again.ndjson"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(open_file.OpenFile, "_check_space", full)
        code, _, err = replay("--to", str(to))
    assert (code, err.count("\n")) == (1, 1)
    assert "no space left on device; free some space and repeat the command with --resume" in err
    assert replay("--to", str(to))[0] == 0, "nothing was written: nothing is in the way"


def test_what_retention_dropped_is_told(replay: Replay, journal: Path) -> None:
    with sqlite3.connect(journal) as db:
        db.execute("DELETE FROM record WHERE seq < 30")
        db.execute("UPDATE meta SET value = 30 WHERE name = 'floor'")
    db.close()
    code, found, err = replay("--after", "5")
    assert (code, seqs(found)) == (0, list(range(30, 41)))
    assert err == "warning: records before 30 are gone (retention)\n"
