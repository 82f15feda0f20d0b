"""Reads the lists of spaces: one request shows the status of all of them.

A list of active spaces replaces reads of each one's status; a space in no list is read by itself.
With `discover`, lists also show spaces that nobody named, and archived ones that are active again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from bridge.core.event import Feed
from bridge.core.pace.line import Rank
from bridge.sources.moot.api import Row
from bridge.sources.moot.desk import Desk
from bridge.sources.moot.errors import Refusal
from bridge.sources.moot.follow import SpaceFollow
from bridge.sources.moot.settings import checked_space_id
from bridge.sources.port import Discovered

LIST_S = 20.0  # between two lists; with the wait at the gate, a status stays under 30 s old
ALONE_MAX = 2  # so few follows read their own status at the price of a list
ACTIVE, PAUSED = "active", "paused"


class Lister:
    """Reads the lists of one account while any follow needs them."""

    def __init__(
        self,
        desk: Desk,
        follows: Mapping[str, SpaceFollow],
        discovered: Discovered,
        feed_of: Callable[[str], Feed],
    ) -> None:
        """`follows` maps space ids to the present follows; the source changes it."""
        self.discovers = False
        self._desk = desk
        self._follows = follows
        self._discovered = discovered
        self._feed_of = feed_of
        # Listed spaces whose follow failed, as a forbidden one does: another try would fail as
        # well. One that leaves the list and comes back is followed again.
        self.given_up: set[str] = set()

    async def run(self) -> None:
        """Read lists for ever."""
        while True:
            if self._is_needed() and self._desk.verdict is None:
                await self._round()
            await asyncio.sleep(LIST_S)

    def _is_needed(self) -> bool:
        return self.discovers or len(self._follows) > ALONE_MAX

    async def _round(self) -> None:
        """Read every useful list, then apply it."""
        rows: dict[str, Row] = {}
        statuses = [ACTIVE]
        if self.discovers or any(f.rules.status == PAUSED for f in self._follows.values()):
            statuses.append(PAUSED)
        for status in statuses:
            listed = await self._list(status)
            if listed is None:
                return
            for row in listed:
                rows.setdefault(row.id, row)
        self.given_up &= rows.keys()
        for space_id, follow in list(self._follows.items()):
            if space_id in rows:
                await follow.listed(rows[space_id])
            else:
                follow.unlisted()
        if self.discovers:
            for row in rows.values():
                await self._found(row)

    async def _list(self, status: str) -> list[Row] | None:
        """Return the rows that are in the requested status; None when there was no answer."""
        desk = self._desk
        rank = Rank.WATCH if self._follows else Rank.FIND
        async with desk.gate.turn(("list",), rank) as turn:
            if desk.verdict is not None:
                return None
            started = desk.clock.monotonic()
            turn.sent()
            rows = await desk.api.spaces(status)
            turn.answered()
        if isinstance(rows, Refusal):
            desk.failed("spaces.list", started, rows)
            return None
        desk.accepted("spaces.list", started)
        return [row for row in rows if row.reading.status in (ACTIVE, PAUSED)]

    async def _found(self, row: Row) -> None:
        """Report a space for following; an archived one returns only when it is active again."""
        is_taken = row.id in self._follows or row.id in self.given_up
        if is_taken or checked_space_id(row.id) is None:
            return
        if await self._discovered.found(self._feed_of(row.id), again=True):
            self._desk.count("discovered_total")
