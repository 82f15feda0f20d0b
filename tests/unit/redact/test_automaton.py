"""Matches of literals, in texts of any length and any characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.redact.automaton import WINDOW, Automaton, Match

LITERALS = ("ab", "b", "abab", "ba", "\u00e9b", "\U0001f511")  # those of ASCII first


def every(text: str) -> list[Match]:
    """What an automaton has to find, looked for one place after the other."""
    found = [
        (number, at, at + len(literal))
        for at in range(len(text))
        for number, literal in enumerate(LITERALS)
        if text.startswith(literal, at)
    ]
    return sorted(found, key=lambda match: (match[2], match[1]))


@pytest.mark.parametrize("is_quick", [True, False])
@given(text=st.text("ab\u00e9\U0001f511\ud83d\udd11 ", max_size=24))
def test_each_match_is_found_in_order_of_ends_the_longest_first(text: str, is_quick: bool) -> None:
    automaton = Automaton(LITERALS, is_quick=is_quick)
    assert automaton.within(text) == every(text)
    assert list(automaton.iter(text)) == every(text)


def test_a_match_over_the_end_of_a_window_is_found_once() -> None:
    automaton = Automaton(LITERALS)
    for shift in range(-5, 6):
        at = WINDOW + shift
        text = " " * at + "abab" + " " * WINDOW + "\u00e9b"
        assert list(automaton.iter(text)) == [
            (0, at, at + 2),
            (1, at + 1, at + 2),
            (3, at + 1, at + 3),
            (2, at, at + 4),
            (0, at + 2, at + 4),
            (1, at + 3, at + 4),
            (4, len(text) - 2, len(text)),
            (1, len(text) - 1, len(text)),
        ]


def test_half_a_surrogate_pair_hides_nothing() -> None:
    automaton = Automaton(LITERALS)
    assert automaton.within("\ud83dab\udd11") == [(0, 1, 3), (1, 2, 3)]
