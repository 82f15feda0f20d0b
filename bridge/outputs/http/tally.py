"""Counts open connections in total and by client address, of one process or of several.

Processes that share a port share their limits. Each process writes its own counts into shared
memory and adds up all counts when it needs a total. No process waits for another, so two that
accept a client at the same instant may exceed a limit by one each. `forget_row` removes the counts
of a process that died.
"""

from __future__ import annotations

import hashlib
import mmap
from collections import Counter
from typing import Protocol

# Addresses with the same cell are counted together. With 20,000 clients and a limit of 500 each,
# that is rare; the key prevents clients from choosing a cell.
_PLACES = 1 << 16
KEY_BYTES = 16
_TOTALS = 2  # cells before a row's addresses: its total, in two halves of 16 bits
_CELL_BYTES = 2
_CELL_MAX = (1 << 16) - 1


class Tally(Protocol):
    """The number of open connections."""

    def total(self) -> int:
        """Return the number of open connections of all processes."""

    def of(self, address: str) -> int:
        """Return the number of open connections of one address."""

    def add(self, address: str) -> None:
        """Count a connection of an address in."""

    def remove(self, address: str) -> None:
        """Count a connection out that this process counted in."""


class OwnTally:
    """Counts of this process only."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def total(self) -> int:
        """See `Tally.total`."""
        return self._total

    def of(self, address: str) -> int:
        """See `Tally.of`."""
        return self._by_address[address]

    def add(self, address: str) -> None:
        """See `Tally.add`."""
        self._total += 1
        self._by_address[address] += 1

    def remove(self, address: str) -> None:
        """See `Tally.remove`."""
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def shared_bytes(rows: int) -> int:
    """Bytes of shared memory for `rows` processes."""
    return KEY_BYTES + rows * (_TOTALS + _PLACES) * _CELL_BYTES


class SharedTally:
    """Counts of several processes; this one writes `row`."""

    def __init__(self, memory: mmap.mmap, row: int, rows: int, start: int = 0) -> None:
        """Use a part of shared memory.

        Args:
            memory: The memory. From `start` on, `shared_bytes(rows)` bytes are used; the first of
                them are a random key, the same for all processes.
            row: The row that this process writes.
            rows: Rows in the memory.
            start: The offset of this tally.
        """
        self._key = bytes(memory[start : start + KEY_BYTES])
        size = shared_bytes(rows)
        self._cells = memoryview(memory)[start + KEY_BYTES : start + size].cast("H")
        self._rows = [at * (_TOTALS + _PLACES) for at in range(rows)]
        self._own = self._rows[row]
        self._over: Counter[str] = Counter()  # counts beyond a full cell

    def total(self) -> int:
        """See `Tally.total`."""
        return sum(map(self.total_of_row, range(len(self._rows))))

    def total_of_row(self, row: int) -> int:
        """Open connections of one process."""
        at = self._rows[row]
        return self._cells[at] | self._cells[at + 1] << 16

    def of(self, address: str) -> int:
        """See `Tally.of`. Addresses that share a cell are counted together."""
        place = self._place(address)
        return sum(self._cells[at + place] for at in self._rows)

    def add(self, address: str) -> None:
        """See `Tally.add`. Writes to this process's row only."""
        self._set_total(self._own_total() + 1)
        at = self._own + self._place(address)
        if self._cells[at] == _CELL_MAX:
            self._over[address] += 1
        else:
            self._cells[at] += 1

    def remove(self, address: str) -> None:
        """See `Tally.remove`. Writes to this process's row only."""
        self._set_total(self._own_total() - 1)
        if self._over[address]:
            self._over[address] -= 1
        else:
            self._cells[self._own + self._place(address)] -= 1

    def forget_row(self, row: int) -> None:
        """Clear the row of a process that has ended."""
        at = self._rows[row]
        self._cells[at : at + _TOTALS + _PLACES] = memoryview(
            bytes((_TOTALS + _PLACES) * _CELL_BYTES)
        ).cast("H")

    def _own_total(self) -> int:
        return self._cells[self._own] | self._cells[self._own + 1] << 16

    def _set_total(self, value: int) -> None:
        self._cells[self._own], self._cells[self._own + 1] = value & _CELL_MAX, value >> 16

    def _place(self, address: str) -> int:
        digest = hashlib.blake2b(address.encode(), digest_size=2, key=self._key).digest()
        return _TOTALS + int.from_bytes(digest, "big")
