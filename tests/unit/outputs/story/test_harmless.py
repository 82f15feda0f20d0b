"""The door between upstream's text and a terminal or a CI runner."""

from __future__ import annotations

import json
import unicodedata

import pytest

from bridge.outputs.story.harmless import (
    harmless,
    json_for_terminal,
    json_without_commands,
    without_commands,
)
from tests.ci_runner import commands


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "\x1b]0;t\x07", "\x9b31m", "\x9d0;t\x9c", "\u202eevil", "\u200b", "\U000e0041",
     "\xad", "\u180e", "\u034f", "\u2066x\u2069", "\r", "\x7f", "\ud83d"],
)  # fmt: skip
def test_nothing_that_steers_or_hides_is_left(text: str) -> None:
    shown = harmless(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in shown)
    assert shown.isprintable()


def test_marks_do_not_pile_up_for_ever() -> None:
    assert len(harmless("a" + "\u0301" * 500)) == 9
    assert harmless("e\u0301") == "e\u0301"


@pytest.mark.parametrize(
    "text",
    ["##[group]x", "a ##[error]y", "##[Stop-Commands]t", "##vso[task.setvariable x]y", "####[x]",
     "##teamcity[y]"],
)  # fmt: skip
def test_no_runner_finds_a_command_in_a_line(text: str) -> None:
    assert commands(f"12:00:00 {text}".encode()) or "teamcity" in text
    assert commands(without_commands(f"12:00:00 {text}").encode()) == []
    line = json.dumps({"message": text}).encode()
    safe = json_without_commands(line)
    assert commands(safe) == []
    assert json.loads(safe) == {"message": text}


def test_other_json_is_left_byte_for_byte() -> None:
    for line in (b'{"a":"# [x] ## y"}', b'{"list":[1,2]}', '{"a":"ä\u2028"}'.encode()):
        assert json_without_commands(line) == line


def test_json_on_a_terminal_has_no_raw_controls() -> None:
    value = {"a": "x\x7f\x9b31m\u202e\U000e0041é"}
    line = json_for_terminal(json.dumps(value, ensure_ascii=False).encode())
    assert json.loads(line) == value
    assert all(char.isprintable() for char in line.decode())
