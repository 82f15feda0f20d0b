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
    _first_id: str | None = None  # seen on a page; it leaves a tail window, never a head window
    _full_since: str | None = None  # updatedAt of the run when the page had become full

    def new_segment(self) -> None:
        self.is_full = self.is_exhausted = False
        self._first_id = self._full_since = None

    def look(
        self,
        ids: Sequence[str],
        *,
        is_known: Callable[[str], bool],
        knows_any: bool,
        begins_at_origin: bool,
        may_go_on: bool,
        updated_at: str | None,
    ) -> Hole:
        """Judge one page before its events are taken.

        `ids` oldest first; `is_known(id)`: it was taken before; `knows_any`: anything of this
        segment was; `begins_at_origin`: the page's first event is the segment's first one;
        `may_go_on`: the run is not over and its last event is not on the page; `updated_at`: the
        run row's.
        """
        self.is_full = len(ids) >= PAGE_FULL
        # Not by equality: events of one instant may change places, and at the edge be swapped.
        if self._first_id is not None and self._first_id not in ids:
            self.kind, self._full_since = Kind.TAIL, None
            self._first_id = None
        if self._first_id is None and ids:
            self._first_id = ids[0]
        if not self.is_full:
            return Hole.NONE
        hole = Hole.NONE
        if not any(map(is_known, ids)):
            if knows_any:
                hole, self.kind = Hole.JUMPED, Kind.TAIL
            elif not begins_at_origin:
                hole, self.kind = Hole.JOINED_LATE, Kind.TAIL
        elif (
            self.kind is not Kind.TAIL and may_go_on and self._full_since not in (None, updated_at)
        ):
            # The row moved, the page did not: the news lie behind the wall.
            hole = self.exhaust()
        if self._full_since is None:
            self._full_since = updated_at
        return hole

    def at_end(self, *, last_is_terminal: bool) -> Hole:
        """Judge the latest page when the run is over: does it hold the run's last event?"""
        if self.is_full and self.kind is not Kind.TAIL and not last_is_terminal:
            return self.exhaust()
        return Hole.NONE

    def exhaust(self) -> Hole:
        """Events behind a full head window cannot be seen; told once for a segment."""
        self.kind = Kind.HEAD
        if self.is_exhausted:
            return Hole.NONE
        self.is_exhausted = True
        return Hole.EXHAUSTED
