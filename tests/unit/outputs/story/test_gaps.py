"""Gaps in words."""

from __future__ import annotations

import pytest

from bridge.outputs.story.gaps import gap_words


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (1, "1 event is missing"),
        (12_000, "12,000 events are missing"),
        (None, "an unknown number of events is missing"),
    ],
)
def test_a_gap_says_how_much_is_missing(missing: int | None, words: str) -> None:
    assert gap_words({"missing": missing, "reason": "unreadable"}) == (
        f"gap: {words}: an event from upstream could not be read"
    )


def test_a_reason_of_another_system_is_shown_as_it_is() -> None:
    assert gap_words({"reason": "replay_expired"}).endswith("missing: replay_expired")
