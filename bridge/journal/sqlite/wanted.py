"""The numbers of feeds and types in one file, and filters in these numbers.

A search for rare records examines every record. SQLite skips one ten times as fast as Python, as
long as only the columns before the body are compared.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bridge.core.event import Feed
from bridge.core.filter import Filter
from bridge.journal.sqlite.formats import TYPES_MAX, Asked

# The most numbers in a statement; Python applies the rest of a larger filter.
NUMBERS_MAX = 500
_AND = " AND "
_CONDITIONS_MAX = 256  # cached: filters come from clients


class Condition(NamedTuple):
    """A filter as far as SQL can apply it; it may let more through, never less."""

    sql: str  # begins with AND, or is empty
    is_hopeless: bool = False  # no record of the file can match


NOTHING_SAID = Condition("")


class Wanted:
    """The known numbers of one file. Blocking, as `Rows`; raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.asked = Asked(connection)
        self.feeds: dict[int, Feed] = {}
        self.types: dict[Any, str] = {}
        self._feeds_of_id: dict[str, list[int]] = {}
        self._feeds_of_origin: dict[tuple[str, str, str], list[int]] = {}
        self._newest_feed = self._newest_type = 0
        self._conditions: dict[tuple[Filter, int, int], Condition] = {}

    def learn(self) -> None:
        """Read the numbers that were added since; a number never changes its meaning."""
        for number, *columns in self._db.execute(self.asked.feeds_above, (self._newest_feed,)):
            feed = self.feeds[number] = Feed(*columns)
            self._feeds_of_id.setdefault(feed.id, []).append(number)
            origin = (feed.system, feed.account, feed.kind)
            self._feeds_of_origin.setdefault(origin, []).append(number)
            self._newest_feed = max(self._newest_feed, number)
        newer = "SELECT type, name FROM type WHERE type > ?"
        for number, name in self._db.execute(newer, (self._newest_type,)):
            self.types[number] = name
            self._newest_type = max(self._newest_type, number)

    def feeds_of_ids(self, only: Filter) -> list[int]:
        """Return the named feeds that match."""
        return [
            feed
            for id_ in only.ids
            for feed in self._feeds_of_id.get(id_, ())
            if only.matches_feed(self.feeds[feed])
        ]

    def condition(self, only: Filter) -> Condition:
        """Return the condition for records that were in the file at the last `learn`."""
        key = (only, self._newest_feed, self._newest_type)
        known = self._conditions.get(key)
        if known is None:
            if len(self._conditions) >= _CONDITIONS_MAX:
                self._conditions.clear()
            known = self._conditions[key] = self._condition(only)
        return known

    def _condition(self, only: Filter) -> Condition:
        feeds, types = self._condition_of_feeds(only), NOTHING_SAID
        if only.types:
            passing = [number for number, name in self.types.items() if only.matches_type(name)]
            others = [number for number, name in self.types.items() if not only.matches_type(name)]
            types = _among("type", passing, others)
            if len(self.types) >= TYPES_MAX and types.sql:  # further types are text in their rows
                types = Condition(f" AND (typeof(type) = 'text' OR {types.sql[len(_AND) :]})")
        return Condition(feeds.sql + types.sql, feeds.is_hopeless or types.is_hopeless)

    def _condition_of_feeds(self, only: Filter) -> Condition:
        if only.ids:
            named = self.feeds_of_ids(only)
            return NOTHING_SAID if len(named) > NUMBERS_MAX else _one_of("feed", named)
        passing: list[int] = []
        others: list[int] = []
        for numbers in self._feeds_of_origin.values():
            is_wanted = only.matches_origin(self.feeds[numbers[0]])
            (passing if is_wanted else others).extend(numbers)
        return _among("feed", passing, others)


def _among(column: str, passing: Sequence[int], others: Sequence[int]) -> Condition:
    """Return a condition for one column: in `passing`, or not in `others` if these are few."""
    if not others and passing:
        return NOTHING_SAID
    if len(passing) <= NUMBERS_MAX:
        return _one_of(column, passing)
    if len(others) <= NUMBERS_MAX:
        return Condition(f"{_AND}{column} NOT IN ({_list(others)})")
    return NOTHING_SAID


def _one_of(column: str, numbers: Sequence[int]) -> Condition:
    return Condition(f"{_AND}{column} IN ({_list(numbers)})", is_hopeless=not numbers)


def _list(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))
