"""The input of an agent's tool call, as one line for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TEXT_CHARS_MAX: Final = 200  # of a command or a path, and of an agent's text
_NAMES: Final = ("command", "cmd", "path", "file_path", "file", "query", "pattern", "url")


def input_of(payload: Mapping[str, Any]) -> str | None:
    """Return the input of a tool call as one line: its command, path or query."""
    given = payload.get("input")
    if not isinstance(given, Mapping):
        return line_of(given, TEXT_CHARS_MAX)
    for name in _NAMES:
        value = given.get(name)
        if isinstance(value, list):
            value = " ".join(str(p) for p in value if isinstance(p, str | int | float))
        if line := line_of(value, TEXT_CHARS_MAX):
            return line
    return None


def text_of(value: object, chars_max: int) -> str | None:
    """Return a text without outer blanks, cut to a length; None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"


def line_of(value: object, chars_max: int) -> str | None:
    """Return the beginning of a text on one line; None for a blank one."""
    if not isinstance(value, str):
        return None
    return text_of(" ".join(value[:10_000].split()), chars_max) or None
