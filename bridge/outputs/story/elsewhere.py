"""Events of other systems as they are told: what somebody says, a command, a line of a log, a word.

Pure. It goes by the shape of the data and knows no system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bridge.outputs.story.text import span

_TEXTS: Final = ("message", "text", "content", "line", "status", "state", "error")
_USUAL: Final = "message"  # the type of what is just said


class Words(NamedTuple):
    """What one event says to a person; the fields are those of `Told`."""

    mark: str
    tone: str
    text: str
    verdict: str = ""


def words_of(type_: str, data: Mapping[str, Any]) -> Words:
    """`type_` as in the record."""
    name = type_.partition(".event.")[2] or type_.rpartition(".")[2]
    found = _speech(name, data) or _command(data) or _line(name, data)
    return found or Words("note", "plain", f"{name}: {_text(data)}".rstrip(": "))


def _speech(name: str, data: Mapping[str, Any]) -> Words | None:
    """`ana: Ready?`, `ana [question]: Ready?`; an answer, or what is in a thread, stands back."""
    if name == "assistant.message" and isinstance(data.get("message"), str):
        return Words("say", "plain", data["message"])
    who, said = data.get("speaker_name") or data.get("speaker_id"), data.get("text")
    if not isinstance(who, str) or not who or not isinstance(said, str):
        return None
    what = "" if name == _USUAL else f" [{name}]"
    is_answer = bool(data.get("parent_event_id") or data.get("thread_id"))
    return Words("say", "plain", f"{'↳ ' if is_answer else ''}{who}{what}: {said}")


def _command(data: Mapping[str, Any]) -> Words | None:
    """`$ npm test` when it begins; how it ended and how long it took."""
    more = data.get("metadata")
    data = {**data, **more} if isinstance(more, Mapping) else data
    command, code = data.get("command"), data.get("exit_code")
    what = f"$ {command}" if isinstance(command, str) and command else ""
    if not isinstance(code, int) or isinstance(code, bool):
        return Words("tool", "plain", what) if what else None
    what = what or _text({"message": data.get("message")})
    parts = [f"✗ exit {code}" if code else "✓"]
    lasted_ms = data.get("duration_ms")
    if isinstance(lasted_ms, int | float) and not isinstance(lasted_ms, bool):
        parts.append(f"({span(max(0.0, lasted_ms / 1000))})")
    return Words("tool", "bad" if code else "plain", what, " ".join(parts))


def _line(name: str, data: Mapping[str, Any]) -> Words | None:
    """What a program printed, as it stands."""
    line = data.get("line")
    if not isinstance(line, str):
        return None
    is_error = name.rpartition(".")[2] == "stderr"
    return Words("out", "warn" if is_error else "plain", line)


def _text(data: Mapping[str, Any]) -> str:
    text = next((data[name] for name in _TEXTS if data.get(name)), "")
    return text if isinstance(text, str) else ""
