"""Unreadable events on a page: left out, and each reported once as a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT_MAX = 200  # per run: a full page; a run with more of them gets some reports twice


@dataclass(slots=True)
class Unreadable:
    """The unreadable events of one run that were reported: event ids or digests, oldest first."""

    _told: dict[str, None] = field(default_factory=dict)

    def is_news(self, key: str) -> bool:
        """Whether this event was not reported yet; from now on it counts as reported."""
        if key in self._told:
            return False
        self._told[key] = None
        while len(self._told) > KEPT_MAX:
            del self._told[next(iter(self._told))]
        return True

    def saved(self) -> list[str]:
        """Return what a restart needs, as JSON; `restore` reads it."""
        return list(self._told)

    def restore(self, saved: Sequence[str]) -> None:
        """Load what `saved` returned; only the newest KEPT_MAX keys are kept."""
        self._told = dict.fromkeys(str(key) for key in saved[-KEPT_MAX:])
