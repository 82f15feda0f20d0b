"""Hands over what a connection brings, piece by piece, to a reader that may stop waiting any time.

Cancelling an async generator ends it, so a separate task reads the connection. It reads one piece
ahead and no further: everything else stays in the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

CLOSED: Final = object()  # the connection has ended or broken
NOTHING: Final = object()  # the wait has ended without a piece


class Inbox:
    """Holds at most one piece."""

    def __init__(self) -> None:
        self._piece: object = NOTHING
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def fill(self, pieces: AsyncIterator[bytes | str]) -> None:
        """Read `pieces` to their end; CLOSED is the last one."""
        async for piece in pieces:
            await self._put(piece)
        await self._put(CLOSED)

    async def close(self) -> None:
        """Note that the connection broke."""
        await self._put(CLOSED)

    async def _put(self, piece: object) -> None:
        await self._room.wait()
        self._piece = piece
        self._room.clear()
        self._news.set()

    def stir(self) -> None:
        """End a wait early."""
        self._news.set()

    async def get(self, wait_s: float) -> object:
        """The next piece, or NOTHING after `wait_s` seconds or a stir."""
        if self._piece is NOTHING:
            self._news.clear()
            try:
                async with asyncio.timeout(max(wait_s, 0.0)):
                    await self._news.wait()
            except TimeoutError:
                return NOTHING
        piece, self._piece = self._piece, NOTHING
        self._room.set()
        return piece
