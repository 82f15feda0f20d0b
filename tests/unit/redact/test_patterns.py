"""Patterns of an operator's own: what they get to see, and what they find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.redact.patterns import MATCH_MAX, TEXT_MAX, WINDOW, matches


class Searched:
    """A pattern that counts what it is told to look at instead of looking."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def finditer(self, _text: str, start: int, stop: int) -> Iterator[Any]:
        self.windows.append(stop - start)
        return iter(())


@pytest.mark.parametrize("size", [WINDOW, WINDOW + 1, TEXT_MAX, 4 * TEXT_MAX])
def test_a_pattern_never_sees_more_than_a_window_and_few_of_them(size: int) -> None:
    """So the longest text costs some forty times what a pattern was let in with, and no more."""
    pattern: Any = Searched()
    assert list(matches(pattern, "a" * size)) == []
    assert max(pattern.windows) <= WINDOW
    assert len(pattern.windows) <= TEXT_MAX // (WINDOW - MATCH_MAX) + 1


def test_a_match_is_found_wherever_it_stands_and_once() -> None:
    pattern = re.compile(r"<[a-z]{1,510}>")
    for at in [*range(0, 9000, 97), WINDOW - 1, WINDOW - MATCH_MAX, TEXT_MAX - MATCH_MAX]:
        for size in (1, 200, 510):
            text = "." * at + "<" + "m" * size + ">" + "." * 5000
            found = [match.span() for match in matches(pattern, text)]
            assert found == [(at, at + size + 2)], (at, size)
    assert list(matches(pattern, "." * TEXT_MAX + "<a>")) == []
