"""The small values of the stream in memory: feeds, states, wishes, checkpoints, floor.

Every replica has all of them, as new as its tail, so it can read a state that another replica
wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from bridge.core.event import Feed
from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream.ages import Ages
from bridge.journal.jetstream.engine import Stored
from bridge.journal.jetstream.messages import (
    Meta,
    Subjects,
    to_checkpoint,
    to_feed,
    to_meta,
    to_state,
    to_wish,
    token_of,
)


class Tables:
    """The newest value under each subject, by sequence."""

    def __init__(self, subjects: Subjects, meta: Meta, ages: Ages) -> None:
        self.subjects = subjects
        self.meta = meta
        self.ages = ages  # of checkpoints
        self.feeds: dict[str, Feed] = {}  # by token
        self._states: dict[str, tuple[int, FeedState]] = {}
        self._wishes: dict[str, tuple[int, Wish]] = {}
        self._checkpoints: dict[str, bytes] = {}
        self._seqs: dict[str, int] = {}  # by subject
        self._waiting: dict[str, list[Stored]] = {}  # messages that wait for the name of their feed
        self._next_place = 1
        self.on_wish: Callable[[Wish], None] = lambda _: None
        self.on_state: Callable[[FeedState], None] = lambda _: None

    def take(self, message: Stored) -> None:
        """Note a message; one that is older than the known one of its subject changes nothing."""
        if self._seqs.get(message.subject, 0) >= message.seq:
            return
        kind, token = self.subjects.split(message.subject)
        if kind in ("st", "wi") and token not in self.feeds:
            self._waiting.setdefault(token, []).append(message)
            return
        self._seqs[message.subject] = message.seq
        try:
            self._note(kind, token, message)
        except (ValueError, KeyError, TypeError, json.JSONDecodeError):
            return  # a foreign message; the operator's checks of the stream cover it

    def _note(self, kind: str, token: str, message: Stored) -> None:
        match kind:
            case "feed":
                self.feeds[token] = to_feed(message.payload)
                for waiting in self._waiting.pop(token, ()):
                    self.take(waiting)
            case "st":
                self._states[token] = to_state(self.feeds[token], message.payload)
                self._next_place = max(self._next_place, self._states[token][0] + 1)
                self.on_state(self._states[token][1])
            case "wi":
                self._wishes[token] = to_wish(self.feeds[token], message.payload)
                self._next_place = max(self._next_place, self._wishes[token][0] + 1)
                self.on_wish(self._wishes[token][1])
            case "cp":
                name, value = to_checkpoint(message.payload)
                self._checkpoints[name] = value
                self.ages.note(name, message.at)
            case "meta":
                self.meta = to_meta(message.payload)

    def states(self) -> list[FeedState]:
        """Return the state of every feed, in the order in which the feeds came."""
        return [state for _, state in sorted(self._states.values(), key=_place)]

    def wishes(self) -> list[Wish]:
        """Return the wish for every feed, in the order in which the wishes came."""
        return [wish for _, wish in sorted(self._wishes.values(), key=_place)]

    def checkpoint(self, name: str) -> bytes | None:
        """Return the value stored under the name; None if there is none."""
        return self._checkpoints.get(name)

    def knows(self, feed: Feed) -> bool:
        """Return whether the stream names this feed, so that its token can be read."""
        return token_of(feed.source) in self.feeds

    def place_of_state(self, feed: Feed) -> int:
        """Return the place of its first state among those of the others."""
        held = self._states.get(token_of(feed.source))
        return self._new_place() if held is None else held[0]

    def place_of_wish(self, feed: Feed) -> int:
        """Return the place of its first wish among those of the others."""
        held = self._wishes.get(token_of(feed.source))
        return self._new_place() if held is None else held[0]

    def _new_place(self) -> int:
        self._next_place += 1
        return self._next_place


def _place(entry: tuple[int, object]) -> int:
    return entry[0]
