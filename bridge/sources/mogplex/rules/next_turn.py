"""Decides the purpose of a run's next turn: a page of its events, its row alone, or a stream.

    state        what is known                           next turn
    UNTOUCHED    nothing of the run                       stream if the server resumes, else page
    UNVERIFIED   what a stream left behind, or nothing    stream if the last one was good, else page
    VERIFIED     a whole page, since the last stream      stream; else page, or row after silence
    FILLING      something is missing that a resumed      stream, until its tries are used up
                 stream can show
    AT REST      the run is paused or over                page, or row after silence

A page leads from everything but FILLING to VERIFIED, a stream that closes to UNVERIFIED, a page
with a gap before it to FILLING. Pure: instants are monotonic seconds.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

FILL_TRIES = 5  # connects that try to fill a gap before the bridge records it
# After so long without news: read the row, where newer servers notice dead workers (mogplex.md
# 1.7).
IDLE_S = 60.0
LASTED_S = 30.0  # a stream that lasted so long was good, even if it brought nothing


class Turn(enum.Enum):
    """The purpose of a request."""

    PAGE = "page"
    ROW = "row"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The present state of run and server."""

    has_stream: bool = True  # the server has the route, and the operator allows it
    does_resume: bool = False  # it is known to resume from an event
    may_resume: bool = False  # it may resume, as far as the bridge knows
    has_place: bool = False  # the segment has an event to resume from
    is_untouched: bool = False  # the bridge has no reply about the run yet
    is_at_rest: bool = False  # paused or over, by its row or its last event
    may_read_row: bool = True  # False while the follow confirms an end
    is_page_settled: bool = False  # the page cannot change any more; only the status can
    quiet_s: float = 0.0  # seconds since the last news, and since the last read of the row


@dataclass(slots=True)
class Turns:
    """Decides for one run; `closed`, `page_taken` and the like report the outcome."""

    stream_at: float = 0.0  # no connect before this instant
    connected_at: float = -math.inf  # when the last connect was sent
    # connect before reading the page: the last connect brought something
    resumes_first: bool = True
    wants_fill: bool = False  # something may be missing that a resumed stream can show
    is_stuck: bool = False  # the last stream was to fill a gap and brought nothing
    is_verified: bool = False  # a whole page was read since the last stream closed
    fill_tries: int = 0  # connects to fill a gap, since one last brought news

    # What next

    def next(self, now: float, seen: Seen) -> Turn:
        """Decide the purpose of a turn at `now`."""
        if self.is_stream_due(now, seen):
            return Turn.STREAM
        return Turn.ROW if self._wants_row(seen) else Turn.PAGE

    def is_stream_due(self, now: float, seen: Seen) -> bool:
        """Whether a stream is the better use of a turn."""
        if now < self.stream_at or not seen.has_stream:
            return False
        if seen.is_untouched:
            return seen.does_resume  # its `run` frame and its replay show what a page shows
        if not seen.has_place:
            return False  # a new stream begins anywhere, and no reply says where
        if self.wants_fill:
            return True
        # After a terminal event a stream closes at once or stays silent for ever (mogplex.md 1.8).
        if seen.is_at_rest:
            return False
        return self.is_verified or (seen.does_resume and self.resumes_first)

    def may_fill(self, seen: Seen) -> bool:
        """Whether a resumed stream may show what is missing."""
        can_resume = seen.has_stream and seen.may_resume and seen.has_place
        return can_resume and self.fill_tries < FILL_TRIES

    def _wants_row(self, seen: Seen) -> bool:
        """Whether the row shows more than the page would."""
        if not self.is_verified or not seen.may_read_row:
            return False
        return seen.is_page_settled or seen.quiet_s >= IDLE_S

    # Outcomes

    def connecting(self, now: float) -> None:
        """Note that a connect leaves."""
        self.connected_at = now
        self.fill_tries += self.wants_fill

    def closed(self, now: float, *, was_open: bool, brought: bool, wait_s: float) -> None:
        """Note that a stream closed, or was refused; the next page says what is still missing.

        Args:
            now: The present instant.
            was_open: False when the connect was refused.
            brought: The stream brought new events.
            wait_s: Seconds until another connect.
        """
        # After a short stream without news, the follow reads a page before it connects again.
        self.resumes_first = was_open and (brought or now - self.connected_at >= LASTED_S)
        if was_open:
            # The follow left this stream because the run is over, so its silence proves nothing.
            self.is_stuck = self.wants_fill and not brought
        self.wants_fill = self.is_verified = False
        self.stream_at = now + wait_s

    def page_taken(self) -> None:
        """Note that a whole page was handed over."""
        self.is_verified = True

    def hole_found(self) -> None:
        """Note that events may be missing before a page: try a stream first."""
        self.wants_fill = True

    def news(self) -> None:
        """Note new events."""
        self.fill_tries = 0
