"""The pages of a run's events: where the next one begins, and when a round of them is over.

`after_id` is exclusive and the order ascending. MIOSA documents no page size, so a page shorter
than requested may be the whole rest or a server's limit: it ends a round, but only an empty page
proves that nothing is behind it. A stream never moves the cursor; when a page shows an event that
the stream brought earlier, the source drops it by its id.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

ASKED = 200  # events asked for; a server may give fewer
CLAMP_LEAST = 5  # a shorter page followed by another comes from a growing run, not from a limit
AHEAD_MAX = 20_000  # ids from a stream that no page has shown; the oldest are forgotten


class Next(enum.Enum):
    """What to do after a page."""

    MORE = "more"  # request the next page at once
    LATER = "later"  # the round is over
    EMPTY = "empty"  # the round is over, and nothing is behind the cursor now


@dataclass(slots=True)
class Clamp:
    """The longest page that was not the last one: this server's page size. One per base URL."""

    size: int = 0


@dataclass(slots=True)
class PageCursor:
    """Reads one run's pages. `after` must survive a restart."""

    clamp: Clamp
    after: str | None = None
    is_doubted: bool = False  # read the pages from the start once more
    was_reread: bool = False
    _previous: int = 0  # events on the page before, of the same round
    _ahead: dict[str, None] = field(default_factory=dict)  # from the stream, not yet on a page

    def took_stream(self, event_id: str) -> None:
        """Note an event from the stream; a page has to show it too."""
        self._ahead[event_id] = None
        if len(self._ahead) > AHEAD_MAX:
            self._ahead.pop(next(iter(self._ahead)))

    def took_page(self, ids: Sequence[str], *, is_first: bool) -> Next:
        """Note the ids of a page after `after`; `is_first` when nothing of the run is known."""
        for event_id in ids:
            self._ahead.pop(event_id, None)
        if not ids:
            self._previous = 0
            return self._emptied()
        if self._previous >= CLAMP_LEAST:
            self.clamp.size = max(self.clamp.size, self._previous)
        self.after = ids[-1]
        is_full = len(ids) >= ASKED or 0 < self.clamp.size <= len(ids)
        may_be_clamped = not self.clamp.size and len(ids) >= CLAMP_LEAST
        if is_full or (is_first and may_be_clamped):
            self._previous = len(ids)
            return Next.MORE
        self._previous = 0
        return Next.LATER

    def _emptied(self) -> Next:
        """Judge an empty page: if the stream had news, upstream may have lost the cursor."""
        if self._ahead and self.after is not None and not self.was_reread:
            self.begin_again()
            return Next.MORE
        self._ahead.clear()
        return Next.EMPTY

    def begin_again(self) -> None:
        """Read from the start, once: the server no longer knows the cursor, or seems not to."""
        self.was_reread = True
        self.is_doubted = self.after is not None
        self.after = None
        self._previous = 0
