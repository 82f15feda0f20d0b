"""Merges equal concurrent requests: the first is made, the others wait for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Answers in progress, by request."""

    def __init__(self) -> None:
        self._made: dict[object, asyncio.Future[T]] = {}

    async def get(self, key: object, make: Callable[[], Awaitable[T]]) -> T:
        """The answer of the request in progress for `key`, else that of `make`.

        If the request in progress is cancelled, the next waiting caller makes its own.
        """
        while (made := self._made.get(key)) is not None:
            try:
                return await asyncio.shield(made)
            except asyncio.CancelledError:
                if not made.cancelled():
                    raise  # this client left; the request continues for the others
        made = self._made[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await make()
            made.set_result(answer)
            return answer
        finally:
            del self._made[key]
            if not made.done():
                made.cancel()
