"""The complete history of a run, for tests that compare it with what a bridge delivered."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.times import format_time
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.sanitise import sanitise
from bridge.simulator.mogplex.store import Run, StoredEvent


def truth_of(run: Run, knobs: Knobs) -> dict[str, Any]:
    """Return everything that the simulator knows of a run.

    `run`: the object; `committed`: every event of every segment in order of commit, with raw and
    sanitized payload; `reading`: ids of the present segment in (createdAt, id) order; `segments`:
    aiCallIds in order of appearance.
    """
    style = knobs.time_format
    segments = list(dict.fromkeys([*(event.ai_call_id for event in run.commits), run.ai_call_id]))
    return {
        "run": run.object(style),
        "committed": [_event(event, style) for event in run.commits],
        "reading": [event.id for event in run.reading],
        "segments": segments,
        "held": len(run.held),
    }


def _event(event: StoredEvent, style: str) -> dict[str, Any]:
    draft = event.draft
    return {
        "id": event.id,
        "type": draft.type,
        "toolName": draft.tool_name,
        "message": draft.message,
        "payload": sanitise(draft.payload),
        "createdAt": format_time(event.created_us, style),
        "rawPayload": dict(draft.payload),
        "aiCallId": event.ai_call_id,
        "committedAt": format_time(event.committed_us, style),
    }
