"""Finds the new lines in the tail of a log that the bridge reads again and again.

MIOSA shows only the last lines, without ids. `Tail` compares two reads by their overlap. It keeps
digests instead of lines, because they go to the disk before redaction.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

ASKED = 100  # lines; what the vendor's own tool asks for
_DIGEST_BYTES = 6  # of 100 lines: the chance of a false match is 2**-48 a pair


@dataclass(frozen=True, slots=True)
class Grown:
    """The result of a read: the new lines, and whether lines may be missing before them."""

    lines: Sequence[str]
    has_gap: bool


@dataclass(slots=True)
class Tail:
    """The last read, as digests."""

    shown: tuple[bytes, ...] = ()

    def look(self, lines: Sequence[str]) -> Grown:
        """Compare a read with the one before, and remember it.

        The longest overlap counts: a log that repeats one line has grown by as little as possible.
        """
        before, now = self.shown, tuple(_digest(line) for line in lines)
        if not now:
            return Grown((), has_gap=False)  # keep the last read when a reply is empty
        self.shown = now[-ASKED:]
        if not before:
            return Grown(lines, has_gap=False)
        overlap = _overlap(before, now)
        return Grown(lines[overlap:], has_gap=overlap == 0)

    def saved(self) -> str:
        """Return the digests as base64 text; `restored` reads it."""
        return base64.b64encode(b"".join(self.shown)).decode()

    @classmethod
    def restored(cls, text: str) -> Tail:
        """Load what `saved` returned.

        Raises:
            ValueError: `text` is something else.
        """
        data = base64.b64decode(text, validate=True)
        if len(data) % _DIGEST_BYTES:
            raise ValueError("digests that are cut")
        steps = range(0, len(data), _DIGEST_BYTES)
        return cls(tuple(data[at : at + _DIGEST_BYTES] for at in steps))


def _overlap(before: tuple[bytes, ...], now: tuple[bytes, ...]) -> int:
    """Count the lines at the start of `now` that end `before`; as many as possible."""
    if now[: len(before)] == before:
        return len(before)  # the read shows the whole log, which grew
    for size in range(min(len(before), len(now)), 0, -1):
        if before[-size:] == now[:size]:
            return size
    return 0


def _digest(line: str) -> bytes:
    return hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()
