"""Reading pages until everything is known that was there: forward from the marker, or back.

    FORWARD ──short page──────────────────────────> done
       │ refused, or a page that does not follow
       v
     BACK ──a known id, the beginning, nothing new─> done
       │ `before` does nothing, or too many pages
       v
    TRANSCRIPT ───────────────────────────────────> done

Pages are oldest first inside (moot.md 2.4). Walking back collects, and hands over oldest first.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.core.event import Event
from bridge.sources.moot.rules.marker import Marker
from bridge.wire import times

PAGE = 200  # events asked for; more is refused (moot.md 2.2)
WALK_PAGES_MAX = 500  # of one walk: 100,000 events are held in memory until it ends
SEARCH_PAGES = 3  # of a walk for an event that only a count tells of


class How(enum.StrEnum):
    """What kind of page is asked for."""

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
    """Something is missing and cannot be had."""

    reason: str
    after: str | None
    before: str | None
    missing: int | None = None


@dataclass(slots=True)
class Found:
    """What a page led to, to be taken in this order: the hole, then the events."""

    events: list[Event] = field(default_factory=list)
    hole: Hole | None = None


class CatchUp:
    """One catch-up. Ask what `page` names until `is_done`."""

    def __init__(
        self,
        marker: Marker,
        is_known: Callable[[str], bool],
        *,
        begins_at: str | None = None,
        search: int = 0,
    ) -> None:
        """`begins_at`: when the space began, as upstream says. `search`: so many events seem to
        have been passed over: walk back to a known one, and some pages further for those.
        """
        self.is_done = False
        self.pages = 0  # asked so far
        self._marker = marker
        self._is_known = is_known
        self._begins_at = begins_at
        self._search = search
        self._is_anchored = False
        self._checked: Page | None = None  # what comes after the check of an origin
        self.is_origin = False
        self._walked: list[list[Event]] = []  # newest page first, unknown events only
        self._walked_ids: set[str] = set()
        self._is_cold = marker.last is None
        first = Page(How.LATEST) if search or self._is_cold else Page(How.SINCE, marker.last)
        self.page = first

    @property
    def latest(self) -> list[Event]:
        """The newest page of a walk that has only begun."""
        return self._walked[0] if self.pages == 1 and self._walked else []

    @property
    def is_cold_walk(self) -> bool:
        """Nothing was ever taken, and what was found so far is not all."""
        return self._is_cold and not self.is_done and self.page.how is How.BEFORE

    def check_origin(self, first: Event) -> None:
        """Ask whether anything stands before this event, which a stream began with. If nothing
        does, the stream replays the history; else it brought what was written just now.
        """
        self._checked = self.page
        self.page = Page(How.BEFORE, first.id)

    def took(self, events: Sequence[Event], size: int) -> Found:
        """A page came: `size` counts what was in it, also what could not be read."""
        self.pages += 1
        if self._checked is not None:
            self.page, self._checked = self._checked, None
            # A server that does not know `before` shows the latest page: that tells nothing.
            self.is_origin = size == 0
            return Found()
        match self.page.how:
            case How.SINCE:
                return self._forward(events, size)
            case How.TRANSCRIPT:
                return self._whole(events)
        return self._back(events, size)

    def refused(self) -> Found:
        """Upstream does not take the cursor, or has no such route."""
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

    # -- forward

    def _forward(self, events: Sequence[Event], size: int) -> Found:
        fresh = self._fresh(events)
        cursor = self.page.cursor
        last = events[-1].id if events else None
        # The cursor itself, or a full page without news: this is not what stands behind it.
        is_stuck = size >= PAGE and (not fresh or last in (None, cursor))
        if is_stuck or any(event.id == cursor for event in events):
            self.page = Page(How.LATEST)
            return Found()
        if size < PAGE:
            self.is_done = True
        else:
            self.page = Page(How.SINCE, last)
        return Found(fresh)

    # -- back

    def _back(self, events: Sequence[Event], size: int) -> Found:
        fresh = [event for event in self._fresh(events) if event.id not in self._walked_ids]
        is_anchored = any(self._is_known(event.id) for event in events)
        if not any(event.id not in self._walked_ids for event in events) and self._walked:
            # Nothing new: the beginning, or a server that does not know `before` (2.7).
            return self._end(self._at_beginning()) if size < PAGE else self._to_transcript()
        self._walked.append(fresh)
        self._walked_ids.update(event.id for event in events)
        if size < PAGE:
            return self._end(None if is_anchored else self._at_beginning())
        self._is_anchored |= is_anchored
        found = sum(map(len, self._walked))
        if self._is_anchored and (found >= self._search or self.pages >= SEARCH_PAGES):
            return self._end(None)
        if self.pages >= WALK_PAGES_MAX:
            return self._to_transcript()
        oldest = next((event.id for event in events), None)
        if oldest is None:  # a page of what cannot be read names no place to go on from
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

    # -- the end

    def _fresh(self, events: Sequence[Event]) -> list[Event]:
        return [event for event in events if not self._is_known(event.id)]

    def _at_beginning(self) -> Hole | None:
        """The first event there is was reached, and none of them was known."""
        return self._lost("history_shrank")

    def _lost(self, reason: str) -> Hole | None:
        """What lies between the last event taken and the first one found cannot be had."""
        if self._search:
            return None  # the count says what is missing
        found = next((page[0] for page in reversed(self._walked) if page), None)
        if self._is_cold:
            # Never read: what came before is missing only if there is more than was found.
            is_all = reason == "history_shrank"
            return None if is_all or found is None else Hole(reason, None, found.id)
        return None if found is None else Hole(reason, self._marker.last, found.id)

    def _end(self, hole: Hole | None) -> Found:
        self.is_done = True
        events = [event for page in reversed(self._walked) for event in page]
        self._walked = []
        return Found(events, hole)
