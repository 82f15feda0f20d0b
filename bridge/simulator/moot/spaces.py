"""Reads and writes of spaces and actors, all without an envelope (moot.md 2.2, 2.3)."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.replies import JSON, Reply, json_reply
from bridge.simulator.kit.times import parse_time
from bridge.simulator.moot.replies import (
    NO_SPACE,
    NOT_A_PARTICIPANT,
    detail,
    invalid,
    not_a_number,
)
from bridge.simulator.moot.store import STATUSES, Draft, Space, StoredEvent, stamp
from bridge.simulator.moot.world import Call

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
TEXT_CHARS_MAX = 65_536
_INTEGER = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)
_OFF = {"high": 2, "low": -2}


def find_space(call: Call) -> Space | Reply:
    """The space of the path, or the refusal; a hidden one is as one that is not there."""
    space_id = call.ids[0]
    call.record.feed_id = space_id
    space = call.world.store.spaces.get(space_id)
    if space is None or space_id in call.rights.hidden:
        return detail(404, NO_SPACE)
    if space_id in call.rights.forbidden:
        return detail(403, NOT_A_PARTICIPANT)
    return space


# -- actors and lists


async def get_actor(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of the key's actor."""
    return json_reply(200, call.world.actor(call.token))


async def list_spaces(call: Call) -> Reply | web.StreamResponse:
    """Without `status` the active ones only (2.7)."""
    wanted = call.query.get("status", "active")
    if wanted not in STATUSES:
        return json_reply(
            422,
            {
                "detail": [
                    {
                        "type": "enum",
                        "loc": ["query", "status"],
                        "msg": "Input should be 'active', 'paused' or 'archived'",
                        "input": wanted,
                    }
                ]
            },
        )
    if call.world.knobs.list == "active_only":
        wanted = "active"
    rows = [
        summary(call, space)
        for space in call.world.store.spaces.values()
        if space.status == wanted and space.id not in call.rights.hidden
    ]
    return json_reply(200, rows)


def summary(call: Call, space: Space) -> dict[str, Any]:
    """A row of a list, and most of /status."""
    style = call.world.knobs_of(space).time_format
    reading = space.reading
    value: dict[str, Any] = {
        "space_id": space.id,
        "description": space.description,
        "status": space.status,
        "links": [],
        "started_at": stamp(space.started_us, style),
        "event_count": _count(call, space),
        "last_event_at": stamp(reading[-1].created_us, style) if reading else None,
    }
    if value["event_count"] is None:
        del value["event_count"]
    if space.ended_us is not None:
        value["ended_at"] = stamp(space.ended_us, style)
    return value


def _count(call: Call, space: Space) -> int | None:
    how = call.world.knobs_of(space).event_count
    real = len(space.reading)
    if how == "absent":
        return None
    if how == "flapping":
        space.counts_asked += 1
        return real + 2 * (space.counts_asked % 2)
    return max(0, real + _OFF.get(how, 0))


async def get_space(call: Call) -> Reply | web.StreamResponse:
    """There is no such route, only PATCH on this path (2.2)."""
    if call.world.knobs.missing == "405":
        return detail(405, "Method Not Allowed")
    return detail(404, "Not Found")


