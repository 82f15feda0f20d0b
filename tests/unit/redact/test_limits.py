"""Sizes: what is beyond the limit is replaced unread, and work grows with the text, no faster."""

from __future__ import annotations

import pytest

from bridge.redact import EVENT_CHARS_MAX, Redactor
from tests.steps import steps

TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5"
UNREAD = "[REDACTED:unscanned]"
SMALL = 4_000


def test_a_message_of_30_mb_is_read_up_to_the_limit_and_marked() -> None:
    message = f"first {TOKEN} " + "x1 " * 10_000_000 + f" password=hunter2hunter2 {TOKEN}"
    result = Redactor().event({"id": "1", "type": "log", "message": message, "payload": {}})
    assert TOKEN not in result["message"]
    assert "hunter2" not in result["message"]
    assert result["message"].endswith(UNREAD)
    assert EVENT_CHARS_MAX - 100 < len(result["message"]) < EVENT_CHARS_MAX + 100


def test_what_is_beyond_the_limit_costs_nothing() -> None:
    redactor = Redactor(chars_max=SMALL)

    def cost(size: int) -> int:
        return steps(lambda: redactor.text(f"first {TOKEN} " + "x1 " * size))

    cost(SMALL)  # the engine is built at its first text
    assert cost(100 * SMALL) == cost(SMALL)


def test_all_texts_of_an_event_share_the_limit() -> None:
    redactor = Redactor(chars_max=SMALL)
    result = redactor.event({"id": "1", "payload": [f"{n:04} " + "word " * 199 for n in range(9)]})
    whole = [item for item in result["payload"] if UNREAD not in item]
    assert len(whole) == 4
    assert result["payload"][5:] == [UNREAD] * 4
    assert redactor.take_counts() == {"unscanned": 5}
    # The next event begins anew.
    assert redactor.event({"message": "word " * 199}) == {"message": "word " * 199}


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL - 1, SMALL, SMALL + 1, 2 * SMALL, 50 * SMALL])
@pytest.mark.parametrize("piece", ["word ", "password=Ab1cdef ", "token: x9Y8z7W6v5U4t3S2r1 "])
def test_a_cut_text_stays_as_it_is(size: int, piece: str) -> None:
    redactor = Redactor(chars_max=SMALL)
    once = redactor.event({"message": (piece * size)[:size], "payload": {"a": piece * 9}})
    assert redactor.event(once) == once


def test_a_secret_across_the_limit_does_not_survive() -> None:
    redactor = Redactor(chars_max=SMALL)
    for shift in range(1, len(TOKEN)):
        filler = ("word " * SMALL)[: SMALL - shift - 1] + " "
        result = redactor.text(f"{filler}{TOKEN} and more")
        left = result[SMALL - shift : -len(UNREAD)]
        assert len(left) <= len("ghp_") + 8 or "REDACTED" in left, left


def test_the_limit_can_be_wider_for_who_does_not_share_a_loop() -> None:
    text = "word " * (EVENT_CHARS_MAX // 5 + 10)
    assert Redactor(chars_max=2 * EVENT_CHARS_MAX).text(text) == text


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["token token token = ", "| token | "])
def test_the_work_for_the_worst_texts_grows_with_their_length_and_no_faster(piece: str) -> None:
    redactor = Redactor()

    def cost(chars: int) -> int:
        return steps(lambda: redactor.text((piece * chars)[:chars]))

    cost(1_000)
    assert cost(40_000) < 2.2 * cost(20_000)
