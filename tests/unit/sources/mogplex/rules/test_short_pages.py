"""Pages that show too little: not believed at once, and not disbelieved for ever."""

from __future__ import annotations

import pytest

from bridge.sources.mogplex.rules.short_pages import (
    EMPTY_READS,
    EMPTY_SPAN_S,
    SHRUNK_READS,
    SHRUNK_SPAN_S,
    Doubt,
)
from bridge.sources.mogplex.rules.window import PAGE_FULL


@pytest.mark.parametrize(
    ("size", "taken", "is_over"),
    [(5, 5, True), (6, 5, False), (0, 0, False), (1, 0, True), (PAGE_FULL, 5_000, True)],
)
def test_a_page_with_all_that_was_taken_is_believed(size: int, taken: int, is_over: bool) -> None:
    assert not Doubt().holds(0.0, size, taken, is_over=is_over)


@pytest.mark.parametrize(("size", "taken"), [(0, 1), (4, 5), (PAGE_FULL - 1, PAGE_FULL), (0, 900)])
def test_what_has_shrunk_is_believed_after_so_many_reads_over_a_minute(
    size: int, taken: int
) -> None:
    doubt = Doubt()
    step_s = SHRUNK_SPAN_S / (SHRUNK_READS - 1)
    for n in range(SHRUNK_READS - 1):
        assert doubt.holds(7.0 + n * step_s, size, taken, is_over=False)
    assert not doubt.holds(7.0 + SHRUNK_SPAN_S, size, taken, is_over=False)


def test_many_reads_within_a_moment_prove_nothing() -> None:
    doubt = Doubt()
    assert all(doubt.holds(n / 10, 0, 9, is_over=True) for n in range(10 * int(SHRUNK_SPAN_S)))
    assert not doubt.holds(SHRUNK_SPAN_S, 0, 9, is_over=True)


def test_a_whole_page_begins_the_count_anew() -> None:
    doubt = Doubt()
    for n in range(SHRUNK_READS - 1):
        assert doubt.holds(n * 30.0, 0, 9, is_over=False)
    assert not doubt.holds(200.0, 9, 9, is_over=False)
    assert doubt.holds(230.0, 0, 9, is_over=False)


def test_a_run_that_is_over_without_any_event_is_doubted_for_a_shorter_time() -> None:
    doubt = Doubt()
    for n in range(EMPTY_READS - 1):
        assert doubt.holds(n * EMPTY_SPAN_S / (EMPTY_READS - 1), 0, 0, is_over=True)
    assert not doubt.holds(EMPTY_SPAN_S, 0, 0, is_over=True)
