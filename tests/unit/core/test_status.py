"""Which of the six words mean that nothing more is to be expected."""

from __future__ import annotations

from bridge.core.status import State


def test_three_words_are_ends_and_three_are_not() -> None:
    assert {state.value for state in State if state.is_over} == {"succeeded", "failed", "cancelled"}
    assert {state.value for state in State if not state.is_over} == {
        "pending",
        "running",
        "waiting",
    }
