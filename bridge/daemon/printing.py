"""Prints the records of a journal in order, each once, and the lines that depend on time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from bridge.clock import Clock
from bridge.journal.port import Journal
from bridge.outputs.story.printer import Printer, Seen

PRINT_RECORDS = 500  # records per write; a pipe takes 64 KiB at a time anyway
TICK_S = 0.25  # between clock checks, for an unfinished sentence and a live status line


class Pin(Protocol):
    """Keeps unprinted records in a journal that drops old ones."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def move_to(self, after: int) -> None:
        """Release the records up to this position."""
        ...


class Printing:
    """Feeds a journal to a printer. `write` may block: a slow reader then delays requests."""

    def __init__(
        self,
        journal: Journal,
        pin: Pin,
        printer: Printer,
        write: Callable[[bytes], None],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._pin = pin
        self._printer = printer
        self._write = write
        self._clock = clock
        self._after = 0
        self._moved = asyncio.Event()
        # One write at a time: `end` may be called while `run` stops.
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Print until cancelled. Errors of `write` and of the journal pass through."""
        with self._pin as pin:
            while True:
                page = await self._journal.read(self._after, PRINT_RECORDS)
                now = self._clock.monotonic()
                if page.records:
                    seen = [Seen.of(record) for record in page.records]
                    await self._put(self._printer.take(seen, now))
                else:
                    await self._put(self._printer.tick(now))
                self._after = page.next_after
                pin.move_to(self._after)
                self._moved.set()
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._journal.wait_above(self._after)
                except TimeoutError:
                    pass

    async def until_printed(self) -> None:
        """Return when every record that is in the journal now has been printed."""
        head = self._journal.head
        while self._after < head:
            self._moved.clear()
            await self._moved.wait()

    async def end(self) -> None:
        """Print what the printer still holds, and its summary."""
        await self._put(self._printer.end(self._clock.monotonic()))

    async def _put(self, text: bytes) -> None:
        if text:
            async with self._writing:
                # In a thread, because a full pipe must not block running requests.
                await asyncio.to_thread(self._write, text)
