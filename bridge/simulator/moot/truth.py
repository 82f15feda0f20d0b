"""The truth about a space, for a test that compares what was delivered with what there was."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.times import format_time
from bridge.simulator.moot.knobs import Knobs
from bridge.simulator.moot.store import Space


def truth_of(space: Space, knobs: Knobs) -> dict[str, Any]:
    """Return everything that the simulator knows of a space.

    `committed`: every event ever visible, in that order; `reading`: ids in the order of pages;
    `statuses`: every status the space had, in order.
    """
    return {
        "space_id": space.id,
        "status": space.status,
        "statuses": list(space.history),
        "committed": [
            {
                **event.value(knobs.time_format),
                "visibleAt": format_time(event.visible_us, "micros_offset"),
            }
            for event in space.commits
        ],
        "reading": [event.id for event in space.reading],
    }
