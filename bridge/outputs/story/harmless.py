"""The only path of upstream's text to a terminal: escapes everything that could control it."""

from __future__ import annotations

import re
from typing import Final

# C0, DEL, C1, line and paragraph separators, marks and overrides of direction, invisible joiners
# and separators, soft hyphens, tags, lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_PILING: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_MARKS: Final = re.compile(f"({_PILING}{{8}}){_PILING}+")
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# The runners of GitHub, Forgejo and Azure find these anywhere in a line, and `::name::` at its
# start, with which no line of the bridge begins.
_COMMAND: Final = re.compile(r"##(?=[A-Za-z]*\[)")
_JSON_COMMAND: Final = re.compile(rb"(##[A-Za-z]*)\[")
# JSON does not escape these, but a terminal needs it: DEL, C1, direction, invisible characters.
_JSON_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)


def harmless(text: str) -> str:
    """Escape characters that control a terminal, or hide or reorder text.

    Of combining marks on one letter, at most eight stay.
    """
    return _MARKS.sub(r"\1", _UNSAFE.sub(_escape, text))


def without_commands(text: str) -> str:
    """Break CI commands in a line: `##[x]` becomes `## [x]`.

    The line must not begin with text from upstream, because `::name::` counts at a line's start.
    """
    return _COMMAND.sub("## ", text) if "##" in text else text


def json_without_commands(line: bytes) -> bytes:
    """The same JSON value, written so that no CI runner finds a command."""
    return _JSON_COMMAND.sub(rb"\1\\u005b", line) if b"##" in line else line


def json_for_terminal(line: bytes) -> bytes:
    """The same JSON value, with Unicode escapes for characters that a terminal executes."""
    text = line.decode("utf-8", "replace")
    return (
        _JSON_UNSAFE.sub(_json_escape, text).encode()
        if not text.isascii() or "\x7f" in text
        else line
    )


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return (
        f"\\x{code:02x}"
        if code < 0x80
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