async def get_status(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of a space's status, with its participants."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    people = [{**each, "is_connected": True} for each in space.participants.values()]
    return json_reply(200, {**summary(call, space), "participants": people})


async def list_participants(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of a space's participants, all of them in one array."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    return json_reply(200, list(space.participants.values()))


# -- events


async def list_events(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of a space's events: one page by `limit`, `since` and `before`."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    limit = _limit(call.query.get("limit"))
    if isinstance(limit, Reply):
        return limit
    since, before = call.query.get("since"), call.query.get("before")
    call.record.cursor = since or before
    page = _page(call, space, limit, since, before)
    if isinstance(page, Reply):
        return page
    return _array(call, space, page)


def _array(call: Call, space: Space, events: list[StoredEvent]) -> Reply:
    style = call.world.knobs_of(space).time_format
    return Reply(200, b"[%b]" % b",".join([event.wire(style) for event in events]), JSON)


def _limit(text: str | None) -> int | Reply:
    """Out of range is refused, not clamped (2.5)."""
    if text is None:
        return LIMIT_DEFAULT
    if not _INTEGER.match(text):
        return not_a_number("limit", text)
    number = int(text)
    if number < 1:
        return invalid("limit", "Input should be greater than or equal to 1", text, ge=1)
    if number > LIMIT_MAX:
        message = f"Input should be less than or equal to {LIMIT_MAX}"
        return invalid("limit", message, text, le=LIMIT_MAX)
    return number


def _page(
    call: Call, space: Space, limit: int, since: str | None, before: str | None
) -> list[StoredEvent] | Reply:
    """Oldest first: after `since`, else before `before`, else the latest."""
    knobs = call.world.knobs_of(space)
    reading = space.reading
    if since is not None:
        event = space.by_id.get(since)
        if event is None:
            return _unknown(knobs.cursor_unknown, reading[-limit:], since)
        if knobs.since == "timestamp":
            return [each for each in reading if each.created_us > event.created_us][:limit]
        place = reading.index(event) + 1
        return reading[place : place + limit]
    if before is not None and knobs.before == "on":
        event = space.by_id.get(before)
        if event is None:
            return _unknown(knobs.cursor_unknown, reading[-limit:], before)
        place = reading.index(event)
        return reading[max(0, place - limit) : place]
    return reading[-limit:]


def _unknown(how: str, latest: list[StoredEvent], given: str) -> list[StoredEvent] | Reply:
    match how:
        case "404":
            return detail(404, "Event not found")
        case "400":
            return detail(400, f"Unknown event: {given}")
        case "422":
            item = {
                "type": "value_error",
                "loc": ["query", "since"],
                "msg": "Value error, unknown event",
                "input": given,
                "ctx": {"error": {}},
            }
            return json_reply(422, {"detail": [item]})
        case "empty":
            return []
    return latest


async def get_event(call: Call) -> Reply | web.StreamResponse:
    """Answer GET of one event."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    event = space.by_id.get(call.ids[1])
    if event is None:
        return detail(404, "Event not found")
    return Reply(200, event.wire(call.world.knobs_of(space).time_format), JSON)


async def get_transcript(call: Call) -> Reply | web.StreamResponse:
    """Every event of a range of time, however many (2.7)."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    if call.world.knobs.transcript == "404":
        return detail(404, "Not Found")
    try:
        start = parse_time(call.query.get("start", "1970-01-01T00:00:00Z"))
        end = parse_time(call.query.get("end", "9999-01-01T00:00:00Z"))
    except ValueError:
        return detail(400, "start and end are ISO 8601 times")
    events = [event for event in space.reading if start <= event.created_us <= end]
    return _array(call, space, sorted(events, key=lambda event: event.created_us))


# -- writes


async def add_event(call: Call) -> Reply | web.StreamResponse:
    """Answer POST of an event, which only an active space accepts."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    try:
        body = jsonjs.loads(await call.request.read())
    except ValueError:
        return detail(400, "Request body is not valid JSON")
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or len(text) > TEXT_CHARS_MAX:
        return detail(400, "text is required")
    if space.status != "active":
        return detail(409, "Space is not active")
    metadata = body.get("metadata")
    kind = metadata.get("message_type") if isinstance(metadata, dict) else None
    draft = Draft(
        text,
        speaker=str(call.world.actor(call.token)["display_name"]),
        message_type=kind if isinstance(kind, str) else None,
        parent=body.get("parent_event_id"),
        thread=body.get("thread_id"),
    )
    (event,) = call.world.append(space, [draft])
    return Reply(200, event.wire(call.world.knobs_of(space).time_format), JSON)


async def archive(call: Call) -> Reply | web.StreamResponse:
    """Answer POST that archives a space; 409 if it is archived already."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    if space.status == "archived":
        return detail(409, "Space is already archived")
    call.world.store.set_status(space, "archived", call.world.clock.now())
    return json_reply(200, summary(call, space))


async def change_space(call: Call) -> Reply | web.StreamResponse:
    """The status back to active, among others: archived is not final (2.7)."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    try:
        body = jsonjs.loads(await call.request.read())
    except ValueError:
        body = None
    status = body.get("status") if isinstance(body, dict) else None
    if status not in STATUSES:
        return detail(400, "status must be active, paused or archived")
    call.world.store.set_status(space, status, call.world.clock.now())
    return json_reply(200, summary(call, space))


async def join(call: Call) -> Reply | web.StreamResponse:
    """Makes the caller a visible participant, which a reader does not want."""
    space = find_space(call)
    if isinstance(space, Reply):
        return space
    space.speaker(str(call.world.actor(call.token)["display_name"]))
    return json_reply(200, {"joined": True})


async def rotate_key(call: Call) -> Reply | web.StreamResponse:
    """The one refusal without `detail` (2.5)."""
    if call.request.headers.get("X-Force-Rotate", "").lower() == "true":
        return json_reply(200, {"api_key_prefix": "convo_key_new"})
    agent = call.ids[0]
    text = f"Agent {agent} is currently connected to another installation."
    return json_reply(409, {"error": "agent_connected", "message": text, "agent_id": agent})
