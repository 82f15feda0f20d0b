"""Decides whether a stream replays the history, and when the replay reaches known events.

A server that replays sends the events of the space, oldest first, right after the head of the
stream (moot.md 2.4). Then the follow need not request pages to catch up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.core.event import Event

PEEK_S = 2.0  # a replay begins within this time after the head, or there is none


class Replay:
    """The replay of the open stream, as far as known. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.is_first = False  # the replay fills a cold start, the pages wait
        self.peek_until: float | None = None  # until then the follow waits for a replay to begin
        self._overlap: set[str] = set()  # ids of the newest page, at which the replay ends

    def expect(self, now: float, latest: Iterable[Event]) -> None:
        """Note the newest page of a cold start: the stream may bring all others."""
        self.peek_until = now + PEEK_S
        self._overlap = {event.id for event in latest}

    def is_peeking(self, now: float) -> bool:
        """Return whether the follow still waits for a replay to begin."""
        return self.peek_until is not None and now < self.peek_until

    def may_begin(self, first: Event, latest: Sequence[Event]) -> bool:
        """Whether `first` is older than the newest page, as the first event of a space would be."""
        if not latest or first.id in self._overlap:
            return False
        begins_s, page_s = first.created_at_s, latest[0].created_at_s
        return begins_s is not None and page_s is not None and begins_s <= page_s

    def has_met(self, fresh: Iterable[Event]) -> bool:
        """Whether the replay has reached the newest page; later events are live."""
        return self.is_first and any(event.id in self._overlap for event in fresh)

    def forget(self) -> None:
        """Forget the replay, because the stream has ended or brings none."""
        self.is_first = False
        self.peek_until = None
