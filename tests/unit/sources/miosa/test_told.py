"""What a thing of MIOSA says about itself between its records: its command, its last line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sources.miosa.rules.words import KINDS
from bridge.sources.miosa.told import OPEN_COMMANDS_MAX, note_thing, recall_thing
from bridge.wire.jsontext import dumps, loads

BEGIN = {"exec_id": "ex_1", "command": "npm test", "ts": "2026-08-03T15:00:00Z"}
END = {"exec_id": "ex_1", "exit_code": 1, "duration_ms": 40}


def test_a_command_that_runs_is_the_current_tool() -> None:
    told = recall_thing("sandbox", {"state": "running"}, note_thing({}, [BEGIN]))
    assert told["currentTool"] == {
        "name": "shell",
        "title": "npm test",
        "since": "2026-08-03T15:00:00Z",
    }


def test_a_command_that_ended_is_not_and_its_exit_code_is_told() -> None:
    notes = note_thing(loads(dumps(note_thing({}, [BEGIN]))), [END])
    told = recall_thing("sandbox", {"state": "running"}, notes)
    assert "currentTool" not in told
    assert told["lastExitCode"] == 1


def test_the_end_of_one_command_ends_no_other() -> None:
    other = {"exec_id": "ex_2", "command": "ls"}
    told = recall_thing("sandbox", {}, note_thing({}, [BEGIN, other, END]))
    assert told["currentTool"]["title"] == "ls"


def test_commands_of_a_run_have_no_id_and_are_known_by_their_words() -> None:
    begin = {"type": "command_started", "message": "ls", "metadata": {"command": "ls"}}
    end = {"type": "command_finished", "message": "ls", "metadata": {"exit_code": 0}}
    assert "currentTool" in recall_thing("run", {"status": "running"}, note_thing({}, [begin]))
    told = recall_thing("run", {"status": "running"}, note_thing({}, [begin, end]))
    assert "currentTool" not in told
    assert "lastText" not in told, "a command is no word of the agent"


def test_a_thing_that_is_over_runs_nothing() -> None:
    told = recall_thing("sandbox", {"state": "destroyed"}, note_thing({}, [BEGIN]))
    assert "currentTool" not in told


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"line": "3 passed in 0.41s"}, "3 passed in 0.41s"),
        ({"type": "assistant.message", "message": "Step 1"}, "Step 1"),
        ({"type": "snapshot_progress", "status": "uploading", "progress": 12}, "uploading 12 %"),
        ({"type": "sandbox.created", "tenant_id": "t"}, "sandbox.created"),
    ],
)
def test_the_last_line_or_word_is_told(event: dict[str, Any], text: str) -> None:
    assert recall_thing("snapshot", {}, note_thing({}, [event]))["lastText"] == text


def test_a_state_does_not_take_the_place_of_a_line() -> None:
    notes = note_thing({}, [{"line": "layer 3"}, {"type": "build_event", "state": "building"}])
    assert recall_thing("build", {}, notes)["lastText"] == "layer 3"


def test_notes_stay_small_whatever_is_sent() -> None:
    events = [{"exec_id": "e" * 9_000 + str(n), "command": "x" * 65_536} for n in range(100)]
    notes = note_thing({}, events)
    assert len(notes["open"]) == OPEN_COMMANDS_MAX
    assert len(dumps(notes)) < 8_000


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)
NAMES = ("command", "exec_id", "exit_code", "line", "message", "metadata", "type", "status")
STORED = ("open", "text", "word", "exit", "ts", "progress")


@pytest.mark.slow
@given(
    st.sampled_from(KINDS),
    st.lists(st.dictionaries(st.sampled_from(NAMES + STORED), JSON), max_size=4),
)
def test_nothing_that_is_sent_or_stored_raises(kind: str, values: list[dict[str, Any]]) -> None:
    for value in values:
        recall_thing(kind, value, note_thing(value, values))
        recall_thing(kind, value, value)
