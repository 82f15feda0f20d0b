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
    _first_id: str | None = None  # of a full page; it leaves a tail window, never a head window
    _updated_at: str | None = None  # of the run, when the latest full page was first seen

    def new_segment(self) -> None:
        self.is_full = self.is_exhausted = False
        self._first_id = self._updated_at = None

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
        if not self.is_full:
            return Hole.NONE
        # Not by equality: events of one instant may change places, and at the edge be swapped.
        is_stuck = self._first_id is not None and self._first_id in ids
        if self._first_id is not None and not is_stuck:
            self.kind = Kind.TAIL
        hole = Hole.NONE
        if not any(map(is_known, ids)):
            if knows_any:
                hole, self.kind = Hole.JUMPED, Kind.TAIL
            elif not begins_at_origin:
                hole, self.kind = Hole.JOINED_LATE, Kind.TAIL
        elif self._is_walled(is_stuck and may_go_on, updated_at):
            hole = self.exhaust()
        if not is_stuck:
            self._first_id, self._updated_at = ids[0], updated_at
        return hole

    def _is_walled(self, is_stuck: bool, updated_at: str | None) -> bool:  # noqa: FBT001
        """The row moved, the page did not: the news lie behind the wall."""
        return is_stuck and self.kind is not Kind.TAIL and updated_at != self._updated_at

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
