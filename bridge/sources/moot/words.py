"""moot's statuses, message types and operations, and how to read an event."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.core.event import Event
from bridge.core.status import State
from bridge.core.words import OwnMetric
from bridge.wire import times

SPACE: Final = "space"
TYPE_PREFIX: Final = "io.mootup.space"
EVENT_PREFIX: Final = f"{TYPE_PREFIX}.event."
DEFAULT_TYPE: Final = "message"
OTHER_TYPE: Final = "other"
ID_CHARS_MAX = 512  # of an event id; upstream's have 17
_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)

STATES: Mapping[str, State] = {
    "active": State.RUNNING,
    "paused": State.WAITING,
    "archived": State.SUCCEEDED,
}
# Known message types (moot.md 2.7); upstream does not limit them.
MESSAGE_TYPES = (
    *("message", "feature", "question", "git_request", "stack_request", "review_request"),
    *("code_share", "status_update", "decision_propagated", "retro", "bug", "decision"),
    *("question_deferred", "other"),
)
GAP_REASONS = ("cursor_lost", "history_shrank", "count_mismatch")
OPERATIONS = (
    *("spaces.status", "spaces.events", "spaces.transcript", "spaces.stream", "spaces.ws"),
    *("spaces.list", "actors.me", "health"),
)


class Skip(enum.StrEnum):
    """Why a sent object is no record: the label of `skipped_frames_total`."""

    NO_ID = "no_id"
    OTHER_SPACE = "other_space"
    NOT_JSON = "not_json"
    UNKNOWN = "unknown"
    TOO_LARGE = "too_large"


class Cause(enum.StrEnum):
    """Why the follow reads pages: the label of `catch_up_pages_total`."""

    CONNECT = "connect"
    COUNT = "count"
    SILENCE = "silence"
    POLL = "poll"
    END = "end"


CONNECT_RESULTS = ("opened", "refused", "failed", "not_a_stream")
METRICS: tuple[OwnMetric, ...] = (
    OwnMetric(
        "stream_connects_total",
        "counter",
        "Connects of event streams and WebSockets, by outcome.",
        {"result": CONNECT_RESULTS},
    ),
    OwnMetric("stream_connected", "gauge", "Feeds whose stream or WebSocket is open."),
    OwnMetric(
        "replayed_total",
        "counter",
        "Events received again in replays and overlapping pages.",
    ),
    OwnMetric(
        "skipped_frames_total",
        "counter",
        "Frames from upstream that cannot be recorded as an event.",
        {"reason": tuple(Skip)},
    ),
    OwnMetric(
        "catch_up_pages_total",
        "counter",
        "Pages of events that were read, by purpose.",
        {"cause": tuple(Cause)},
    ),
    OwnMetric("discovered_total", "counter", "Feeds discovered upstream and followed."),
    OwnMetric(
        "suspended", "gauge", "1 while the tenant of the account's key is suspended upstream."
    ),
)


def state_of(status: str) -> State:
    """Normalize a status; an unknown one does not count as over."""
    return STATES.get(status, State.RUNNING)


def type_of(value: Mapping[str, Any]) -> str:
    """Return the type of the record, from `metadata.message_type`: upstream has no `type` (2.3)."""
    metadata = value.get("metadata")
    word = metadata.get("message_type") if isinstance(metadata, dict) else None
    if word is None:
        word = DEFAULT_TYPE
    elif not isinstance(word, str) or _TYPE.fullmatch(word) is None:
        word = OTHER_TYPE
    return f"{EVENT_PREFIX}{word}"


def to_event(value: Mapping[str, Any], space_id: str) -> Event | Skip:
    """Read one event object; any field may be missing (moot.md 2.7)."""
    event_id = value.get("event_id")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= ID_CHARS_MAX:
        return Skip.NO_ID
    if value.get("space_id") not in (None, space_id):
        return Skip.OTHER_SPACE
    moment = times.parse(value.get("timestamp"))
    at, at_s = moment if moment is not None else (None, None)
    return Event(event_id, type_of(value), at, at_s, value)
