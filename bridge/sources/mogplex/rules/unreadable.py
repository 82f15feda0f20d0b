"""Events that are on a page and cannot be read: left out, and told once each as a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT_MAX = 200  # of one run: a page full; a run with more of them is told some twice


@dataclass(slots=True)
class Unreadable:
    """What was told of one run, by event id or digest, oldest first."""

    _told: dict[str, None] = field(default_factory=dict)

    def is_news(self, key: str) -> bool:
        """Whether it was not told before; it is from now on."""
        if key in self._told:
            return False
        self._told[key] = None
        while len(self._told) > KEPT_MAX:
            del self._told[next(iter(self._told))]
        return True

    def saved(self) -> list[str]:
        """What a restart needs, as JSON; `restore` reads it."""
        return list(self._told)

    def restore(self, saved: Sequence[str]) -> None:
        self._told = dict.fromkeys(str(key) for key in saved[-KEPT_MAX:])
