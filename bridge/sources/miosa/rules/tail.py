"""The tail of a log that is read again and again: which lines are new.

Only the last lines are shown, without ids. Two reads are compared by their overlap; digests of the
lines are kept, not the lines, because they go to the disk before redaction could see them.
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
    """What a read brought: the new lines, and whether older ones may lie unseen before them."""

    lines: Sequence[str]
    has_gap: bool


@dataclass(slots=True)
class Tail:
    """What the last read showed, as digests."""

    shown: tuple[bytes, ...] = ()

    def look(self, lines: Sequence[str]) -> Grown:
        """Compare a read with the one before, and remember it.

        The longest overlap counts: a log that repeats one line has grown by as little as it can.
        """
        before, now = self.shown, tuple(_digest(line) for line in lines)
        if not now:
            return Grown((), has_gap=False)  # an empty reply is no reason to forget
        self.shown = now[-ASKED:]
        if not before:
            return Grown(lines, has_gap=False)
        overlap = _overlap(before, now)
        return Grown(lines[overlap:], has_gap=overlap == 0)

    def saved(self) -> str:
        return base64.b64encode(b"".join(self.shown)).decode()

    @classmethod
    def restored(cls, text: str) -> Tail:
        """From what `saved` returned. Raises ValueError for other text."""
        data = base64.b64decode(text, validate=True)
        if len(data) % _DIGEST_BYTES:
            raise ValueError("digests that are cut")
        steps = range(0, len(data), _DIGEST_BYTES)
        return cls(tuple(data[at : at + _DIGEST_BYTES] for at in steps))


def _overlap(before: tuple[bytes, ...], now: tuple[bytes, ...]) -> int:
    """How many lines at the start of `now` are the end of `before`; as many as possible."""
    if now[: len(before)] == before:
        return len(before)  # the whole log is shown, and it grew
    for size in range(min(len(before), len(now)), 0, -1):
        if before[-size:] == now[:size]:
            return size
    return 0


def _digest(line: str) -> bytes:
    return hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()
