"""The subscribers at the head, grouped by filter and format to encode each batch once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.outputs.streams.filter_index import FilterIndex
from bridge.outputs.streams.formats import Format
from bridge.outputs.streams.subscriber import State, Subscriber


class AtHead:
    """Holds exactly the subscribers in the state LIVE."""

    def __init__(self) -> None:
        self._members: dict[Filter, dict[Format, set[Subscriber]]] = {}
        self._filters: dict[Filter, Filter] = {}  # the one object of each filter
        self._index = FilterIndex()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Subscriber]:
        """All members; they may leave during the iteration."""
        return iter([s for formats in self._members.values() for m in formats.values() for s in m])

    def join(self, subscriber: Subscriber) -> None:
        """Add a subscriber that has every record up to the head; its state becomes LIVE.

        It then holds the same filter object as all others with an equal filter: a filter takes up
        to a kilobyte, half of what an idle stream takes in all.
        """
        only = subscriber.only = self._filters.setdefault(subscriber.only, subscriber.only)
        formats = self._members.get(only)
        if formats is None:
            formats = self._members[only] = {}
            self._index.add(only)
        formats.setdefault(subscriber.format, set()).add(subscriber)
        subscriber.state = State.LIVE
        self._count += 1

    def leave(self, subscriber: Subscriber, position: int) -> None:
        """Remove a subscriber that has everything up to `position`; the caller sets its state."""
        formats = self._members[subscriber.only]
        members = formats[subscriber.format]
        members.remove(subscriber)
        if not members:
            del formats[subscriber.format]
            if not formats:
                del self._members[subscriber.only], self._filters[subscriber.only]
                self._index.remove(subscriber.only)
        self._count -= 1
        subscriber.position = position

    def wanting(
        self, records: Sequence[Record]
    ) -> Iterator[tuple[Format, set[Subscriber], Sequence[Record]]]:
        """For each format of each filter that passes some records: the subscribers, the records."""
        for only, wanted in self._index.route(records).items():
            for format_, members in list(self._members.get(only, {}).items()):
                yield format_, members, wanted
