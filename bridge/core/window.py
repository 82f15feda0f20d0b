"""What a page of events hides (contracts.md 1.8, window detection).

Upstream shows at most `PAGE_FULL` events of a segment: the first ones (older servers: a head
window, a wall for ever) or the newest ones (newer servers: a tail window, which slides). A page
shorter than that is the whole history. No reply says which window it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PAGE_FULL = 200  # events; upstream's cap (contracts.md 1.4)


class Kind(enum.StrEnum):
    UNKNOWN = "unknown"
    HEAD = "head"
    TAIL = "tail"


class Hole(enum.StrEnum):
    """Why events are missing; the `reason` of a gap record."""

    NONE = "none"
    JOINED_LATE = "joined_late"  # a tail window was first seen when it had already slid
    JUMPED = "window_jumped"  # it slid by more than a page between two reads
    EXHAUSTED = "window_exhausted"  # a head window is full and the run goes on behind it


@dataclass(slots=True)
class Window:
    """Watches the pages of one run, segment by segment."""

    kind: Kind = Kind.UNKNOWN
    is_full: bool = False  # the latest page had PAGE_FULL events
    is_exhausted: bool = False  # Hole.EXHAUSTED was told for this segment
    _first_id: str | None = None
    _last_id: str | None = None
    _updated_at: str | None = None  # of the run, when the latest full page was first seen

    def new_segment(self) -> None:
        self.is_full = self.is_exhausted = False
        self._first_id = self._last_id = self._updated_at = None

    def look(
        self,
        ids: Sequence[str],
        *,
        is_known: Callable[[str], bool],
        knows_any: bool,
        begins_at_origin: bool,
        updated_at: str | None,
    ) -> Hole:
        """Judge one page before its events are taken.

        `ids` oldest first; `is_known(id)`: it was taken before; `knows_any`: anything of this
        segment was; `begins_at_origin`: the page's first event is the segment's first one;
        `updated_at`: the run row's.
        """
        self.is_full = len(ids) >= PAGE_FULL
        if not self.is_full:
            return Hole.NONE
        same = (self._first_id, self._last_id) == (ids[0], ids[-1])
        if self._first_id is not None and self._first_id != ids[0]:
            self.kind = Kind.TAIL
        hole = Hole.NONE
        if not any(map(is_known, ids)):
            if knows_any:
                hole, self.kind = Hole.JUMPED, Kind.TAIL
            elif not begins_at_origin:
                hole, self.kind = Hole.JOINED_LATE, Kind.TAIL
        elif same and self.kind is not Kind.TAIL and updated_at != self._updated_at:
            # The row moved, the page did not: the news lie behind the wall.
            hole = self._exhaust()
        if not same or self._updated_at is None:
            self._first_id, self._last_id, self._updated_at = ids[0], ids[-1], updated_at
        return hole

    def at_end(self, *, last_is_terminal: bool) -> Hole:
        """Judge the latest page when the run is over: does it hold the run's last event?"""
        if self.is_full and self.kind is not Kind.TAIL and not last_is_terminal:
            return self._exhaust()
        return Hole.NONE

    def _exhaust(self) -> Hole:
        self.kind = Kind.HEAD
        if self.is_exhausted:
            return Hole.NONE
        self.is_exhausted = True
        return Hole.EXHAUSTED
