"""Reads one frame of the stream, or one message of the WebSocket.

Upstream's SSE frames are published nowhere, so this module reads every plausible form: the event
itself or wrapped, named or not, with any `id:` or none. Only `event_id` decides. Pings come as
text, as JSON, or as frames without data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.core.event import Event
from bridge.sources.moot.words import Skip, to_event
from bridge.wire.jsontext import JsonError, loads

# A text of 65,536 characters takes at most 6 bytes each (moot.md 2.3), and the metadata beside it
# has no limit. Frames up to 512 KiB pass; a longer one is cut off, because it may never end.
FRAME_BYTES_MAX = 2 * 1024 * 1024
_PINGS = frozenset({"ping", "pong", "heartbeat", "keepalive", "keep-alive", "connected", "ok"})
_NEWS = frozenset({"participant_update"})  # known, but no record
_INSIDE = ("data", "event", "payload")
LEVELS_MAX = 16  # of lists and wrappers around an event
# every event has one of these, whatever is missing
_SIGNS = frozenset({"event_id", "speaker_id", "speaker_name"})


class Read(NamedTuple):
    """The contents of a frame; all fields are empty for a ping."""

    events: list[Event]
    skipped: list[Skip]
    is_understood: bool  # the frame has a known form
    is_replay: bool = False  # the frame is one known event, and was not read any further


_REPLAY = Read([], [], is_understood=True, is_replay=True)
_PING = Read([], [], is_understood=False)
_OTHER_NEWS = Read([], [], is_understood=True)


def read(
    data: str | bytes, name: str, space_id: str, is_known: Callable[[str], bool] = lambda _: False
) -> Read:
    """Read a frame or message.

    Args:
        data: Its text or bytes.
        name: The frame's `event:`, or a message's equivalent.
        space_id: The space that the connection belongs to.
        is_known: Whether an event was taken before; the replay of a history consists of such
            events.
    """
    try:
        value = loads(data)
    except JsonError:
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        is_ping = name.lower() in _PINGS or text.strip().lower() in _PINGS
        return _PING if is_ping else Read([], [Skip.NOT_JSON], is_understood=False)
    if isinstance(value, dict):
        inside = value if "event_id" in value else value.get("data")
        event_id = inside.get("event_id") if isinstance(inside, dict) else None
        if isinstance(event_id, str) and is_known(event_id):
            return _REPLAY
    return _of_value(value, name, space_id)


def _of_event(value: dict[str, Any], space_id: str) -> Read:
    event = to_event(value, space_id)
    if isinstance(event, Skip):
        return Read([], [event], is_understood=True)
    return Read([event], [], is_understood=True)


def _of_value(value: Any, name: str, space_id: str, levels: int = LEVELS_MAX) -> Read:
    if levels == 0:
        return Read([], [Skip.UNKNOWN], is_understood=False)
    if isinstance(value, list):
        return _together([_of_value(item, name, space_id, levels - 1) for item in value])
    if isinstance(value, dict):
        return _of_object(value, name, space_id, levels)
    is_ping = name.lower() in _PINGS or (isinstance(value, str) and value.lower() in _PINGS)
    return _PING if is_ping else Read([], [Skip.UNKNOWN], is_understood=False)


def _of_object(value: dict[str, Any], name: str, space_id: str, levels: int) -> Read:
    named = value.get("type")
    kind = named if isinstance(named, str) else name
    if kind in _NEWS and "event_id" not in value:
        return _OTHER_NEWS
    if not _SIGNS.isdisjoint(value):
        return _of_event(value, space_id)
    for key in _INSIDE:
        inside = _unwrapped(value.get(key))
        if inside is not None:
            return _of_value(inside, name, space_id, levels - 1)
    if kind.lower() in _PINGS:
        return _PING
    return Read([], [Skip.UNKNOWN], is_understood=False)


def _unwrapped(value: Any) -> Any:
    """Return the object or list inside a wrapper, which may be JSON text; else None."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = loads(value)
        except JsonError:
            return None
    is_event = isinstance(value, dict) and not _SIGNS.isdisjoint(value)
    return value if is_event or (isinstance(value, list) and value) else None


def _together(reads: list[Read]) -> Read:
    return Read(
        [event for each in reads for event in each.events],
        [skip for each in reads for skip in each.skipped],
        is_understood=any(each.is_understood for each in reads),
    )
