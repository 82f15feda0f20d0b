"""Literals with escapes in them: where each begins and ends, however hostile the text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.redact import literals

# What a search by one expression finds; too slow for hostile texts, so only here.
DOUBLE = re.compile(r"\"([^\"\\\n]*+(?:\\.[^\"\\\n]*+)++)(?=\"|\n|\Z)", re.S)
SINGLE = re.compile(r"'([^'\\\n]*+(?:\\.[^'\\\n]*+)++)'", re.S)


@given(text=st.text("\"'\\na\n ", max_size=24))
def test_a_search_from_backslash_to_backslash_finds_what_an_expression_finds(text: str) -> None:
    for quote, pattern, oracle in (
        ('"', literals._DOUBLE, DOUBLE),
        ("'", literals._SINGLE, SINGLE),
    ):
        found = [match.span(1) for match in literals._quoted(text, quote, pattern)]
        assert found == [match.span(1) for match in oracle.finditer(text)]


class Counting:
    """A pattern that counts the characters that it read."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.read = 0

    def match(self, text: str, at: int) -> re.Match[str] | None:
        found = self.pattern.match(text, at)
        self.read += 1 if found is None else found.end() - at
        return found


@pytest.mark.parametrize(
    ("quote", "pattern", "text"),
    [
        ("'", literals._SINGLE, "'\\n" + "\\'" * 2_000 + " password"),
        ("'", literals._SINGLE, "'\\n" + "\\'" * 2_000 + "\n"),
        ('"', literals._DOUBLE, '"\\n' + '\\"' * 2_000 + " password \\"),
    ],
)
def test_a_literal_without_an_end_is_not_read_again_from_each_escaped_quote(
    quote: str, pattern: re.Pattern[str], text: str
) -> None:
    counting: Any = Counting(pattern)
    assert list(literals._quoted(text, quote, counting)) == []
    assert counting.read <= 2 * len(text)
