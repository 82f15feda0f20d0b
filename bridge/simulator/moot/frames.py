"""Frames of the stream in every form that the knobs name."""

from __future__ import annotations

import json
from typing import Any

from bridge.simulator.kit import jsonjs
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.store import Space, StoredEvent

_ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
TYPE = "context_event"
PIECE_BYTES = 7  # of the knob `writes`: small enough to cut most characters of several bytes


def event_frame(event: StoredEvent, knobs: Knobs, number: int) -> bytes:
    """`number` counts the frames of one connection."""
    return b"".join(frame_parts(event, knobs, number))


def frame_parts(event: StoredEvent, knobs: Knobs, number: int) -> tuple[bytes, bytes]:
    """Everything up to the end of the last line, and the blank line."""
    style = knobs.time_format
    if knobs.stream == "garbage":
        return _garbage(event, knobs)
    wrapped = knobs.frame in {"wrapped", "named_wrapped"}
    if knobs.data_lines == "one" and not wrapped:
        data = event.wire(style)
    elif knobs.data_lines == "one":
        data = b'{"type":"%b","data":%b}' % (TYPE.encode(), event.wire(style))
    else:
        value: Any = event.value(style)
        value = {"type": TYPE, "data": value} if wrapped else value
        data = _indented(value)
    frame_id = None
    if knobs.frame_id != "none":
        frame_id = event.id if knobs.frame_id == "event_id" else str(number)
    name = TYPE if knobs.frame in {"named", "named_wrapped"} else None
    return _frame(data, knobs, name=name, frame_id=frame_id)


def _indented(value: object) -> bytes:
    """JSON over several lines; what orjson refuses stays on one."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=1).encode()
    except UnicodeEncodeError:
        return jsonjs.dumps(value)


def _frame(
    data: bytes, knobs: Knobs, *, name: str | None, frame_id: str | None
) -> tuple[bytes, bytes]:
    end = _ENDS[knobs.line_end]
    lines = [] if frame_id is None else [b"id: " + frame_id.encode()]
    if name is not None:
        lines.append(b"event: " + name.encode())
    lines += [b"data: " + line for line in data.split(b"\n")]
    return end.join(lines) + end, end


def _garbage(event: StoredEvent, knobs: Knobs) -> tuple[bytes, bytes]:
    """Well-formed frames that say nothing: a protocol of its own."""
    data = jsonjs.dumps({"op": 7, "t": event.created_us, "payload": "AAECAwQ="})
    return _frame(data, knobs, name=None, frame_id=None)


def participant_frame(space: Space, knobs: Knobs) -> bytes:
    """Return the frame that lists the participants of a space."""
    people = list(space.participants.values())
    value = {"type": "participant_update", "data": {"space_id": space.id, "participants": people}}
    return b"".join(_frame(jsonjs.dumps(value), knobs, name=None, frame_id=None))


def ping_frame(knobs: Knobs) -> bytes:
    """Return a heartbeat in the form of the knob `ping`."""
    end = _ENDS[knobs.line_end]
    match knobs.ping:
        case "comment":
            return b": ping" + end + end
        case "text":
            return b"data: ping" + end + end
        case "json":
            return b"event: ping" + end + b'data: {"type":"ping"}' + end + end
    return b"event: ping" + end + b"data:" + end + end
