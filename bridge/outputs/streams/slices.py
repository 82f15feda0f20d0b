"""Encoded stretches of the journal, shared by all cursors at the same position."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bridge.core.event import Record
from bridge.core.filter import Filter
from bridge.journal.port import Page, Reader
from bridge.outputs.streams.formats import Format

BATCH_BYTES = 64 * 1024  # record bodies per write: about 100 records, where the cost has flattened
BATCH_RECORDS_MAX = 512
CACHE_BYTES_MAX = 4 * 1024 * 1024  # plus the newest slice, however large
CACHE_SLICES_MAX = 1024


class Slice(NamedTuple):
    """Frames of the matching records after a position, and the position after them."""

    payload: bytes
    records: int
    next_after: int
    is_last: bool = False  # the stream ends after it in this format


class Slices:
    """Reads and caches slices, so that cursors at the same position share one read."""

    def __init__(self, journal: Reader) -> None:
        self._journal = journal
        self._cache: OrderedDict[tuple[Filter, Format, int], Slice] = OrderedDict()
        self._cached_bytes = 0
        self._record_bytes = 1024.0  # recent mean; sets the number of records per read

    def records_for(self, wished_bytes: int) -> int:
        """Return how many records probably make up this many bytes."""
        return min(max(int(wished_bytes / self._record_bytes), 1), BATCH_RECORDS_MAX)

    async def get(self, only: Filter, format_: Format, after: int) -> Slice:
        """Return the slice after a position below the head.

        Raises:
            JournalError: The journal cannot be read.
        """
        key = (only, format_, after)
        if (cached := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return cached
        page = await self._journal.read(after, self.records_for(BATCH_BYTES), only)
        batch, next_after = next(batches(page))
        if batch:
            mean = sum(len(r.body) for r in batch) / len(batch)
            self._record_bytes += (mean - self._record_bytes) / 8
        epoch = self._journal.epoch.encode()
        payload = format_.join([format_.frame(r, epoch) for r in batch]) if batch else b""
        is_last = bool(batch) and format_.is_last(batch[-1])
        made = Slice(payload, len(batch), next_after, is_last)
        self._remember(key, made)
        return made

    def _remember(self, key: tuple[Filter, Format, int], made: Slice) -> None:
        if (replaced := self._cache.pop(key, None)) is not None:
            self._cached_bytes -= len(replaced.payload)
        while self._cache and (
            self._cached_bytes + len(made.payload) > CACHE_BYTES_MAX
            or len(self._cache) >= CACHE_SLICES_MAX
        ):
            _, dropped = self._cache.popitem(last=False)
            self._cached_bytes -= len(dropped.payload)
        self._cache[key] = made
        self._cached_bytes += len(made.payload)


def batches(page: Page) -> Iterator[tuple[Sequence[Record], int]]:
    """Cut a page into batches of about BATCH_BYTES, each with the position after it."""
    batch: list[Record] = []
    held = 0
    for record in page.records:
        if batch and held + len(record.body) > BATCH_BYTES:
            yield batch, batch[-1].seq
            batch, held = [], 0
        batch.append(record)
        held += len(record.body)
    yield batch, page.next_after
