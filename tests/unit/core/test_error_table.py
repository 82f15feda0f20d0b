"""One code has one word, however upstream writes it."""

from __future__ import annotations

import pytest

from bridge.core.error_table import WAIT_S, WAIT_WORDS, ErrorRow, Wait, code_key
from bridge.core.errors import Retry


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RATE_LIMITED", "rate_limited"),
        ("Rate limited!", "rate_limited"),
        (" rate-limited ", "rate_limited"),
        ("run.not.found", "run_not_found"),
        ("", ""),
        ("...", ""),
    ],
)
def test_writings_of_one_code_have_one_key(text: str, key: str) -> None:
    assert code_key(text) == key


@pytest.mark.parametrize(
    ("code", "word"),
    [("NOT_FOUND", "NOT_FOUND"), ("Ticket already used", "ticket_already_used")],
)
def test_a_code_is_its_own_word_and_a_sentence_becomes_one(code: str, word: str) -> None:
    row = ErrorRow(code, (404,), Retry.PERMANENT, Wait.NEVER, "m", "a", "docs")
    assert row.word == word


@pytest.mark.parametrize("wait", Wait)
def test_every_wait_has_words_and_grows_to_its_longest(wait: Wait) -> None:
    first_s, longest_s = WAIT_S[wait]
    assert 0 <= first_s <= longest_s
    assert WAIT_WORDS[wait]
    is_none = WAIT_WORDS[wait].startswith("none")
    assert is_none is (longest_s == 0)
