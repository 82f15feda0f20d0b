"""Wakes readers when the journal grew: waiters and listeners, once per commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.core.errors import JournalError

Listener = Callable[[int], None]


class Growth:
    """The head, and the waiting readers. Belongs to the event loop's thread.

    A waiter costs one bare future in a set: leaving is O(1), so thousands may be cancelled at once.
    One future shared by all would be cancelled with the first of them.
    """

    def __init__(self, head: int) -> None:
        self.head = head
        self._waiting: set[asyncio.Future[None]] = set()
        self._listeners: list[Listener] = []
        self._closed: JournalError | None = None

    async def wait_above(self, seq: int) -> None:
        """Return when the head is above `seq`.

        Raises:
            JournalError: The journal is closed.
        """
        while self.head <= seq:
            if self._closed is not None:
                raise self._closed
            grown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(grown)
            try:
                await grown
            finally:
                self._waiting.discard(grown)

    def add_listener(self, on_growth: Listener) -> Callable[[], None]:
        """Call `on_growth(head)` after each commit; returns a function that removes it."""
        self._listeners.append(on_growth)

        def remove() -> None:
            if on_growth in self._listeners:
                self._listeners.remove(on_growth)

        return remove

    def announce(self, head: int) -> None:
        """Set the head and wake all waiting readers."""
        self.head = head
        waiting, self._waiting = self._waiting, set()
        for grown in waiting:
            if not grown.done():
                grown.set_result(None)
        for on_growth in tuple(self._listeners):
            try:
                on_growth(head)
            except Exception as error:  # noqa: BLE001 - one listener's bug must not starve the others
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a journal listener failed", "exception": error}
                )

    def close(self, reason: JournalError) -> None:
        """Fail all waiting readers with `reason`."""
        self._closed = reason
        waiting, self._waiting = self._waiting, set()
        for grown in waiting:
            if not grown.done():
                grown.set_exception(reason)
