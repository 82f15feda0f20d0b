"""Finds the filters that pass a record without testing each filter."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.event import Feed, Record
from bridge.core.filter import EVERYTHING, Filter

_KINDS_MAX = 256  # remembered sorts of records; usually far fewer

Sort = tuple[str, str, str, str]  # account, system, kind and type of a record


class FilterIndex:
    """The filters in use.

    Filters with ids are found by id. The result for filters without ids is remembered by account,
    system, kind and type, of which there are few combinations.
    """

    def __init__(self) -> None:
        self._wants_all = False
        self._by_id: dict[str, set[Filter]] = {}
        self._without_id: set[Filter] = set()
        self._by_sort: dict[Sort, tuple[Feed, set[Filter]]] = {}

    def add(self, only: Filter) -> None:
        """Add a filter when its first subscriber comes."""
        if only.is_empty:
            self._wants_all = True
        elif only.ids:
            for id_ in only.ids:
                self._by_id.setdefault(id_, set()).add(only)
        else:
            self._without_id.add(only)
            # Keep the remembered results: dropping them would test all other filters again.
            for sort, (feed, found) in self._by_sort.items():
                if _wants(only, feed, sort[-1]):
                    found.add(only)

    def remove(self, only: Filter) -> None:
        """Remove a filter that was added, when its last subscriber has left."""
        if only.is_empty:
            self._wants_all = False
        elif only.ids:
            for id_ in only.ids:
                filters = self._by_id[id_]
                filters.remove(only)
                if not filters:
                    del self._by_id[id_]
        else:
            self._without_id.remove(only)
            for _, found in self._by_sort.values():
                found.discard(only)

    def route(self, records: Sequence[Record]) -> dict[Filter, Sequence[Record]]:
        """Return, for each filter that passes any records, those records in order."""
        wanted: dict[Filter, list[Record]] = {}
        for record in records:
            feed = record.feed
            for only in self._by_id.get(feed.id, ()):
                if only.matches(feed, record.type):
                    wanted.setdefault(only, []).append(record)
            if self._without_id:
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
            found = {only for only in self._without_id if _wants(only, feed, record.type)}
            known = self._by_sort[sort] = feed, found
        return known[1]


def _wants(only: Filter, feed: Feed, type_: str) -> bool:
    return only.matches_origin(feed) and only.matches_type(type_)
