"""What is answered as JSON: rows, lists, pages of events, tails of logs, tickets."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.replies import Reply, json_reply
from bridge.simulator.miosa.refusals import no_route
from bridge.simulator.miosa.store import StoredEvent, Thing
from bridge.simulator.miosa.world import Call

PAGE_SIZE, PAGE_SIZE_MAX = 20, 100  # of lists
EVENTS_DEFAULT = 50  # of a page of events where no limit is given
LINES_DEFAULT = 100
_NAMES = {
    "run": "runs", "sandbox": "sandboxes", "computer": "computers", "build": "builds",
    "snapshot": "snapshots", "deployment": "deployments",
}  # fmt: skip
_NOT_FOUND = {"computer": "COMPUTER_NOT_FOUND", "build": "BUILD_NOT_FOUND",
              "deployment": "DEPLOYMENT_NOT_FOUND", "sandbox": "sandbox_not_found"}  # fmt: skip
__all__ = ["find", "get_logs", "get_thing", "give_ticket", "list_things", "no_route", "page_of"]


def find(call: Call, kind: str) -> Thing | Reply:
    """The thing of the path, or a 404: another tenant's does not exist either."""
    world = call.world
    if kind == "tenant":
        return world.store.things.get("tenant") or world.create("tenant")
    id_ = "/".join(unquote(part) for part in call.ids).lower()
    if not is_uuid(id_.partition("/")[0]):
        return call.refuse(400, "INVALID_ID", "not a valid UUID")
    thing = world.store.things.get(f"{kind}:{id_}")
    root = call.request.rel_url.raw_path.split("/")[3]
    is_elsewhere = thing is None or thing.tenant != call.rights.tenant
    if is_elsewhere or (kind == "snapshot" and thing and thing.owner_root != root):
        code = _NOT_FOUND.get(kind, "NOT_FOUND")
        return call.refuse(404, code, f"{kind} not found")
    assert thing is not None
    return thing


def row(thing: Thing, style: str) -> dict[str, Any]:
    """Upstream's object; the word is `state` for sandboxes and builds, `status` elsewhere."""
    word = "state" if thing.kind in ("sandbox", "build") else "status"
    value: dict[str, Any] = {
        "id": thing.id.rpartition("/")[2],
        word: thing.status,
        "created_at": thing.created_at,
        "updated_at": thing.updated_at,
        **thing.columns,
    }
    if thing.kind == "run":
        value |= {"target_kind": "sandbox", "runner": "codex", "instruction": "Mend the tests"}
    is_bare = style == "bare" or (style == "documented" and thing.kind == "sandbox")
    return value if is_bare else {"data": value}


async def get_thing(call: Call) -> Reply:
    """Answer GET of one thing: its row, in the shape of the knob `row_shape`."""
    kind = _kind_of(call)
    found = find(call, kind)
    if isinstance(found, Reply):
        return found
    return json_reply(200, row(found, call.world.knobs.row_shape))


async def list_things(call: Call) -> Reply:
    """Newest first, by `status`, in pages."""
    kind, knobs = _kind_of(call), call.world.knobs
    wanted = call.query.get("status") or call.query.get("state")
    owner = call.ids[0].lower() if call.ids else None
    found = [
        row(thing, "bare")
        for thing in reversed(call.world.store.things.values())
        if thing.kind == kind
        and thing.tenant == call.rights.tenant
        and wanted in {None, thing.status}
        and (owner is None or thing.id.startswith(f"{owner}/"))
    ]
    size = min(_number(call.query.get("page_size"), PAGE_SIZE), PAGE_SIZE_MAX)
    number = _number(call.query.get("page"), 1)
    shown = found[(number - 1) * size : number * size]
    if kind == "run":  # filters, but no pages
        shown = found[: _number(call.query.get("limit"), PAGE_SIZE)]
    match knobs.list_shape:
        case "bare":
            return json_reply(200, shown)
        case "named":
            return json_reply(200, {_NAMES[kind]: shown})
    paging = {"page": number, "page_size": size, "total": len(found)}
    return json_reply(200, {"data": shown, "page": paging})


async def give_ticket(call: Call) -> Reply:
    """Answer POST for a ticket: a new one, or the refusal that the knobs choose."""
    knobs, path = call.world.knobs, call.request.rel_url.raw_path
    is_absent = (knobs.ticket_path == "sse") == path.endswith("/auth/sse-ticket")
    if knobs.ticket_path != "both" and is_absent:
        if knobs.ticket_refusal == 404:
            return no_route()
        code = "UNAUTHORIZED" if knobs.ticket_refusal == 401 else "METHOD_NOT_ALLOWED"
        return call.refuse(knobs.ticket_refusal, code, "not for keys")
    ticket = call.world.tickets.give(call.key, knobs.ticket_life_s)
    body: dict[str, Any] = {"ticket": ticket.text, "expires_in": int(knobs.ticket_life_s)}
    return json_reply(200, {"data": body} if knobs.ticket_shape == "wrapped" else body)


# Events


def shown_event(event: StoredEvent, thing: Thing, style: str) -> dict[str, Any]:
    """A run's event as a page shows it."""
    data: Any = event.data if isinstance(event.data, dict) else {"line": event.data}
    value: dict[str, Any] = {
        "id": event.id,
        "run_id": thing.id,
        "type": event.name,
        "created_at": event.at,
    }
    value |= {key: item for key, item in data.items() if key != "id"}
    if style == "payload":
        value |= {"sequence": event.number, "payload": value.pop("metadata", {})}
    return value


def page_of(call: Call, thing: Thing) -> Reply:
    """One page behind `after_id`."""
    knobs, after = call.world.knobs, call.query.get("after_id")
    start = thing.index_after(after)
    if start is None:
        match knobs.unknown_cursor:
            case "bad_request":
                return call.refuse(400, "INVALID_ID", "after_id is unknown")
            case "not_found":
                return call.refuse(404, "NOT_FOUND", "event not found")
            case "empty":
                start = len(thing.events)
            case _:
                start = 0
    limit = _number(call.query.get("limit"), EVENTS_DEFAULT)
    if knobs.clamp:
        limit = min(limit, knobs.clamp)
    items = [shown_event(e, thing, knobs.event_shape) for e in thing.events[start : start + limit]]
    bodies: dict[str, Any] = {
        "data_events": {"data": {"events": items}},
        "data_list": {"data": items},
        "events": {"events": items},
        "items": {"items": items},
        "bare": items,
    }
    return json_reply(200, bodies[knobs.run_page])


async def get_logs(call: Call) -> Reply:
    """The last lines of a deployment."""
    found = find(call, "deployment")
    if isinstance(found, Reply):
        return found
    count = _number(call.query.get("lines"), LINES_DEFAULT)
    lines = [e.data if isinstance(e.data, str) else str(e.data.get("line")) for e in found.events]
    return json_reply(200, {"data": {"logs": lines[-count:]}})


def _kind_of(call: Call) -> str:
    """From the endpoint's name, `sandboxes.get`."""
    word = call.record.endpoint.partition(".")[0]
    return next(kind for kind, name in _NAMES.items() if name == word)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default
