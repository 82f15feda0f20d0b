"""The ids of a feed's records, for appends: read back once, then kept current."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress

from bridge.core.event import Feed
from bridge.journal.jetstream.engine import Engine
from bridge.journal.jetstream.messages import Subjects, id_of, token_of

FEEDS_MAX = 2_000  # feeds whose ids are held: the followed ones, with a reserve
IDS_MAX = 20_000  # of one feed; the oldest are dropped
_PAGE = 500
_PAGE_BYTES = 8 * 1024 * 1024


class Ids:
    """Ids by feed, oldest first. Belongs to the event loop."""

    def __init__(self, engine: Engine, subjects: Subjects) -> None:
        self._engine = engine
        self._subjects = subjects
        self._held: OrderedDict[str, dict[str, None]] = OrderedDict()  # by token
        self._loaded: set[str] = set()

    async def load(self, feeds: Mapping[str, Feed]) -> None:
        """Read back the ids of feeds that are not held.

        Raises:
            JournalUnavailableError: The engine does not answer now.
        """
        for source in feeds:
            token = token_of(source)
            if token in self._loaded:
                self._held.move_to_end(token)
                continue
            # from now on this object also notes what the tail brings
            self._held.setdefault(token, {})
            await self._read(token)
            self._loaded.add(token)
            while len(self._held) > max(FEEDS_MAX, len(feeds)):
                gone, _ = self._held.popitem(last=False)
                self._loaded.discard(gone)

    async def _read(self, token: str) -> None:
        """Read all ids in order; ids that the tail brings meanwhile follow them."""
        subject, after = self._subjects.of("ev", token), 0
        found: dict[str, None] = {}
        while True:
            page = await self._engine.many_of(subject, after + 1, _PAGE, _PAGE_BYTES)
            if not page:  # this copy may be behind: the leader knows
                one = await self._engine.next_of(subject, after + 1)
                if one is None:
                    break
                page = [one]
            for stored in page:
                with suppress(ValueError):  # a foreign message
                    found[id_of(stored.payload)] = None
            after = page[-1].seq
        found.update(self._held[token])
        self._held[token] = found

    def note(self, token: str, id_: str) -> None:
        """Note the id of a record that the tail brought."""
        if (ids := self._held.get(token)) is not None:
            self._add(ids, id_)

    def add(self, feed: Feed, id_: str) -> None:
        """Note a stored record."""
        self._add(self._held.setdefault(token_of(feed.source), {}), id_)

    @staticmethod
    def _add(ids: dict[str, None], id_: str) -> None:
        ids[id_] = None
        if len(ids) > IDS_MAX:
            del ids[next(iter(ids))]

    def has(self, feed: Feed, id_: str) -> bool:
        """Return whether a record of the feed has this id. The feed must be loaded."""
        return id_ in self._held.get(token_of(feed.source), ())

    def newest(self, feed: Feed, limit: int) -> list[str]:
        """Return the newest ids, oldest first. The feed must be loaded."""
        return list(self._held[token_of(feed.source)])[-limit:] if limit > 0 else []
