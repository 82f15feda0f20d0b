"""A space is gone after some refusals over some time, in a row."""

from __future__ import annotations

import pytest

from bridge.sources.moot.rules.absence import SPAN_S, STRIKES, Absence


@pytest.mark.parametrize(
    ("moments", "gone"),
    [
        ([0, 1, 2], False),  # often enough, too soon
        ([0, SPAN_S], False),  # long enough, too rarely
        ([0, 1, SPAN_S - 0.1], False),
        ([0, 1, SPAN_S], True),
        ([0, 1, 2, 3, SPAN_S], True),
    ],
)
def test_both_number_and_time_count(moments: list[float], gone: bool) -> None:
    absence = Absence()
    assert [absence.struck(100.0 + at) for at in moments][-1] is gone


def test_one_answer_begins_the_count_again() -> None:
    absence = Absence()
    for at in range(STRIKES):
        absence.struck(float(at))
    absence.seen()
    assert not absence.struck(1000.0)
    assert not absence.struck(1001.0)
    assert absence.struck(1000.0 + SPAN_S)
