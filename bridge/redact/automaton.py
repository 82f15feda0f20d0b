"""Where any of many literals stand in a text: one pass of an Aho-Corasick automaton."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

WINDOW: Final = 32_768  # characters searched at once: the matches of so many are held together
# Half of a surrogate pair, which the automaton does not take; no literal has one.
_HALF: Final = re.compile(r"[\ud800-\udfff]")

Match = tuple[int, int, int]  # number of the literal, its first character, and the one behind it


class Automaton:
    """Finds literals in a text, in order of their ends; of those that end together, longest first.

    `literals`: all of them; a literal is known by its number here.
    """

    def __init__(self, literals: Iterable[str], *, is_quick: bool = True) -> None:
        """Build it.

        Args:
            literals: What to look for; none is empty, none comes twice.
            is_quick: Search texts of ASCII twice as fast, and take four times as long to build
                (30 ms for 2,000 literals) and some MiB of memory.
        """
        plain: list[str] = []
        other: list[str] = []
        for literal in literals:
            (plain if literal.isascii() else other).append(literal)
        self.literals = (*plain, *other)
        self._overlap = max(map(len, self.literals)) - 1
        self._search = AhoCorasick(
            self.literals, implementation=Implementation.ContiguousNFA, store_patterns=False
        ).find_matches_as_indexes
        # In bytes, nothing counts the characters before a match.
        self._search_ascii = (
            BytesAhoCorasick(
                [literal.encode() for literal in plain], implementation=Implementation.DFA
            ).find_matches_as_indexes
            if is_quick
            else None
        )

    def within(self, text: str) -> list[Match]:
        """All matches in a text of up to `WINDOW` characters."""
        if self._search_ascii is not None and text.isascii():
            return self._search_ascii(text.encode(), True)  # noqa: FBT003 - `overlapping`: faster
        try:
            return self._search(text, True)  # noqa: FBT003 - `overlapping`: faster
        except UnicodeEncodeError:
            return self._search(_HALF.sub("\ufffd", text), overlapping=True)

    def iter(self, text: str) -> Iterator[Match]:
        """All matches in a text of any length, those of one window at a time."""
        for done in range(0, len(text), WINDOW):
            first = max(0, done - self._overlap)
            for number, start, end in self.within(text[first : done + WINDOW]):
                if first + end > done:
                    yield number, first + start, first + end
