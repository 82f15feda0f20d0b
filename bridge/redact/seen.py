"""What was found in texts that come again: where, never the texts.

An agent's events repeat whole texts: a command when it starts and when it has ended, a file that is
read twice, the lines of a list. A text costs the same when it comes again, so what is replaced does
not depend on what is remembered.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, NamedTuple

from bridge.redact.fold import offsets
from bridge.redact.spans import Scan, Span, beside_markers, merged

SEEN_MAX: Final = 4_096  # texts; about 2 MB, 8 MB if each has `PLACES_MAX` secrets
SHORT_MAX: Final = 128  # characters of a harmless text that is its own key
CHARS_MAX: Final = 65_536  # longer ones come once
PLACES_MAX: Final = 8  # in one text

Place = tuple[int, int, Span]  # start and end in the text, and what is there


class Seen(NamedTuple):
    """What a text cost to read, and where secrets stand in it."""

    cost: int
    places: tuple[Place, ...]


class SeenTexts:
    """Bounded; all of it is forgotten when it is full."""

    def __init__(self) -> None:
        self._known: dict[str | bytes, Seen] = {}

    def get(self, key: str | bytes) -> Seen | None:
        """What is known of the text with this key."""
        return self._known.get(key)

    def put(self, s: str, key: bytes, seen: Seen) -> None:
        """Remember a text; one with a secret only by its digest."""
        if len(s) > CHARS_MAX or len(seen.places) > PLACES_MAX:
            return
        if len(self._known) >= SEEN_MAX:
            self._known.clear()
        self._known[s if not seen.places and len(s) <= SHORT_MAX else key] = seen

    def clear(self) -> None:
        """Forget all texts."""
        self._known.clear()


def key_of(s: str) -> bytes:
    """The digest of a text."""
    return blake2b(s.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def places_in(s: str, scan: Scan) -> tuple[Place, ...]:
    """Where what a scan found stands in the text, in order; `scan`: of the text folded."""
    at = offsets(s) if len(scan.text) != len(s) else None
    return tuple(
        (at[span.start], at[span.end], span) if at else (span.start, span.end, span)
        for span in merged(beside_markers(scan.spans, scan.text))
    )
