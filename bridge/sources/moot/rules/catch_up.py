"""Reads pages until all earlier events are known: forward from the marker, or backward.

    FORWARD ──short page──────────────────────────> done
       │ refused, or a page that does not follow
       v
     BACK ──a known id, the beginning, nothing new─> done
       │ `before` does nothing, or too many pages
       v
    TRANSCRIPT ───────────────────────────────────> done

Within a page the oldest event is first (moot.md 2.4). Reading backward collects all pages, and
hands them over oldest first.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.core.event import Event
from bridge.sources.moot.rules.marker import Marker
from bridge.wire import times

PAGE = 200  # events requested; upstream refuses more (moot.md 2.2)
WALK_PAGES_MAX = 500  # of one backward read: memory holds 100,000 events until it ends
SEARCH_PAGES = 3  # without news, of a backward read for events that only upstream's count shows


class How(enum.StrEnum):
    """The kinds of pages to request."""

    SINCE = "since"
    BEFORE = "before"
    LATEST = "latest"
    TRANSCRIPT = "transcript"


@dataclass(frozen=True, slots=True)
class Page:
    """One request: `cursor` is an event id, for a transcript the time to begin at."""

    how: How
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """Events are missing that upstream does not show."""

    reason: str
    after: str | None
    before: str | None
    missing: int | None = None


@dataclass(slots=True)
class Found:
    """The result of a page, to be taken in this order: the gap, then the events."""

    events: list[Event] = field(default_factory=list)
    hole: Hole | None = None


class CatchUp:
    """One catch-up. Request the page that `page` names until `is_done`."""

    def __init__(
        self,
        marker: Marker,
        is_known: Callable[[str], bool],
        *,
        begins_at: str | None = None,
        search: int = 0,
    ) -> None:
        """Begin at a marker.

        Args:
            marker: The event to continue from.
            is_known: Whether an event was taken before.
            begins_at: When the space began, as upstream says.
            search: The number of events that seem to be missing: read backward to a known one, and
                some pages further for those.
        """
        self.is_done = False
        self.pages = 0  # requested so far
        self._marker = marker
        self._is_known = is_known
        self._begins_at = begins_at
        self._search = search
        self._is_anchored = False
        self._checked: Page | None = None  # the page that follows the check of an origin
        self.is_origin = False
        self._barren = 0  # pages without news of a backward read, in a row
        self._walked: list[list[Event]] = []  # newest page first, new events only
        self._walked_ids: set[str] = set()
        self._is_cold = marker.last is None
        first = Page(How.LATEST) if search or self._is_cold else Page(How.SINCE, marker.last)
        self.page = first

    @property
    def latest(self) -> list[Event]:
        """The newest page of a backward read that has only begun."""
        return self._walked[0] if self.pages == 1 and self._walked else []

    @property
    def is_cold_walk(self) -> bool:
        """Whether nothing was ever taken, and the pages so far are not all."""
        return self._is_cold and not self.is_done and self.page.how is How.BEFORE

    def check_origin(self, first: Event) -> None:
        """Request the events before this one, the first of a stream.

        If there are none, the stream replays the history; else it brought new events only.
        """
        self._checked = self.page
        self.page = Page(How.BEFORE, first.id)

    def took(self, events: Sequence[Event], size: int) -> Found:
        """Take a page; `size` counts all its events, also unreadable ones."""
        self.pages += 1
        if self._checked is not None:
            self.page, self._checked = self._checked, None
            # A server that ignores `before` shows the latest page, which proves nothing.
            self.is_origin = size == 0
            return Found()
        match self.page.how:
            case How.SINCE:
                return self._forward(events, size)
            case How.TRANSCRIPT:
                return self._whole(events)
        return self._back(events, size)

    def refused(self) -> Found:
        """Note that upstream refused the cursor, or has no such route."""
        self.pages += 1
        if self._checked is not None:
            self.page, self._checked = self._checked, None
            return Found()
        if self.page.how is How.SINCE:
            self.page = Page(How.LATEST)
            return Found()
        if self.page.how is How.TRANSCRIPT:
            return self._end(self._lost("cursor_lost"))
        return self._to_transcript()

    # Forward

    def _forward(self, events: Sequence[Event], size: int) -> Found:
        fresh = self._fresh(events)
        cursor = self.page.cursor
        last = events[-1].id if events else None
        # This page is not what follows the cursor: it holds the cursor itself, or is full without
        # news.
        is_stuck = size >= PAGE and (not fresh or last in (None, cursor))
        if is_stuck or any(event.id == cursor for event in events):
            self.page = Page(How.LATEST)
            return Found()
        if size < PAGE:
            self.is_done = True
        else:
            self.page = Page(How.SINCE, last)
        return Found(fresh)

    # Backward

    def _back(self, events: Sequence[Event], size: int) -> Found:
        fresh = [event for event in self._fresh(events) if event.id not in self._walked_ids]
        is_anchored = any(self._is_known(event.id) for event in events)
        if not any(event.id not in self._walked_ids for event in events) and self._walked:
            # Nothing new: the beginning, or a server that ignores `before` (2.7).
            return self._end(self._at_beginning()) if size < PAGE else self._to_transcript()
        self._walked.append(fresh)
        self._walked_ids.update(event.id for event in events)
        if size < PAGE:
            return self._end(None if is_anchored else self._at_beginning())
        self._is_anchored |= is_anchored
        found = sum(map(len, self._walked))
        self._barren = 0 if fresh else self._barren + 1
        if self._is_anchored and (found >= self._search or self._barren >= SEARCH_PAGES):
            return self._end(None)
        if self.pages >= WALK_PAGES_MAX:
            return self._to_transcript()
        oldest = next((event.id for event in events), None)
        if oldest is None:  # a page of unreadable events has no cursor to continue from
            return self._to_transcript()
        self.page = Page(How.BEFORE, oldest)
        return Found()

    def _to_transcript(self) -> Found:
        start = self._start()
        if self._search or start is None:
            return self._end(self._lost("cursor_lost"))
        self.page = Page(How.TRANSCRIPT, start)
        return Found()

    def _start(self) -> str | None:
        if self._marker.at_s is not None:
            return times.rfc3339(self._marker.at_s)
        return self._begins_at if self._is_cold else None

    def _whole(self, events: Sequence[Event]) -> Found:
        known = {event.id for event in events}
        newer = [event for page in self._walked for event in page if event.id not in known]
        self._walked = [newer, self._fresh(events)]
        is_anchored = self._is_cold or any(self._is_known(event.id) for event in events)
        return self._end(None if is_anchored else self._lost("cursor_lost"))

    # The end

    def _fresh(self, events: Sequence[Event]) -> list[Event]:
        return [event for event in events if not self._is_known(event.id)]

    def _at_beginning(self) -> Hole | None:
        """The first event of the space was reached, and none of the events was known."""
        return self._lost("history_shrank")

    def _lost(self, reason: str) -> Hole | None:
        """Upstream does not show the events between the last taken one and the first one found."""
        if self._search:
            return None  # the count shows how many are missing
        found = next((page[0] for page in reversed(self._walked) if page), None)
        if self._is_cold:
            # Never read: earlier events are missing only if there are more than were found.
            is_all = reason == "history_shrank"
            return None if is_all or found is None else Hole(reason, None, found.id)
        return None if found is None else Hole(reason, self._marker.last, found.id)

    def _end(self, hole: Hole | None) -> Found:
        self.is_done = True
        events = [event for page in reversed(self._walked) for event in page]
        self._walked = []
        return Found(events, hole)
