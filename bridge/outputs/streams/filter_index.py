"""Which of the filters in use want a record, without asking each of them."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.event import Feed, Record
from bridge.core.filter import EVERYTHING, Filter

_KINDS_MAX = 256  # remembered sorts of records; they are few, the bound is for surprises

Sort = tuple[str, str, str, str]  # account, system, kind and type of a record


class FilterIndex:
    """The filters in use. Filters with ids are found by id; those without by account, system, kind
    and type, of which there are so few that the answer is remembered.
    """

    def __init__(self) -> None:
        self._wants_all = False
        self._by_run: dict[str, set[Filter]] = {}
        self._without_run: set[Filter] = set()
        self._by_sort: dict[Sort, tuple[Feed, set[Filter]]] = {}

    def add(self, only: Filter) -> None:
        if only.is_empty:
            self._wants_all = True
        elif only.runs:
            for run in only.runs:
                self._by_run.setdefault(run, set()).add(only)
        else:
            self._without_run.add(only)
            # What is remembered stays: to ask again would be to ask all the others too.
            for sort, (feed, found) in self._by_sort.items():
                if _wants(only, feed, sort[-1]):
                    found.add(only)

    def remove(self, only: Filter) -> None:
        if only.is_empty:
            self._wants_all = False
        elif only.runs:
            for run in only.runs:
                filters = self._by_run[run]
                filters.remove(only)
                if not filters:
                    del self._by_run[run]
        else:
            self._without_run.remove(only)
            for _, found in self._by_sort.values():
                found.discard(only)

    def route(self, records: Sequence[Record]) -> dict[Filter, Sequence[Record]]:
        """Return, per filter that wants any of them, the records it wants, in order."""
        wanted: dict[Filter, list[Record]] = {}
        for record in records:
            feed = record.feed
            for only in self._by_run.get(feed.id, ()):
                if only.matches(feed, record.type):
                    wanted.setdefault(only, []).append(record)
            if self._without_run:
                for only in self._of_sort(record):
                    wanted.setdefault(only, []).append(record)
        routed: dict[Filter, Sequence[Record]] = {**wanted}
        if self._wants_all and records:
            routed[EVERYTHING] = records
        return routed

    def _of_sort(self, record: Record) -> set[Filter]:
        feed = record.feed
        sort = (feed.account, feed.system, feed.kind, record.type)
        known = self._by_sort.get(sort)
        if known is None:
            if len(self._by_sort) >= _KINDS_MAX:
                self._by_sort.clear()
            found = {only for only in self._without_run if _wants(only, feed, record.type)}
            known = self._by_sort[sort] = feed, found
        return known[1]


def _wants(only: Filter, feed: Feed, type_: str) -> bool:
    return only.matches_origin(feed) and only.matches_type(type_)
