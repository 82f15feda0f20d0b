"""One text under scan and the spans found in it; every detector reads and writes this."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

MARK_OPEN: Final = "[REDACTED:"
# A whole marker of ours, with or without a fingerprint and the number of a replaced name.
MARKER: Final = re.compile(r"\[REDACTED:[a-z-]{2,24}(?::[0-9a-f]{10})?\](?:~\d{1,4})?")
MARKER_MAX: Final = 52  # characters of the longest one
# What upstream appends where it cut a string (mogplex.md 1.9, step 3).
CUT_MARK: Final = "\n...[truncated "
LONG: Final = 100  # characters of a secret from which on its end may be that of a pattern
_REST: Final = re.compile(r"(?:[\w+/=][\w+/=~.%!#$*^-]{0,32767}+)?")


class Span(NamedTuple):
    """Characters `start` to `end` of the scanned text are a secret.

    `quote`: what to put on both sides of the marker, for a bare number inside a JSON text.
    `is_cut`: only a part of the secret is there; it gets no fingerprint and is not propagated.
    """

    start: int
    end: int
    kind: str
    rule: str
    quote: str = ""
    is_cut: bool = False

    def moved(self, start: int, end: int) -> Span:
        """The same at another place, of another form of the text."""
        return self._replace(start=start, end=end)


class Scan:
    """A text folded for reading, its lower-case form of equal length, and what was found."""

    __slots__ = ("budget", "effort", "end", "low", "name_end", "names", "spans", "text", "was_cut")

    def __init__(self, text: str, low: str) -> None:
        self.text = text
        self.low = low
        self.end = len(text)
        self.was_cut = False
        self.spans: list[Span] = []
        self.names: Any = None  # the `Names` of the policy in force
        self.effort = 0  # values read so far, in units of 32 characters; see `scanner.EFFORT_FREE`
        self.budget = 0  # of effort; beyond it the rest of the text is given up
        self.name_end = 0  # end of the last name looked at: its other key words are skipped
        if text.endswith("]"):
            cut = text.rfind(CUT_MARK, max(0, self.end - 64))
            if cut >= 0:
                self.end = cut
                self.was_cut = True

    def inside(self, text: str, low: str) -> Scan:
        """The scan of a text that this one holds; it goes on with the same effort."""
        inner = Scan(text, low)
        inner.effort, inner.budget = self.effort, self.budget
        return inner

    def add(
        self, start: int, end: int, kind: str, rule: str, quote: str = "", *, is_cut: bool = False
    ) -> int:
        """Note a span and return where to go on.

        What reads a word reads so much of it at most; the rest of a long one goes with it.
        """
        if end - start >= LONG and (self.text[end - 1].isalnum() or self.text[end - 1] in "+/="):
            end = _REST.match(self.text, end, self.end).end()  # type: ignore[union-attr]
        self.spans.append(Span(start, end, kind, rule, quote, is_cut))
        return end


def beside_markers(spans: list[Span], text: str) -> list[Span]:
    """Return the spans that touch no marker: what an earlier pass left beside one stays left."""
    if MARK_OPEN not in text:
        return spans
    ends = [mark.end() for mark in MARKER.finditer(text)]
    starts = [mark.start() for mark in MARKER.finditer(text)]
    kept = []
    for span in spans:
        at = bisect_right(ends, span.start)  # the first marker that ends behind the span's start
        if at == len(starts) or starts[at] >= span.end:
            kept.append(span)
    return kept


def merged(spans: list[Span]) -> list[Span]:
    """Return the spans in order of position, overlapping ones joined under the first one's name."""
    if len(spans) == 1:
        return spans
    result: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if result and span.start < result[-1].end:
            if span.end > result[-1].end:
                result[-1] = result[-1]._replace(end=span.end)
            continue
        result.append(span)
    return result


def replaced(text: str, places: Iterable[tuple[int, int]], mark: Callable[[int, int], str]) -> str:
    """The text with what `mark` gives for each place, in their order; itself if there are none."""
    parts: list[str] = []
    done = 0
    for first, last in places:
        parts += (text[done:first], mark(first, last))
        done = last
    return "".join((*parts, text[done:])) if parts else text


def fingerprint(secret: str, key: bytes) -> str:
    """40 bits of a keyed hash: the same secret is seen again, nothing can be guessed from it."""
    raw = secret.encode("utf-8", "surrogatepass")
    return hashlib.blake2s(raw, key=key, digest_size=5).hexdigest()
