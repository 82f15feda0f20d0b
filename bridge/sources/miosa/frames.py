"""Reads one frame, list item or log line as an event, a sign of life, or an end.

Pure. Names, ids and shapes differ between MIOSA's pages, so this module decides frame by frame.
Heartbeats, pings and `[DONE]` never become records.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.core.event import Event
from bridge.sources.miosa.rules import words
from bridge.wire import times
from bridge.wire.bounded import bounded
from bridge.wire.jsontext import JsonError, dumps, loads
from bridge.wire.sse import Frame

TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)
ID_LENGTH_MAX = 256
BEATS = frozenset({"heartbeat", "ping", "keepalive", "keep-alive"})
ENDS = frozenset({"done", "exit", "batch_settled"})  # names after which some streams end
_DIGEST = "sha256-"
# Kinds whose events carry an id in their data; elsewhere an `id` there belongs to something else.
_ID_IN_DATA = frozenset({words.RUN, words.TENANT, words.COMPUTER})


class Sign(enum.Enum):
    """The meaning of a frame that is no event."""

    BEAT = "beat"
    END = "end"  # nothing follows on this stream


@dataclass(frozen=True, slots=True)
class Seen:
    """One event before it has its final id; `own_id` is None where upstream gave none."""

    own_id: str | None
    type: str  # of the record
    time: str | None
    created_at_s: float | None
    data: Mapping[str, Any]
    is_last: bool = False  # some streams end after it
    status: str | None = None  # the status of the row, as far as the event names it

    def event(self, event_id: str) -> Event:
        """Return the event under its final id, upstream's or one that the follow numbered."""
        return Event(event_id, self.type, self.time, self.created_at_s, self.data)


def record_type(kind: str, name: str) -> str:
    """`ai.miosa.<kind>.event.<name without a leading "<kind>.">`."""
    name = name.removeprefix(f"{kind}.") or "other"
    return f"ai.miosa.{kind}.event.{name if TYPE.fullmatch(name) else 'other'}"


def of_frame(kind: str, frame: Frame) -> Seen | Sign:
    """Read one frame of a stream whose decoder shows each frame's own id only."""
    text = frame.data.strip()
    if text == "[DONE]":
        return Sign.END
    try:
        value: object = loads(text)
    except JsonError:
        value = {"line": frame.data}
        is_text = True
    else:
        is_text = False
    if not isinstance(value, dict):
        value = {"line": value} if isinstance(value, str) else {"value": value}
    name = frame.event if frame.event != "message" else _name(value)
    if name in BEATS or (is_text and frame.data.strip().lower() in BEATS):
        return Sign.BEAT
    own_id = frame.id or None
    return _seen(kind, name or ("log" if is_text else "message"), value, own_id)


def of_item(kind: str, raw: object) -> Seen | None:
    """Read one item of a list as an event; without an id, a digest of its content names it."""
    if not isinstance(raw, dict):
        return None
    seen = _seen(kind, _name(raw) or "message", raw, None)
    if seen.own_id is None:
        seen = _seen(kind, _name(raw) or "message", raw, _id(raw) or _digest(raw))
    return seen


def of_message(kind: str, text: str | bytes) -> Seen | Sign | None:
    """Read one message of a WebSocket; None when it is no object."""
    try:
        value = loads(text)
    except JsonError:
        return None
    if not isinstance(value, dict):
        return None
    name = _name(value)
    if name in BEATS or name == "pong":
        return Sign.BEAT
    return _seen(kind, name or "message", value, None)


def of_line(kind: str, line: str) -> Seen:
    """Read one line of a plain-text log."""
    return Seen(None, record_type(kind, "log"), None, None, {"line": line})


def _seen(kind: str, name: str, value: Mapping[str, Any], own_id: str | None) -> Seen:
    if kind in _ID_IN_DATA:
        in_data = _id(value)
        if in_data is not None and (kind == words.RUN or own_id is None):
            own_id = in_data
    if own_id is not None and len(own_id) > ID_LENGTH_MAX:
        own_id = _DIGEST + hashlib.sha256(own_id.encode("utf-8", "replace")).hexdigest()
    moment = next(
        (m for key in words.TIMES if (m := times.parse(value.get(key))) is not None), None
    )
    time, seconds = moment if moment is not None else (None, None)
    return Seen(
        own_id,
        record_type(kind, name),
        time,
        seconds,
        value,
        is_last=name in ENDS,
        status=_status(kind, name, value),
    )


def _id(value: Mapping[str, Any]) -> str | None:
    """Return the id in an event's data; a number is one too."""
    found = value.get("id")
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) and found else None


def _name(value: Mapping[str, Any]) -> str:
    for key in ("type", "event"):
        found = value.get(key)
        if isinstance(found, str) and found:
            return found[:ID_LENGTH_MAX]
    return ""


def _status(kind: str, name: str, value: Mapping[str, Any]) -> str | None:
    """Return the row's status from `{"status": …}`, `{"state": …}` or a name as `run.failed`."""
    if kind == words.TENANT:
        return None
    last = name.rpartition(".")[2]
    if words.is_end(kind, last) and name in (last, f"{kind}.{last}"):
        return last
    if kind == words.SANDBOX and name not in ("sandbox.status", "status", "state"):
        return None  # the status of an exec or a preview is not the sandbox's
    for key in ("status", "state"):
        found = value.get(key)
        if isinstance(found, str) and found:
            return found[:64]
    return None


def _digest(raw: Mapping[str, Any]) -> str:
    return _DIGEST + hashlib.sha256(dumps(bounded(raw))).hexdigest()
