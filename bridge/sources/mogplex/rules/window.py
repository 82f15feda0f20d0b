"""What a page of events hides (mogplex.md 1.8, window detection).

Upstream shows at most `PAGE_FULL` events of a segment: the first ones (older servers: a head
window, a wall for ever) or the newest ones (newer servers: a tail window, which slides). A page
shorter than that is the whole history. No reply says which window it is; what is on a full page and
what is not does:

- the oldest event taken has left the page: a tail window;
- the newest event taken is not on it, though the page ends before it: a head window;
- more was taken than a page holds, and the oldest of it is there: a head window;
- no event taken is on it, and it does not end before them: the window slid by more than a page.

While nothing but the row moves behind a full page it may be either. One such move proves nothing:
the row and the events are two reads of upstream, and rows move without events too.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.sources.mogplex.rules.segment import Segment

PAGE_FULL = 200  # events; upstream's cap (mogplex.md 1.4)
# Moves of the row behind an unchanged full page until that is a wall: a pause and a status that
# regresses move it twice without an event; an agent at work moves it with every event.
WALL_MOVES = 3


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
    SWITCHED = "segment_switched"  # the run paused and went on between two reads
    UNREADABLE = "unreadable"  # an event that is no JSON
    SHRUNK = "history_shrank"  # upstream insists on less than it had shown: see doubt.py


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One page, before its events are taken."""

    ids: Sequence[str]  # oldest first
    last_s: float | None  # creation time of the last one
    begins_at_origin: bool  # the first one is the segment's first, as far as can be told
    may_go_on: bool  # the run is not over and the page does not end with its last event
    updated_at: str | None  # the row's
    is_alone: bool  # pages are all there is: no stream can show what they hide


def has_shrunk(size: int, taken: int) -> bool:
    """Whether a page of `size` events lacks some of the `taken` that were shown of its segment."""
    return size < min(taken, PAGE_FULL)


@dataclass(slots=True)
class Window:
    """Watches the pages of one run, segment by segment."""

    kind: Kind = Kind.UNKNOWN
    is_proven: bool = False  # pages of this run showed the kind: it holds for others as well
    is_full: bool = False  # the latest page had PAGE_FULL events
    is_exhausted: bool = False  # Hole.EXHAUSTED was told for this segment
    _updated_at: str | None = None  # of the row, with the latest full page
    _moves: int = 0  # of the row behind a page that stayed

    def new_segment(self) -> None:
        self.is_full = self.is_exhausted = False
        self._updated_at, self._moves = None, 0

    def look(self, page: PageSeen, taken: Segment, is_known: Callable[[str], bool]) -> Hole:
        """Judge a page before its events are taken. `is_known(id)`: it was taken before."""
        self.is_full = len(page.ids) >= PAGE_FULL
        if not self.is_full:
            if not has_shrunk(len(page.ids), taken.count):
                return Hole.NONE
            taken.count = len(page.ids)  # told once: the next page is measured by this one
            return Hole.SHRUNK
        ends_before = page.last_s is not None and page.last_s < taken.newest_s
        if not any(map(is_known, page.ids)):
            if taken.last_id is None and not page.begins_at_origin:
                self.kind = Kind.TAIL
                return Hole.JOINED_LATE
            if taken.last_id is not None and not ends_before:
                self.prove(Kind.TAIL)
                return Hole.JUMPED
        if ends_before or self._shows_too_much(page, taken):
            self.prove(Kind.HEAD)
        elif taken.oldest_id is not None and taken.oldest_id not in page.ids:
            self.prove(Kind.TAIL)
        return self.exhaust() if self._is_walled(page) else Hole.NONE

    def prove(self, kind: Kind) -> None:
        self.kind, self.is_proven = kind, True

    @staticmethod
    def _shows_too_much(page: PageSeen, taken: Segment) -> bool:
        """More was taken than fits, and yet the first one is there: no tail window does that."""
        return (
            taken.count > PAGE_FULL
            and taken.oldest_id in page.ids
            and taken.oldest_s < (page.last_s or 0.0)
        )

    def _is_walled(self, page: PageSeen) -> bool:
        if self.kind is Kind.TAIL or not page.may_go_on or not page.is_alone:
            return False
        self._moves += self._updated_at not in (None, page.updated_at)
        self._updated_at = page.updated_at
        return self._moves >= (1 if self.kind is Kind.HEAD else WALL_MOVES)

    def may_hide(self) -> bool:
        """Whether there may be events behind the latest page."""
        return self.is_full and self.kind is not Kind.TAIL

    def exhaust(self) -> Hole:
        """Events behind a full head window cannot be seen; told once for a segment."""
        self.kind = Kind.HEAD
        if self.is_exhausted:
            return Hole.NONE
        self.is_exhausted = True
        return Hole.EXHAUSTED
