"""The prefilter: one pass over a text finds the few places worth a closer look.

A multi-pattern automaton over the lower-cased text; every literal carries the detectors to ask.
Four of five texts have no hit and are done.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from bridge.redact.automaton import WINDOW, Automaton
from bridge.redact.detectors import DETECTORS
from bridge.redact.detectors.assignment import ASSIGNMENTS
from bridge.redact.detectors.command_line import PROGRAM_FLAGS
from bridge.redact.detectors.detector import Detector, Look
from bridge.redact.detectors.markers import MARKER_LITERAL, skip_marker
from bridge.redact.detectors.name_parts import name_literals
from bridge.redact.detectors.tokens import DISTINCTIVE, PROVIDER_TOKENS
from bridge.redact.dress import View


class Anchor(NamedTuple):
    """A literal and what to do where it stands."""

    size: int
    look: Look
    data: Any


POLICIES_HELD: Final = 4  # prefilters, 35 ms and some MiB each
HITS_MAX: Final = 4_096  # places of literals in one text that are held at once

_ESCAPES: Final = re.compile(r"[\\%]")

# Rules whose finds show what they are by their own characters, whatever stands around them.
_SHOWN: Final = frozenset({"own-token", "provider-token", "jwt", "pem", "webhook"})
_SHOWN_LOOKS: Final = frozenset(
    detector.look for detector in DETECTORS if detector.rule.id in _SHOWN
)


class Anchors:
    """All of one literal.

    `shown`: those of them whose finds need no word around them to be known. `begins_word`: inside a
    word all of them find nothing, as `s.` at the end of a sentence.
    """

    __slots__ = ("all", "begins_word", "shown", "size")

    def __init__(self, size: int, anchors: Sequence[Anchor]) -> None:
        """`size`: characters of the literal."""
        self.size = size
        self.all = tuple(anchors)
        self.shown = tuple(anchor for anchor in anchors if anchor.look in _SHOWN_LOOKS)
        self.begins_word = all(
            anchor.look is PROGRAM_FLAGS.look
            or (anchor.look is PROVIDER_TOKENS.look and anchor.size < DISTINCTIVE)
            for anchor in anchors
        )


Hit = tuple[int, Anchors]  # the last character of a literal, and what to do there


class Prefilter:
    """The literals of some detectors, and what to do where one stands. Nothing changes it."""

    def __init__(self, detectors: Sequence[Detector], *, is_quick: bool = True) -> None:
        """`is_quick`: see `Automaton`."""
        anchors = {MARKER_LITERAL: [Anchor(len(MARKER_LITERAL), skip_marker, None)]}
        for detector in detectors:
            for literal, data in detector.literals.items():
                anchors.setdefault(literal, []).append(Anchor(len(literal), detector.look, data))
        self._automaton = Automaton(anchors, is_quick=is_quick)
        self._anchors = [
            Anchors(len(literal), anchors[literal]) for literal in self._automaton.literals
        ]

    def iter(self, low: str) -> Iterator[Hit]:
        """Where literals stand in a text in small letters, one after the other."""
        for number, _, end in self._automaton.iter(low):
            yield end - 1, self._anchors[number]

    def hits(self, low: str) -> list[Hit]:
        r"""The first `HITS_MAX`; if there are not more, without those that find nothing in a word.

        Behind an escape (`\n`, `%3D`, `\u0022`) a word may begin at any letter.
        """
        anchors = self._anchors
        if len(low) <= WINDOW:
            found = self._automaton.within(low)
        else:
            found = list(islice(self._automaton.iter(low), HITS_MAX))
        if len(found) >= HITS_MAX:
            return [(end - 1, anchors[number]) for number, _, end in found[:HITS_MAX]]
        return [
            (end - 1, one)
            for number, start, end in found
            if not (one := anchors[number]).begins_word or _may_begin(low, start)
        ]


def named_places(hits: Iterable[Hit]) -> list[int]:
    """Where those of the hits begin that are not shown by themselves."""
    return [last + 1 - found.size for last, found in hits if len(found.shown) < len(found.all)]


def _may_begin(low: str, at: int) -> bool:
    """May a word begin here?"""
    if at == 0 or not (before := low[at - 1]).isalnum() or not before.isascii():
        return True
    return _ESCAPES.search(low, max(0, at - 6), at - 1) is not None


def moved(hits: list[Hit], view: View) -> list[Hit] | None:
    """The hits in a text as hits in its view; None if they must be looked for again.

    A prefix of a line hides none and makes none: no literal goes over a break. Escapes of a
    terminal do.
    """
    if not view.is_of_lines or len(hits) >= HITS_MAX:
        return None
    return [
        (last, found) for at, found in hits if (last := view.forth(at + 1 - found.size, at)) >= 0
    ]


def are_apart(lasts: list[int], start: int, end: int) -> bool:
    """Is none of the hits between two places? Not known if only the first of them are held.

    `lasts`: the last character of each hit, in order.
    """
    if len(lasts) >= HITS_MAX:
        return False
    at = bisect_left(lasts, start)
    return at == len(lasts) or lasts[at] >= end


@lru_cache(maxsize=POLICIES_HELD)
def build(
    off: frozenset[str] = frozenset(), extra_names: tuple[str, ...] = (), *, is_quick: bool = True
) -> Prefilter:
    """Return the prefilter of all detectors but those of the rules in `off`.

    `extra_names`: further literals where a text may name a secret.
    """
    named = replace(ASSIGNMENTS, literals=name_literals(extra_names))
    known = [named if detector is ASSIGNMENTS else detector for detector in DETECTORS]
    return Prefilter(
        [detector for detector in known if detector.rule.id not in off], is_quick=is_quick
    )


def literals_of(globs: tuple[str, ...]) -> list[str]:
    """The longest fixed part of each glob: where a text may name such a key."""
    parts = (max(re.split(r"[*?\[\]_.\- ]", glob), key=len) for glob in globs)
    return [part.lower() for part in parts if len(part) >= 3]
