"""The program's own tokens are known by heart: no look of theirs lets them pass."""

from __future__ import annotations

import pytest

from bridge.redact import Redactor

MADE_UP = "mog_" + "exampleToken1234567890ab"
OPAQUE = "ya29." + "some/opaque-oauth.token"


@pytest.mark.parametrize("token", [MADE_UP, "mog_" + "SECRETtoken1234567890abcd"])
def test_a_mogplex_token_that_looks_made_up_is_masked_all_the_same(token: str) -> None:
    for text in (token, f"Authorization: Bearer {token}", f"token {token} refused"):
        assert token not in Redactor().text(text)


def test_any_text_of_a_protected_token_is_masked_in_texts_and_events() -> None:
    redactor = Redactor()
    assert OPAQUE in redactor.text(f"refused: {OPAQUE}!")
    redactor.protect([OPAQUE, "short"])
    assert redactor.text(f"refused: {OPAQUE}!") == "refused: [REDACTED:token]!"
    event = {"id": "e1", "message": f"x {OPAQUE}", "payload": {"a": [f"{OPAQUE}{OPAQUE}"]}}
    assert OPAQUE not in str(redactor.event(event))
    assert redactor.text("a short text") == "a short text"
    assert redactor.take_counts()["own-token"] == 3
    redactor.protect([])
    assert OPAQUE in redactor.text(f"refused: {OPAQUE}!")


def test_a_text_that_was_harmless_is_masked_once_its_token_is_known() -> None:
    redactor = Redactor()
    twin = redactor.twin()
    text = f"refused: {OPAQUE}!"
    for one in (redactor, twin):
        assert one.text(text) == one.text(text) == text  # the second time from memory
    redactor.protect([OPAQUE])
    for one in (redactor, twin):
        assert one.text(text) == "refused: [REDACTED:token]!"
    redactor.adopt(Redactor())
    assert OPAQUE not in redactor.text(text)
