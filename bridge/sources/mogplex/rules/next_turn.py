"""What the next turn of a run is for: a page of its events, its row alone, or a stream.

    state        what is known                           next turn
    UNTOUCHED    nothing of the run                       stream if the server resumes, else page
    UNVERIFIED   what a stream left behind, or nothing    stream if the last one was good, else page
    VERIFIED     a whole page, since the last stream      stream; else page, or row after silence
    FILLING      something is missing that a resumed      stream, until its tries are used up
                 stream can show
    AT REST      the run is paused or over                page, or row after silence

A page leads from everything but FILLING to VERIFIED, a stream that closes to UNVERIFIED, a page
with a hole before it to FILLING. Pure: instants are monotonic seconds.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

FILL_TRIES = 5  # connects tried to fill a hole before it is recorded as one
# Quiet for so long: read the row, where newer servers notice dead workers (mogplex.md 1.7).
IDLE_S = 60.0
LASTED_S = 30.0  # a stream this old was a good one, even if it brought nothing


class Turn(enum.Enum):
    """What a request is for."""

    PAGE = "page"
    ROW = "row"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What run and server look like now."""

    has_stream: bool = True  # the server has the route, and the operator wants it used
    does_resume: bool = False  # it is known to resume from an event
    may_resume: bool = False  # it may, for all that is known
    has_place: bool = False  # there is an event of the segment to resume from
    is_untouched: bool = False  # nothing was ever heard of the run
    is_at_rest: bool = False  # paused or over: its row said so, or its last event
    may_read_row: bool = True  # not while an end is being made sure of
    is_page_settled: bool = False  # the page cannot change any more; only the status can
    quiet_s: float = 0.0  # since anything was new, and since the row was read


@dataclass(slots=True)
class Turns:
    """Decides for one run; `closed`, `page_taken` and so on report what came of it."""

    stream_at: float = 0.0  # no connect before this instant
    connected_at: float = -math.inf  # when the last connect was sent
    resumes_first: bool = True  # a connect goes before the page: the last one brought something
    wants_fill: bool = False  # something may be missing that a resumed stream can show
    is_stuck: bool = False  # the last stream was to fill a hole and brought nothing
    is_verified: bool = False  # a whole page was read since the last stream closed
    fill_tries: int = 0  # connects to fill a hole, since any of them brought news

    # What next

    def next(self, now: float, seen: Seen) -> Turn:
        """What a turn at `now` is for."""
        if self.is_stream_due(now, seen):
            return Turn.STREAM
        return Turn.ROW if self._wants_row(seen) else Turn.PAGE

    def is_stream_due(self, now: float, seen: Seen) -> bool:
        """Whether a stream is the better use of it."""
        if now < self.stream_at or not seen.has_stream:
            return False
        if seen.is_untouched:
            return seen.does_resume  # its `run` frame and its replay tell what a page tells
        if not seen.has_place:
            return False  # connected afresh it begins anywhere, and no reply says where
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
        """Whether the row tells more than the page would."""
        if not self.is_verified or not seen.may_read_row:
            return False
        return seen.is_page_settled or seen.quiet_s >= IDLE_S

    # What came of it

    def connecting(self, now: float) -> None:
        """A stream is asked for."""
        self.connected_at = now
        self.fill_tries += self.wants_fill

    def closed(self, now: float, *, was_open: bool, brought: bool, wait_s: float) -> None:
        """It is over, or was refused (`was_open` False). `brought`: events that were news;
        `wait_s`: until another connect. The page read next says what is still missing.
        """
        # One that brings nothing and does not last is not worth a connect without a page.
        self.resumes_first = was_open and (brought or now - self.connected_at >= LASTED_S)
        if was_open:
            # One that is left because the run is over has not shown what it holds.
            self.is_stuck = self.wants_fill and not brought
        self.wants_fill = self.is_verified = False
        self.stream_at = now + wait_s

    def page_taken(self) -> None:
        """A whole page was handed over."""
        self.is_verified = True

    def hole_found(self) -> None:
        """A page begins behind something, or may: a stream is to show it first."""
        self.wants_fill = True

    def news(self) -> None:
        """Events came that were not known."""
        self.fill_tries = 0
