"""Detects events that a page hides (mogplex.md 1.8, window detection).

Upstream shows at most `PAGE_FULL` events of a segment: the first ones (older servers: a head
window, which never moves) or the newest ones (newer servers: a tail window, which slides). A page
shorter than that is the whole history. No reply names the kind of window; the content of a full
page shows it:

- the oldest event taken has left the page: a tail window;
- the newest event taken is not on it, though the page ends before it: a head window;
- more was taken than a page holds, and the oldest of it is there: a head window;
- no event taken is on it, and it does not end before them: the window slid by more than a page.

While only the row changes behind a full page, the window may be either. One such change proves
nothing: upstream reads row and events separately, and rows change without events too.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.sources.mogplex.rules.segment import Segment

PAGE_FULL = 200  # events; upstream's cap (mogplex.md 1.4)
# Changes of the row behind an unchanged full page until that is a head window: a pause and a status
# that regresses make two without an event; an agent at work makes one with every event.
WALL_MOVES = 3


class Kind(enum.StrEnum):
    """Which events of a segment a full page shows: the first ones, or the newest ones."""

    UNKNOWN = "unknown"
    HEAD = "head"
    TAIL = "tail"


class Hole(enum.StrEnum):
    """Why events are missing; the `reason` of a gap record."""

    NONE = "none"
    JOINED_LATE = "joined_late"  # a tail window had already slid at the first read
    JUMPED = "window_jumped"  # it slid by more than a page between two reads
    EXHAUSTED = "window_exhausted"  # a head window is full and the run goes on behind it
    SWITCHED = "segment_switched"  # the run paused and went on between two reads
    UNREADABLE = "unreadable"  # an event that is no JSON
    SHRUNK = "history_shrank"  # upstream keeps showing less than before: see short_pages.py


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One page, before the follow takes its events."""

    ids: Sequence[str]  # oldest first
    last_s: float | None  # creation time of the last one
    begins_at_origin: bool  # the first event is the segment's first, as far as the page shows
    may_go_on: bool  # the run is not over, and the page does not end with its last event
    updated_at: str | None  # of the row
    is_alone: bool  # only pages are available: no stream can show what they hide


def has_shrunk(size: int, taken: int) -> bool:
    """Whether a page of `size` events lacks some of the `taken` ones of its segment."""
    return size < min(taken, PAGE_FULL)


@dataclass(slots=True)
class Window:
    """Watches the pages of one run, segment by segment."""

    kind: Kind = Kind.UNKNOWN
    is_proven: bool = False  # pages of this run showed the kind: it holds for other runs as well
    is_full: bool = False  # the latest page had PAGE_FULL events
    is_exhausted: bool = False  # Hole.EXHAUSTED was reported for this segment
    _updated_at: str | None = None  # of the row, with the latest full page
    _moves: int = 0  # changes of the row behind an unchanged page

    def new_segment(self) -> None:
        """Note a new aiCallId, whose pages start empty; the kind of window stays."""
        self.is_full = self.is_exhausted = False
        self._updated_at, self._moves = None, 0

    def look(self, page: PageSeen, taken: Segment, is_known: Callable[[str], bool]) -> Hole:
        """Judge a page before its events are taken. `is_known(id)`: the event was taken before."""
        self.is_full = len(page.ids) >= PAGE_FULL
        if not self.is_full:
            if not has_shrunk(len(page.ids), taken.count):
                return Hole.NONE
            taken.count = len(page.ids)  # reported once: the next page is compared with this one
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
        """Note that the content of pages shows this kind of window."""
        self.kind, self.is_proven = kind, True

    @staticmethod
    def _shows_too_much(page: PageSeen, taken: Segment) -> bool:
        """Whether more was taken than fits and the first event is there: a head window."""
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
        """Report once per segment that events behind a full head window cannot be read."""
        self.kind = Kind.HEAD
        if self.is_exhausted:
            return Hole.NONE
        self.is_exhausted = True
        return Hole.EXHAUSTED
