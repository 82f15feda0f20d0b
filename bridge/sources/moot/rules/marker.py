"""Where a follow of a space continues after a restart; stored with every commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bridge.core.event import Event

# An event this much older than the marker's came late. Its place in the pages is further back, and
# continuing from it would read everything since once more.
LATE_S = 60.0


@dataclass(frozen=True, slots=True)
class Marker:
    """The event from which pages continue."""

    last: str | None = None  # None: no event of the space was taken yet
    at_s: float | None = None  # the last time that upstream gave, of this event or one before
    told: int = 0  # events that upstream counts and that were reported missing

    def moved(self, events: list[Event], wall_s: float) -> Marker:
        """Move behind these new events; a missing time, or one in the future, changes no time."""
        marker = self
        for event in events:
            at_s = event.created_at_s
            if at_s is not None and at_s > wall_s + LATE_S:
                at_s = None
            is_late = None not in (at_s, marker.at_s) and at_s < marker.at_s - LATE_S  # type: ignore[operator]
            if not is_late:
                marker = replace(marker, last=event.id, at_s=marker.at_s if at_s is None else at_s)
        return marker

    def saved(self) -> dict[str, Any]:
        """Return what a restart needs, as JSON; `restored` reads it."""
        return asdict(self)

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Marker:
        """Load what `saved` returned; an unreadable field is ignored and only costs requests."""
        last, at_s, told = saved.get("last"), saved.get("at_s"), saved.get("told")
        is_number = isinstance(at_s, int | float) and not isinstance(at_s, bool)
        return cls(
            last if isinstance(last, str) and last else None,
            float(at_s) if is_number else None,  # type: ignore[arg-type]
            told if isinstance(told, int) and not isinstance(told, bool) else 0,
        )
