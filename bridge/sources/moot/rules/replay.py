"""Whether a stream brings the history by itself, and when it has come as far as what is known.

A server that replays sends the events of the space, oldest first, right after the head of the
stream (moot.md 2.4). Then the pages that would catch up need not be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bridge.core.event import Event

PEEK_S = 2.0  # a replay begins sooner than that after the head, or there is none


class Replay:
    """What is known of the replay of the open stream. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.is_first = False  # it fills a cold start, the pages wait
        self.peek_until: float | None = None  # whether it comes at all is awaited until then
        self._overlap: set[str] = set()  # ids of the newest page, which ends it

    def expect(self, now: float, latest: Iterable[Event]) -> None:
        """The newest page of a cold start is here: the rest may come in one piece."""
        self.peek_until = now + PEEK_S
        self._overlap = {event.id for event in latest}

    def is_peeking(self, now: float) -> bool:
        return self.peek_until is not None and now < self.peek_until

    def may_begin(self, first: Event, latest: Sequence[Event]) -> bool:
        """Whether `first` is older than the newest page, as the first event of a space would be."""
        if not latest or first.id in self._overlap:
            return False
        begins_s, page_s = first.created_at_s, latest[0].created_at_s
        return begins_s is not None and page_s is not None and begins_s <= page_s

    def has_met(self, fresh: Iterable[Event]) -> bool:
        """Whether it has come to the newest page: what follows is live."""
        return self.is_first and any(event.id in self._overlap for event in fresh)

    def forget(self) -> None:
        self.is_first = False
        self.peek_until = None
