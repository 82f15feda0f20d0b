"""GET a run, GET its events, POST cancel (mogplex.md 1.5, 1.6)."""

from __future__ import annotations

from aiohttp import web

from bridge.simulator.kit import jsonjs
from bridge.simulator.kit.ids import is_uuid
from bridge.simulator.kit.replies import Reply
from bridge.simulator.mogplex.faults import WITHIN
from bridge.simulator.mogplex.params import parse_limit
from bridge.simulator.mogplex.replies import failure, ok, ok_bytes
from bridge.simulator.mogplex.store import Run
from bridge.simulator.mogplex.world import Call


def find_run(call: Call) -> Run | Reply:
    """The run of the path, or the refusal: a text that is no UUID fails in the database's cast."""
    run_id = call.ids[0]
    if not is_uuid(run_id) and call.world.knobs.non_uuid == "fault":
        return failure(500, "INTERNAL_ERROR", call.trouble)
    run = call.world.store.runs.get(run_id.lower())
    if run is None:
        return failure(404, "NOT_FOUND", "Run not found")
    call.record.feed_id = run.id
    return run


async def get_run(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /runs/{id}."""
    found = find_run(call)
    if isinstance(found, Reply):
        return found
    return ok({"run": found.object(call.world.lifecycle.knobs_of(found).time_format)})


async def get_events(call: Call) -> Reply | web.StreamResponse:
    """Answer GET /runs/{id}/events: the page that the knobs and faults choose."""
    found = find_run(call)
    if isinstance(found, Reply):
        return found
    knobs = call.world.lifecycle.knobs_of(found)
    style = knobs.time_format
    limit = parse_limit(call.query.get("limit"))
    page = found.page(limit, knobs)
    fault = call.world.faults.draw(
        WITHIN, endpoint="events", feed_id=found.id, token=call.record.token
    )
    if fault is not None:
        call.record.fault, page = fault.kind, []
    if fault is not None and fault.kind == "other_run":
        others = [run for run in call.world.store.runs.values() if run is not found]
        found = others[0] if others else found
        page = found.page(limit, knobs)
    events = b",".join([event.wire(style) for event in page])
    return ok_bytes(b'{"run":%b,"events":[%b]}' % (jsonjs.dumps(found.object(style)), events))


async def cancel_run(call: Call) -> Reply | web.StreamResponse:
    """Idempotent: a terminal run is left alone. Two shapes, see the knob cancel_shape."""
    found = find_run(call)
    if isinstance(found, Reply):
        return found
    knobs = call.world.lifecycle.knobs_of(found)
    was_terminal = found.is_terminal
    if not was_terminal:
        call.world.lifecycle.cancel(found)
    run = found.object(knobs.time_format)
    if knobs.cancel_shape == "seed":
        status = "already_terminal" if was_terminal else "cancellation_requested"
        return ok({"run": run, "status": status})
    return ok({"run": run, "status": found.status, "alreadyTerminal": was_terminal})
