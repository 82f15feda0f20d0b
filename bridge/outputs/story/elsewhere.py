"""Presents events of other systems: a message, a command, a log line, a status.

Pure. The module goes by the shape of the data and depends on no system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bridge.outputs.story.text import seconds_of, span

_TEXTS: Final = ("message", "text", "content", "line", "status", "state", "error")
_USUAL: Final = "message"  # the type of an ordinary message


class Words(NamedTuple):
    """The text of one event; the fields are those of `Told`."""

    mark: str
    tone: str
    text: str
    verdict: str = ""


def words_of(type_: str, data: Mapping[str, Any]) -> Words:
    """The text of an event; `type_` is the record's type."""
    name = type_.partition(".event.")[2] or type_.rpartition(".")[2]
    found = _speech(name, data) or _command(data) or _line(name, data)
    return found or Words("note", "plain", f"{name}: {_text(data)}".rstrip(": "))


def _speech(name: str, data: Mapping[str, Any]) -> Words | None:
    """`ana: Ready?` or `ana [question]: Ready?`, after an arrow for answers and threads."""
    if name == "assistant.message" and isinstance(data.get("message"), str):
        return Words("say", "plain", data["message"])
    who, said = data.get("speaker_name") or data.get("speaker_id"), data.get("text")
    if not isinstance(who, str) or not who or not isinstance(said, str):
        return None
    what = "" if name == _USUAL else f" [{name}]"
    is_answer = bool(data.get("parent_event_id") or data.get("thread_id"))
    return Words("say", "plain", f"{'↳ ' if is_answer else ''}{who}{what}: {said}")


def _command(data: Mapping[str, Any]) -> Words | None:
    """`$ npm test` at its start; at its end, the result and the duration."""
    more = data.get("metadata")
    data = {**data, **more} if isinstance(more, Mapping) else data
    command, code = data.get("command"), data.get("exit_code")
    what = f"$ {command}" if isinstance(command, str) and command else ""
    if not isinstance(code, int) or isinstance(code, bool):
        return Words("tool", "plain", what) if what else None
    what = what or _text({"message": data.get("message")})
    parts = [f"✗ exit {code}" if code else "✓"]
    if (lasted_s := seconds_of(data.get("duration_ms"))) is not None:
        parts.append(f"({span(lasted_s)})")
    return Words("tool", "bad" if code else "plain", what, " ".join(parts))


def _line(name: str, data: Mapping[str, Any]) -> Words | None:
    """A line of a program's output, unchanged."""
    line = data.get("line")
    if not isinstance(line, str):
        return None
    is_error = name.rpartition(".")[2] == "stderr"
    return Words("out", "warn" if is_error else "plain", line)


def _text(data: Mapping[str, Any]) -> str:
    text = next((data[name] for name in _TEXTS if data.get(name)), "")
    return text if isinstance(text, str) else ""
