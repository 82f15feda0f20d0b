"""The section of `type = "ndjson"` makes the target that its path asks for."""

from __future__ import annotations

from pathlib import Path

from bridge.clock import SystemClock
from bridge.outputs.sinks.files import FileTarget
from bridge.outputs.sinks.ndjson import NdjsonOutput
from bridge.outputs.sinks.stdout import PipeTarget


def test_a_dash_is_stdout_and_everything_else_a_file(tmp_path: Path) -> None:
    there = NdjsonOutput(path=str(tmp_path / "x"))
    assert isinstance(there.target(SystemClock()), FileTarget)
    assert (there.name, there.file) == (there.path, there.path)
    stdout = NdjsonOutput(path="-")
    assert isinstance(stdout.target(SystemClock()), PipeTarget)
    assert (stdout.name, stdout.file) == ("stdout", None)


def test_what_cannot_be_meant_is_told_by_its_key() -> None:
    wrong = NdjsonOutput.model_validate({"path": "-", "fsync": "never", "rotate": {"every": 0}})
    assert [path for path, _ in wrong.problems()] == [("rotate",), ("fsync",), ("rotate", "every")]
