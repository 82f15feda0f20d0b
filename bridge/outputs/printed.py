"""Formats records for a terminal, a pipe or a file. Pure.

`cloudevents`: the record unchanged. `mogplex`: what the vendor's CLI prints with --follow --json
(mogplex.md 1.12). `pretty`: the CLI's lines for people, with gaps and failures added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bridge.core import marks
from bridge.core.status import State
from bridge.outputs.story.harmless import harmless
from bridge.systems import plain
from bridge.wire.javascript import stringify
from bridge.wire.jsontext import loads

FORMATS: Final = ("cloudevents", "mogplex", "pretty")

_DIM, _BOLD, _RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"
_CYAN, _GREEN, _YELLOW, _RED = "\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[1;31m"
_TYPE_COLOURS: Final = {
    "cancelled": _YELLOW,
    "failed": _RED,
    "finished": _GREEN,
    "tool_finished": _CYAN,
    "tool_started": _CYAN,
}
_ENDED_COLOURS: Final = {State.SUCCEEDED: _GREEN, State.FAILED: _RED}


class Printable(Protocol):
    """A record of a journal, or one received from a running bridge."""

    @property
    def type(self) -> str:
        """The record's CloudEvents type."""

    @property
    def body(self) -> bytes:
        """The record as one CloudEvents object in JSON, without a newline."""


def formatter(name: str, *, colour: bool = False) -> Callable[[Printable], bytes]:
    """Return the function that formats a record as whole lines, or as nothing (b"")."""
    if name == "cloudevents":
        return cloudevents
    if name == "mogplex":
        return mogplex
    assert name == "pretty", name
    return _pretty_in_colour if colour else pretty


def cloudevents(record: Printable) -> bytes:
    """The record unchanged, as one line."""
    return record.body + b"\n"


def mogplex(record: Printable) -> bytes:
    """The line of the record's own vendor's CLI; nothing for records that it does not print."""
    line = plain(record.body)
    return b"" if line is None else line + b"\n"


def pretty(record: Printable) -> bytes:
    """One line for people, with control characters escaped. Nothing for run.status."""
    return _pretty(record, _plain)


def _pretty_in_colour(record: Printable) -> bytes:
    return _pretty(record, _coloured)


def _pretty(record: Printable, paint: Callable[[str, str], str]) -> bytes:
    if marks.is_status(record.type):
        return b""
    whole = loads(record.body)
    data = _data(whole)
    who = f"{data.get('kind', 'run')} {_text(whole.get('subject'))}"
    if marks.is_ended(record.type):
        status = _text(data.get("status")) or "ended"
        state = marks.state_in(data)
        ink = _BOLD if state is None else _ENDED_COLOURS.get(state, _BOLD)
        line = paint(f"--- {who} {status} ---", ink)
    elif record.type == marks.GAP:
        line = paint(_gap_line(who, data), _YELLOW)
    elif record.type == marks.FOLLOW_FAILED:
        line = paint(
            f"--- {who} is no longer followed:"
            f" {_text(data.get('code'))} {_text(data.get('message'))} ---",
            _RED,
        )
    else:
        line = _event_line(whole, data, paint)
    return line.encode("utf-8") + b"\n"


def _event_line(
    record: Mapping[str, Any], data: Mapping[str, Any], paint: Callable[[str, str], str]
) -> str:
    type_ = _text(data.get("type")) or _text(record.get("type"))
    parts = [
        paint(_text(data.get("createdAt")) or _text(record.get("time")), _DIM),
        paint(type_, _TYPE_COLOURS.get(type_, _BOLD)),
    ]
    if tool := _text(data.get("toolName")):
        parts.append(paint(f"[tool={tool}]", _CYAN))
    if message := _text(data.get("message")):
        parts.append(message)
    return "  ".join(parts)


def _gap_line(who: str, data: Mapping[str, Any]) -> str:
    missing = data.get("missing")
    count = "an unknown number of events is" if missing is None else f"{missing} events are"
    if missing == 1:
        count = "1 event is"
    return f"--- gap in {who}: {count} missing ({_text(data.get('reason'))}) ---"


def _data(record: Mapping[str, Any]) -> dict[str, Any]:
    data = record.get("data")
    return data if isinstance(data, dict) else {}


def _text(value: object) -> str:
    if value is None:
        return ""
    return harmless(value if isinstance(value, str) else stringify(value))


def _plain(text: str, _ink: str) -> str:
    return text


def _coloured(text: str, ink: str) -> str:
    return f"{ink}{text}{_RESET}" if text else text
