"""The prefilter: one pass over a text finds the few places worth a closer look.

A multi-pattern automaton (Aho-Corasick) over the lower-cased text; every literal carries the
detectors to ask. Four of five texts have no hit and are done.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import ahocorasick

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


POLICIES_HELD: Final = 4  # automata, 15 ms and 0.6 MiB each
HITS_MAX: Final = 4_096  # places of literals in one text that are held at once

_ESCAPES: Final = re.compile(r"[\\%]")

# Rules whose finds show what they are by their own characters, whatever stands around them.
_SHOWN: Final = frozenset({"own-token", "provider-token", "jwt", "pem", "webhook"})
_SHOWN_LOOKS: Final = frozenset(
    detector.look for detector in DETECTORS if detector.rule.id in _SHOWN
)


class Anchors(tuple[Anchor, ...]):
    """All of one literal.

    `shown`: those of them whose finds need no word around them. `begins_word`: inside a word all of
    them find nothing, as `s.` at the end of a sentence.
    """

    shown: tuple[Anchor, ...]
    begins_word: bool

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self.shown = tuple(anchor for anchor in anchors if anchor.look in _SHOWN_LOOKS)
        self.begins_word = all(
            anchor.look is PROGRAM_FLAGS.look
            or (anchor.look is PROVIDER_TOKENS.look and anchor.size < DISTINCTIVE)
            for anchor in anchors
        )


Place = tuple[int, tuple[Anchor, ...]]
Hit = tuple[int, Anchors]  # the last character of a literal, and what to do there


def shown_by_themselves(hits: Iterable[Hit]) -> Iterator[Place]:
    """Those of the hits whose finds need no word around them to be known."""
    for last, found in hits:
        if found.shown:
            yield last, found.shown


def named_places(hits: Iterable[Hit]) -> list[int]:
    """Where those of the hits begin that are not shown by themselves."""
    return [last + 1 - found[0].size for last, found in hits if len(found.shown) < len(found)]


def at_words(hits: list[Hit], low: str) -> list[Hit]:
    r"""The hits without those that would be looked at for nothing, inside a word.

    Behind an escape (`\n`, `%3D`, `\u0022`) a word may begin at any letter.
    """
    return [hit for hit in hits if not hit[1].begins_word or _may_begin(hit, low)]


def _may_begin(hit: Hit, low: str) -> bool:
    """May a word begin where the literal of a hit begins?"""
    last, found = hit
    at = last - found[0].size  # of the character before it
    if at < 0 or not (before := low[at]).isalnum() or not before.isascii():
        return True
    return _ESCAPES.search(low, max(0, at - 5), at) is not None


def moved(hits: list[Hit], view: View) -> list[Hit] | None:
    """The hits in a text as hits in its view; None if they must be looked for again.

    A prefix of a line hides none and makes none: no literal goes over a break. Escapes of a
    terminal do.
    """
    if not view.is_of_lines or len(hits) >= HITS_MAX:
        return None
    return [
        (last, found) for at, found in hits if (last := view.forth(at + 1 - found[0].size, at)) >= 0
    ]


def are_apart(hits: list[Hit], start: int, end: int) -> bool:
    """Is none of the hits between two places? Not known if only the first of them are held."""
    if len(hits) >= HITS_MAX:
        return False
    at = bisect_left(hits, start, key=itemgetter(0))
    return at == len(hits) or hits[at][0] >= end


@lru_cache(maxsize=POLICIES_HELD)
def build(off: frozenset[str] = frozenset(), extra_names: tuple[str, ...] = ()) -> Any:
    """Return the automaton of all detectors but those of the rules in `off`; nothing changes it.

    `extra_names`: further literals where a text may name a secret.
    """
    named = replace(ASSIGNMENTS, literals=name_literals(extra_names))
    known = [named if detector is ASSIGNMENTS else detector for detector in DETECTORS]
    return automaton([detector for detector in known if detector.rule.id not in off])


# Characters of agents' events, most common first, as they come outside of literals.
_COMMON: Final = " \"1tfdn0:\nc.rb234/es,l56g9j-7wqm\\hzv_8ipkyxo+a=u()@{#}[]'*|`>;<!?$^%~\t&\r"
# With a character behind it that no text in small letters has.
_NEVER: Final = "A"


# Ranks as characters: two thousand texts are made and compared faster than lists of numbers.
_RANKS: Final = defaultdict(
    lambda: chr(len(_COMMON)), {ord(char): chr(rank) for rank, char in enumerate(_COMMON)}
)


def _by_frequency(literal: str) -> str:
    return literal.translate(_RANKS)


def automaton(detectors: Sequence[Detector]) -> Any:
    """Return the automaton; its values are `Anchors`."""
    anchors = {MARKER_LITERAL: [Anchor(len(MARKER_LITERAL), skip_marker, None)]}
    for detector in detectors:
        for literal, data in detector.literals.items():
            anchors.setdefault(literal, []).append(Anchor(len(literal), detector.look, data))
    built = ahocorasick.Automaton()
    # A node looks through its children in the order in which they came: common characters first.
    # Those that begin no literal would be looked for among all hundred children of the root.
    known = {literal[0] for literal in anchors}
    for char in _COMMON:
        if char not in known:
            anchors[char + _NEVER] = []
    for literal in sorted(anchors, key=_by_frequency):
        built.add_word(literal, Anchors(anchors[literal]))
    built.make_automaton()
    return built


def literals_of(globs: tuple[str, ...]) -> list[str]:
    """The longest fixed part of each glob: where a text may name such a key."""
    parts = (max(re.split(r"[*?\[\]_.\- ]", glob), key=len) for glob in globs)
    return [part.lower() for part in parts if len(part) >= 3]
