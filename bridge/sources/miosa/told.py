"""Describes a MIOSA thing for people: the command that runs, the latest text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.sources.miosa.rules import words
from bridge.sources.miosa.words import describe
from bridge.wire import times

TEXT_CHARS_MAX: Final = 200  # of a command, and of a line
OPEN_COMMANDS_MAX: Final = 16  # at a time; the oldest are dropped
_SCANNED_CHARS_MAX: Final = 10_000
# Events about commands are handled as commands; the remaining ones are the agent's text.
_COMMAND_TYPES: Final = ("command_started", "command_finished")

Plain = Mapping[str, Any]


def note_thing(notes: Plain, events: Sequence[Plain]) -> Plain:
    """`Kind.note`: commands that have begun and not ended, the last line; some hundred bytes."""
    given = notes.get("open")
    running = [c for c in given if isinstance(c, Mapping)] if isinstance(given, list) else []
    text, word, exit_code = notes.get("text"), notes.get("word"), notes.get("exit")
    for event in events:
        data = _with_metadata(event)
        code = data.get("exit_code")
        if isinstance(code, int) and not isinstance(code, bool):
            _finish(running, data)
            exit_code = code
        elif (command := _line(data.get("command"))) is not None:
            running.append(_begun(command, data))
            del running[:-OPEN_COMMANDS_MAX]
        elif event.get("type") not in _COMMAND_TYPES:
            text = _line(event.get("line")) or _line(event.get("message")) or text
            word = _word(event) or word
    found = {"open": running, "text": text, "word": word, "exit": exit_code}
    return {name: value for name, value in found.items() if value not in (None, [])}


def recall_thing(kind: str, row: Plain, notes: Plain) -> Plain:
    """`Kind.recall`: the row's part, `currentTool` while it works, `lastText`, `lastExitCode`."""
    told = dict(describe(kind, row))
    status = row.get("status") or row.get("state")
    is_over = isinstance(status, str) and words.is_end(kind, status)
    running = notes.get("open")
    if isinstance(running, list) and running and isinstance(running[-1], Mapping) and not is_over:
        last = running[-1]
        told["currentTool"] = {
            "name": "shell",
            "title": last.get("command"),
            **({"since": last["since"]} if "since" in last else {}),
        }
    text = notes.get("text") or notes.get("word")
    if isinstance(text, str):
        told["lastText"] = text
    if isinstance(notes.get("exit"), int):
        told["lastExitCode"] = notes["exit"]
    return told


def _with_metadata(event: Plain) -> Plain:
    more = event.get("metadata")
    return {**event, **more} if isinstance(more, Mapping) else event


def _begun(command: str, data: Plain) -> Plain:
    moment = next((m for key in words.TIMES if (m := times.parse(data.get(key))) is not None), None)
    call = data.get("exec_id")
    return {
        "command": command,
        **({"call": call[:TEXT_CHARS_MAX]} if isinstance(call, str) else {}),
        **({"since": moment[0]} if moment is not None else {}),
    }


def _finish(running: list[Plain], data: Plain) -> None:
    """Remove the command that ended: by id, else by its text, else the oldest."""
    call, command = data.get("exec_id"), _line(data.get("command") or data.get("message"))
    call = call[:TEXT_CHARS_MAX] if isinstance(call, str) else None
    for index, one in enumerate(running):
        if one.get("call") == call and (call is not None or command in (None, one.get("command"))):
            del running[index]
            return


def _word(event: Plain) -> str | None:
    """Describe an event without text: its progress, or its own name."""
    word = _line(event.get("status")) or _line(event.get("state")) or _line(event.get("type"))
    progress = event.get("progress")
    is_number = isinstance(progress, int) and not isinstance(progress, bool)
    return f"{word} {progress} %" if word and is_number else word


def _line(value: object) -> str | None:
    """The beginning of a text on one line; None for a blank one."""
    if not isinstance(value, str):
        return None
    line = " ".join(value[:_SCANNED_CHARS_MAX].split())
    return (line if len(line) <= TEXT_CHARS_MAX else f"{line[: TEXT_CHARS_MAX - 1]}…") or None
