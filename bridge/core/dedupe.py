"""Remembers the ids of one feed: a bounded memory in front of the journal's unique key."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice


class SeenIds:
    """Forgets the oldest id beyond `ids_max`; the journal still knows it (promise J6).

    The default holds ten of upstream's longest runs seen so far (2,000 events); an id costs about
    130 bytes, so a feed costs 2.6 MB at the most and is dropped when the feed has ended.
    """

    __slots__ = ("_ids", "_ids_max")

    def __init__(self, ids: Iterable[str] = (), *, ids_max: int = 20_000) -> None:
        self._ids_max = ids_max
        self._ids: dict[str, None] = {}
        self.add(*ids)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def unknown(self, ids: Iterable[str]) -> set[str]:
        """Return the ids that have not been added yet."""
        return set(ids).difference(self._ids)

    def add(self, *ids: str) -> None:
        """Add ids, oldest first."""
        self._ids.update(dict.fromkeys(ids))
        beyond = len(self._ids) - self._ids_max
        if beyond > 0:
            for id_ in list(islice(self._ids, beyond)):
                del self._ids[id_]
