"""The input of a tool call as one line."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.tool_input import TEXT_CHARS_MAX, input_of


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("make  check\n", "make check"),
        ({"command": ["git", "log", 3, None]}, "git log 3"),
        ({"query": "x", "path": "a.py"}, "a.py"),
        ({"other": "x"}, None),
        ({"command": " "}, None),
        (None, None),
        ("x" * 1000, "x" * (TEXT_CHARS_MAX - 1) + "…"),
    ],
)
def test_the_first_input_that_says_something_is_shown(given: Any, line: str | None) -> None:
    assert input_of({"input": given}) == line
