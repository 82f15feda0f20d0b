"""What the bridge took of a run's present segment: enough to resume, and to judge the next page.

One aiCallId names a segment; a run that paused for input goes on in a new one, and upstream never
shows the events of the old one again (mogplex.md 1.7).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Resume from an event this old: younger ones may become visible out of order. The longest delay
# measured is half a minute (mogplex.md 1.14); a replay costs no request, and known ids are dropped.
RESUME_AGE_S = 60.0
RESUME_STEP_S = 1.0  # between two events that are kept as places to resume from
RESUME_IDS_MAX = 2_000  # after half an hour without a stream, the oldest ones are thinned out


@dataclass(slots=True)
class Segment:
    """Creation times are upstream's, seconds since the epoch; 0.0 when it gave none."""

    id: str | None = None  # None before the first page
    count: int = 0  # events taken
    last_id: str | None = None  # the one taken last
    oldest_id: str | None = None  # the one that was created first
    oldest_s: float = 0.0
    newest_s: float = 0.0
    # everything was read while the run waited: its pause was its last event
    was_paused: bool = False
    is_streamed: bool = False  # a stream is connected and has shown all earlier events
    _recent: deque[tuple[str, float]] = field(
        default_factory=lambda: deque(maxlen=RESUME_IDS_MAX)
    )  # (id, creation time), a step apart; resuming starts at the first one
    _newest: tuple[str, float] | None = None  # the cursor taken last

    def took(self, id_: str, created_s: float | None, *, is_cursor: bool = True) -> None:
        """Note an event that is new. `is_cursor`: a stream may resume from it."""
        at_s = self.newest_s if created_s is None else created_s
        if self.oldest_id is None or at_s < self.oldest_s:
            self.oldest_id, self.oldest_s = id_, at_s
        self.newest_s = max(self.newest_s, at_s)
        self.last_id = id_
        self.count += 1
        if is_cursor:
            self._newest = (id_, at_s)
            if not self._recent or at_s >= self._recent[-1][1] + RESUME_STEP_S:
                self._recent.append((id_, at_s))
        if self.is_streamed:
            self._move_on()

    def caught_up(self) -> None:
        """Note that the stream has shown everything up to now.

        Without a stream the place to resume from stays: an event that commits late may leave the
        page before the follow reads it, and only a replay from further back shows it.
        """
        self.is_streamed = True
        self._move_on()

    def _move_on(self) -> None:
        while len(self._recent) > 1 and self._recent[1][1] <= self.newest_s - RESUME_AGE_S:
            self._recent.popleft()

    def resume_from(self, *, newest: bool = False) -> tuple[str, float] | None:
        """Return the event to resume a stream from, as (id, creation time); None without one."""
        if not self._recent:
            return None
        return self._newest if newest else self._recent[0]

    def forget_resume(self) -> None:
        """Forget these ids: upstream knows none of them any more."""
        self._recent.clear()
        self._newest = None

    def saved(self) -> dict[str, Any]:
        """Return what a restart needs, as JSON; `restored` reads it."""
        return {
            "segment": self.id,
            "count": self.count,
            "last": self.last_id,
            "oldest": [self.oldest_id, self.oldest_s],
            "newest": self.newest_s,
            "paused": self.was_paused,
            "resume": self.resume_from(),
        }

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Segment:
        """Load what `saved` returned.

        Raises:
            KeyError: A field is missing.
            TypeError: A field has another type; ValueError: another value.
        """
        oldest_id, oldest_s = saved["oldest"]
        segment = cls(
            id=saved["segment"],
            count=int(saved["count"]),
            last_id=saved["last"],
            oldest_id=oldest_id,
            oldest_s=float(oldest_s),
            newest_s=float(saved["newest"]),
            was_paused=bool(saved["paused"]),
        )
        if saved["resume"] is not None:
            id_, at_s = saved["resume"]
            segment._newest = (str(id_), float(at_s))
            segment._recent.append(segment._newest)
        return segment
