"""Counts of open connections, in all and by client address: of one process, or of several.

Processes that share a port share their limits. Each writes counts of its own into memory that all
of them see, and adds up everybody's when it asks. Nobody waits for anybody: two that let one in at
the same instant may go over a limit by one each. A process that died is counted out by
`forget_row`.
"""

from __future__ import annotations

import hashlib
import mmap
from collections import Counter
from typing import Protocol

# Addresses that share a place are counted together. With 20,000 clients at once and a limit of 500
# each, the places are far apart; the key keeps anybody from choosing a place.
_PLACES = 1 << 16
KEY_BYTES = 16
_TOTALS = 2  # cells before the places of a row: its total, in two halves of 16 bits
_CELL_BYTES = 2
_CELL_MAX = (1 << 16) - 1


class Tally(Protocol):
    """How many there are now."""

    def total(self) -> int: ...
    def of(self, address: str) -> int: ...
    def add(self, address: str) -> None: ...
    def remove(self, address: str) -> None: ...


class OwnTally:
    """Of this process alone."""

    def __init__(self) -> None:
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def total(self) -> int:
        return self._total

    def of(self, address: str) -> int:
        return self._by_address[address]

    def add(self, address: str) -> None:
        self._total += 1
        self._by_address[address] += 1

    def remove(self, address: str) -> None:
        self._total -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def shared_bytes(rows: int) -> int:
    """Size of the memory for so many processes."""
    return KEY_BYTES + rows * (_TOTALS + _PLACES) * _CELL_BYTES


class SharedTally:
    """Of several processes; this one writes `row`."""

    def __init__(self, memory: mmap.mmap, row: int, rows: int, start: int = 0) -> None:
        """`memory` from `start` on is `shared_bytes(rows)` long; its first bytes are the key, the
        same random ones for everybody.
        """
        self._key = bytes(memory[start : start + KEY_BYTES])
        size = shared_bytes(rows)
        self._cells = memoryview(memory)[start + KEY_BYTES : start + size].cast("H")
        self._rows = [at * (_TOTALS + _PLACES) for at in range(rows)]
        self._own = self._rows[row]
        self._over: Counter[str] = Counter()  # of places whose cell is full

    def total(self) -> int:
        return sum(self._cells[at] | self._cells[at + 1] << 16 for at in self._rows)

    def of(self, address: str) -> int:
        place = self._place(address)
        return sum(self._cells[at + place] for at in self._rows)

    def add(self, address: str) -> None:
        self._set_total(self._own_total() + 1)
        at = self._own + self._place(address)
        if self._cells[at] == _CELL_MAX:
            self._over[address] += 1
        else:
            self._cells[at] += 1

    def remove(self, address: str) -> None:
        self._set_total(self._own_total() - 1)
        if self._over[address]:
            self._over[address] -= 1
        else:
            self._cells[self._own + self._place(address)] -= 1

    def forget_row(self, row: int) -> None:
        """Its process is gone."""
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
