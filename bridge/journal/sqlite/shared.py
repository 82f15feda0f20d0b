"""The journal's file in a process that only serves readers, while another process writes it.

The writer reports its head; this process reads the new rows once, into memory, and serves all
readers at the head from there. Older records come from the file, as in the writing process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from bridge.core.errors import JournalError
from bridge.core.event import Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.journal.port import Page
from bridge.journal.recent import BYTES_MAX, Recent
from bridge.journal.sqlite.reader import open_rows, read_last_from
from bridge.journal.sqlite.rows import Rows
from bridge.journal.wake_ups import Growth

T = TypeVar("T")

_PAGE_RECORDS = 2000  # of the newest records, read at a time
_AGAIN_S = 0.2  # after a failed read


class SharedJournal:
    """A `Reader` whose growth can be awaited. Run `run` as a task; call `told` at any time."""

    def __init__(
        self,
        rows: Rows,
        reading: ThreadPoolExecutor,
        epoch: str,
        bounds: tuple[int, int],
        recent_bytes_max: int,
    ) -> None:
        """Use `open`."""
        self._rows = rows
        self._reading = reading
        head, self._floor = bounds
        self._epoch = epoch
        self._recent = Recent(head + 1, recent_bytes_max)
        self._growth = Growth(head)
        self._told = head
        self._news = asyncio.Event()
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path, *, recent_bytes_max: int = BYTES_MAX) -> Self:
        """Open the file for reading only.

        Raises:
            ConfigError: There is no such file, or it cannot be read.
            JournalError: The journal cannot be opened.
        """
        reading = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        loop = asyncio.get_running_loop()
        try:
            rows, epoch = await loop.run_in_executor(reading, open_rows, path)
            bounds = await loop.run_in_executor(reading, rows.bounds)
        except BaseException:
            reading.shutdown(wait=False)
            raise
        return cls(rows, reading, epoch, bounds, recent_bytes_max)

    @property
    def epoch(self) -> str:
        """See `Reader.epoch`; as of `open`."""
        return self._epoch

    @property
    def head(self) -> int:
        """The newest sequence that this process shows to its readers."""
        return self._growth.head

    @property
    def floor(self) -> int:
        """The floor at the newest page that came from the file."""
        return self._floor

    def records_between(self, after: int, through: int) -> int | None:
        """See `Reader.records_between`: sequences are dense here."""
        return max(0, through - after)

    def told(self, head: int) -> None:
        """Note that the writer has stored up to here, durably."""
        if head > self._told:
            self._told = head
            self._news.set()

    async def run(self) -> None:
        """Read what the writer reports, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                while self._growth.head < self._told:
                    await self._take_up()
            except JournalError:
                await asyncio.sleep(_AGAIN_S)
                self._news.set()

    async def _take_up(self) -> None:
        page = await self._on_reader(
            self._rows.page, self.head, _PAGE_RECORDS, self._told, EVERYTHING
        )
        if page.records:
            self._recent.extend(page.records)
        self._growth.announce(page.next_after)

    async def catch_up(self) -> None:
        """See `Reader.catch_up`."""
        head, _ = await self._on_reader(self._rows.bounds)
        self.told(head)
        if head:
            await self._growth.wait_above(head - 1)

    async def wait_above(self, seq: int) -> None:
        """Return when `head` is above `seq`.

        Raises:
            JournalError: The journal is closed.
        """
        await self._growth.wait_above(seq)

    async def read(self, after: int, limit: int, only: Filter = EVERYTHING) -> Page:
        """See `Reader.read`."""
        page = self._recent.maybe_after(after, limit, only)
        if page is not None:
            return page
        return await self._on_reader(self._page, after, limit, self.head, only)

    async def read_last(self, count: int, only: Filter = EVERYTHING) -> Sequence[Record]:
        """See `Reader.read_last`."""
        before = self._recent.first
        newest = self._recent.last(count, only)
        if len(newest) >= count or before <= self._floor:
            return newest
        older = await read_last_from(
            lambda *where: self._on_reader(self._rows.slice_before, *where),
            before,
            count - len(newest),
            only,
            self._floor,
        )
        return [*older, *newest]

    async def close(self) -> None:
        """Close the file. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            await asyncio.get_running_loop().run_in_executor(self._reading, self._rows.close)
            self._reading.shutdown()
            self._growth.close(JournalError("the journal is closed"))

    def _page(self, after: int, limit: int, head: int, only: Filter) -> Page:
        page = self._rows.page(after, limit, head, only)
        # Read after the page: the writer moves the floor in the commit that drops records, so after
        # an incomplete page the floor shows the gap.
        self._floor = max(self._floor, self._rows.bounds()[1])
        return page

    async def _on_reader(self, work: Callable[..., T], *arguments: object) -> T:
        if self._is_closed:
            raise JournalError("the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._reading, work, *arguments)
