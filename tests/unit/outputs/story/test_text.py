"""Columns as a terminal counts them, and fragments of speech that become one text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.outputs.story.text import (
    cut,
    joined,
    many,
    padded,
    remainder,
    span,
    whole_sentences,
    width,
    wrapped,
)

WORDS = st.text("ab é日 \u0301", max_size=60)


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\u200b", 0), ("", 0)]
)
def test_wide_and_combining_characters_are_counted_as_shown(text: str, columns: int) -> None:
    assert width(text) == columns


@given(WORDS, st.integers(0, 30))
def test_a_cut_text_never_takes_more_room(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns
    assert cut(text, width(text)) == text


@given(WORDS, st.integers(1, 30))
def test_a_padded_text_takes_exactly_its_room(text: str, columns: int) -> None:
    assert width(padded(text, columns)) == columns


@example(" aa", 2)  # an indentation for which there is no room beside the word
@example(" aaa", 2)
@given(WORDS, st.integers(2, 30))
def test_lines_fit_and_lose_nothing_but_blanks(text: str, columns: int) -> None:
    lines = list(wrapped(text, columns))
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_without_a_width_a_paragraph_is_one_line() -> None:
    assert list(wrapped("a " * 500, None)) == ["a " * 500]


@pytest.mark.parametrize(
    ("before", "fragment", "text"),
    [
        ("It works.", "Now the tests", "It works. Now the tests"),
        ("It works. ", "Now", "It works. Now"),
        ("It wor", "ks", "It works"),
        ("Mog", "Plex", "MogPlex"),  # no sentence ends there
        ("Done!)", "Next", "Done!) Next"),
        ("", "Next", "Next"),
    ],
)
def test_fragments_are_joined_verbatim_but_for_a_blank_between_sentences(
    before: str, fragment: str, text: str
) -> None:
    assert joined(before, fragment) == text


def test_a_sentence_is_over_when_a_blank_follows() -> None:
    assert whole_sentences("One. Two. Thr") == len("One. Two.")
    assert whole_sentences("Version 3.11") == 0
    assert whole_sentences("One.") == 0  # "One.5" may be on its way


@pytest.mark.parametrize(
    ("final", "said", "rest"),
    [
        ("All done.", "All done.", ""),
        ("All done.", "All\n done. ", ""),
        ("All is done. And more.", "Hm. All is done.", "And more."),
        ("Something else", "All done.", "Something else"),
        ("", "All done.", ""),
    ],
)
def test_a_final_text_adds_what_was_not_said_yet(final: str, said: str, rest: str) -> None:
    assert remainder(final, said) == rest


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "40 ms"), (6.0, "6.0 s"), (59.9, "59.9 s"), (59.96, "1m00s"), (192, "3m12s"),
     (7440, "2h04m")],
)  # fmt: skip
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_one_and_many() -> None:
    assert (many(1, "run"), many(0, "run"), many(1200, "run")) == ("1 run", "0 runs", "1,200 runs")
