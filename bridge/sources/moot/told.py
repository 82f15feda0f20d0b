"""Describes a space for people: last speaker and text, counts of types and threads. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.sources.moot.words import EVENT_PREFIX, OTHER_TYPE, type_of
from bridge.wire import times

TITLE_CHARS_MAX: Final = 120
TEXT_CHARS_MAX: Final = 200  # of the latest text, from its beginning
NAME_CHARS_MAX: Final = 80
TYPES_MAX: Final = 16  # of message types that are counted by name: upstream does not limit them
THREADS_MAX: Final = 64  # of threads that are remembered; a dropped one that goes on counts as new
_SCANNED_CHARS_MAX: Final = 10_000  # of a text that is searched for its first words

Plain = Mapping[str, Any]


def describe_space(row: Plain) -> dict[str, Any]:
    """Describe a space's row for people: its description, when it began and was archived."""
    told: dict[str, Any] = {}
    for key in ("title", "name", "description"):
        text = row.get(key)
        if isinstance(text, str) and (lines := text.strip().splitlines()):
            told["title"] = lines[0].strip()[:TITLE_CHARS_MAX]
            break
    started, ended = times.parse(row.get("started_at")), times.parse(row.get("ended_at"))
    if started is not None:
        told["startedAt"] = started[0]
    if ended is not None and row.get("status") == "archived":
        told["endedAt"] = ended[0]
        if started is not None:
            told["durationSeconds"] = max(0.0, ended[1] - started[1])
    return told


def note_space(notes: Plain, events: Sequence[Plain]) -> Plain:
    """`Kind.note`: the last speaker and text, counts of message types, threads; under 2 KiB."""
    types = _counts(notes.get("types"))
    recent = [n for n in _list(notes.get("recent")) if isinstance(n, int)]
    threads = _number(notes.get("threads"))
    speaker, text = notes.get("speaker"), notes.get("text")
    for event in events:
        word = type_of(event).removeprefix(EVENT_PREFIX)
        if word not in types and len(types) >= TYPES_MAX:
            word = OTHER_TYPE
        types[word] = types.get(word, 0) + 1
        thread = event.get("thread_id")
        if isinstance(thread, str) and thread:
            mark = zlib.crc32(thread.encode("utf-8", "replace"))
            threads += mark not in recent
            recent = [*(n for n in recent if n != mark), mark][-THREADS_MAX:]
        said = _line(event.get("text"), TEXT_CHARS_MAX)
        if said is not None:
            named = event.get("speaker_name") or event.get("speaker_id")
            speaker, text = _line(named, NAME_CHARS_MAX), said
    found = {"types": types, "threads": threads, "recent": recent, "speaker": speaker, "text": text}
    return {name: value for name, value in found.items() if value}


def recall_space(row: Plain, notes: Plain) -> Plain:
    """`Kind.recall`: the row's part, `lastText`, `lastSpeaker`, `messageTypes`, `threads`."""
    told = describe_space(row)
    for name, key in (("lastText", "text"), ("lastSpeaker", "speaker")):
        if isinstance(notes.get(key), str):
            told[name] = notes[key]
    types = _counts(notes.get("types"))
    if types:
        told["messageTypes"] = dict(sorted(types.items(), key=lambda item: -item[1]))
        told["threads"] = _number(notes.get("threads"))
    return told


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(word): count for word, count in value.items() if isinstance(count, int)}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _line(value: object, chars_max: int) -> str | None:
    """The beginning of a text on one line; None for a blank one."""
    if not isinstance(value, str):
        return None
    line = " ".join(value[:_SCANNED_CHARS_MAX].split())
    return (line if len(line) <= chars_max else f"{line[: chars_max - 1]}…") or None
