"""Schedules reads of the journal: the request that has read least goes first.

A request reads in slices of a limited number of records. A request that finds its records in the
first slice finishes at once; a search through the whole journal yields to others between slices.
Without this, 16 searches without a match delayed a page of ten records by ten seconds.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

AT_ONCE = 2  # concurrent slices: the journal's thread reads one, the loop prepares one
LONG = 4  # slices after which a request counts as a search
SEARCHES_PER_CLIENT = 4  # per client in the queue; its other searches wait


class HungUpError(ConnectionResetError):
    """The client has gone, so nobody would read the result."""


class Turns:
    """The queue for reads of the journal. Used only on the event loop's thread."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._line: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._searching: Counter[str] = Counter()
        self._held_back: dict[str, list[tuple[int, int, asyncio.Future[None]]]] = {}

    def reading(self, client: str, has_hung_up: Callable[[], bool] = lambda: False) -> Reading:
        """Return the reads of one request; `client` is its address and name."""
        return Reading(self, client, has_hung_up)

    async def take(self, had: int) -> None:
        """Wait for a slice; requests with fewer slices go first, then older ones."""
        if self._free:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._line, (had, next(self._order), waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give_back()  # granted at the same instant
            raise

    def give_back(self) -> None:
        """Let the next request read."""
        while self._line:
            _, _, waiter = heapq.heappop(self._line)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    async def begin_search(self, client: str) -> None:
        """Wait until this client has fewer than SEARCHES_PER_CLIENT running searches."""
        if self._searching[client] < SEARCHES_PER_CLIENT:
            self._searching[client] += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._held_back.setdefault(client, [])
        heapq.heappush(line, (0, next(self._order), waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.end_search(client)
            raise

    def end_search(self, client: str) -> None:
        """Let the client's next search begin."""
        line = self._held_back.get(client, [])
        while line:
            _, _, waiter = heapq.heappop(line)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._held_back.pop(client, None)
        self._searching[client] -= 1
        if not self._searching[client]:
            del self._searching[client]


class Reading:
    """The slices of one request. Use it as a context, and `slice` around each read."""

    def __init__(self, turns: Turns, client: str, has_hung_up: Callable[[], bool]) -> None:
        self._turns = turns
        self._client = client
        self._has_hung_up = has_hung_up
        self._had = 0
        self._is_search = False

    async def __aenter__(self) -> Reading:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_search:
            self._turns.end_search(self._client)

    @asynccontextmanager
    async def slice(self) -> AsyncIterator[None]:
        """Wrap one read of the journal.

        Raises:
            HungUpError: The client has gone.
        """
        if self._had == LONG and not self._is_search:
            await self._turns.begin_search(self._client)
            self._is_search = True
        await self._turns.take(min(self._had, LONG))  # searches take turns among themselves
        self._had += 1
        try:
            if self._has_hung_up():
                raise HungUpError
            yield
        finally:
            self._turns.give_back()
