"""What a page of events hides: every rule with the pages that prove it and those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.intake.writing import UNREADABLE
from bridge.sources.mogplex.rules.segment import Segment
from bridge.sources.mogplex.rules.window import PAGE_FULL, WALL_MOVES, Hole, Kind, PageSeen, Window
from bridge.sources.mogplex.words import WORDS


class Pages:
    """A window, and all that was taken from its pages; events are numbers, created one a second."""

    def __init__(self, kind: Kind = Kind.UNKNOWN) -> None:
        self.window = Window(kind=kind)
        self.taken = Segment("segment")
        self.known: set[str] = set()

    def take(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if str(number) not in self.known:
                self.known.add(str(number))
                self.taken.took(str(number), float(number))

    def look(self, numbers: Sequence[int], **more: Any) -> Hole:
        sight: dict[str, Any] = {
            "last_s": float(numbers[-1]) if numbers else None,
            "begins_at_origin": bool(numbers) and numbers[0] == 0,
            "may_go_on": True,
            "updated_at": "row 0",
            "is_alone": True,
        }
        page = PageSeen([str(number) for number in numbers], **(sight | more))
        hole = self.window.look(page, self.taken, self.known.__contains__)
        self.take(numbers)
        return hole


def test_a_short_page_hides_nothing() -> None:
    pages = Pages()
    for count in (0, 1, PAGE_FULL - 1):
        assert pages.look(range(count), updated_at=f"row {count}") is Hole.NONE
    assert (pages.window.kind, pages.window.is_full) == (Kind.UNKNOWN, False)
    assert not pages.window.may_hide()


def test_a_first_page_that_is_full_and_begins_later_is_one_joined_late() -> None:
    pages = Pages()
    assert pages.look(range(57, 257)) is Hole.JOINED_LATE
    assert pages.window.kind is Kind.TAIL


def test_a_first_page_that_is_full_and_begins_at_the_origin_may_be_either() -> None:
    pages = Pages()
    assert pages.look(range(200)) is Hole.NONE
    assert pages.window.kind is Kind.UNKNOWN
    assert pages.window.may_hide()


def test_the_oldest_event_that_has_left_the_page_proves_a_tail_window() -> None:
    pages = Pages()
    pages.look(range(150))
    assert pages.look(range(1, 201)) is Hole.NONE
    assert pages.window.kind is Kind.TAIL
    assert not pages.window.may_hide()


def test_the_newest_event_that_is_not_on_the_page_proves_a_head_window() -> None:
    pages = Pages()
    pages.take(range(230))  # by a stream
    assert pages.look(range(200)) is Hole.NONE
    assert pages.window.kind is Kind.HEAD


def test_late_events_at_the_beginning_prove_nothing() -> None:
    pages = Pages()
    pages.take(range(10, 160))
    assert pages.look([*range(5, 160), *range(160, 205)], begins_at_origin=True) is Hole.NONE
    assert pages.window.kind is Kind.UNKNOWN


def test_a_page_without_any_known_event_has_jumped() -> None:
    pages = Pages()
    pages.look(range(150))
    assert pages.look(range(250, 450)) is Hole.JUMPED
    assert pages.window.kind is Kind.TAIL


def test_one_known_event_is_enough_to_know_that_nothing_is_missing() -> None:
    pages = Pages()
    pages.look(range(150))
    assert pages.look(range(149, 349)) is Hole.NONE


def test_a_page_that_ends_before_all_that_is_remembered_has_not_jumped() -> None:
    pages = Pages()
    pages.take(range(300, 900))  # what was taken before is forgotten
    assert pages.look(range(200), begins_at_origin=False) is Hole.NONE
    assert pages.window.kind is Kind.HEAD


def test_a_row_that_moves_behind_a_page_that_stays_is_a_wall_after_some_moves() -> None:
    pages = Pages()
    holes = [pages.look(range(200), updated_at=f"row {n}") for n in range(WALL_MOVES + 2)]
    assert holes == [Hole.NONE] * WALL_MOVES + [Hole.EXHAUSTED, Hole.NONE]
    assert (pages.window.kind, pages.window.is_exhausted) == (Kind.HEAD, True)


def test_a_row_that_stays_is_no_wall() -> None:
    pages = Pages()
    assert {pages.look(range(200)) for _ in range(20)} == {Hole.NONE}


@pytest.mark.parametrize("more", [{"may_go_on": False}, {"is_alone": False}])
def test_no_wall_where_the_run_is_over_or_a_stream_shows_the_rest(more: dict[str, bool]) -> None:
    pages = Pages()
    holes = {pages.look(range(200), updated_at=f"row {n}", **more) for n in range(20)}
    assert holes == {Hole.NONE}


def test_a_known_head_window_needs_one_move_and_a_known_tail_window_has_no_wall() -> None:
    head, tail = Pages(Kind.HEAD), Pages(Kind.TAIL)
    for pages in (head, tail):
        assert pages.look(range(200)) is Hole.NONE
    assert head.look(range(200), updated_at="row 1") is Hole.EXHAUSTED
    for n in range(20):
        assert tail.look(range(200), updated_at=f"row {n}") is Hole.NONE


def test_a_wrong_belief_is_corrected_by_what_is_on_the_page() -> None:
    believed_head, believed_tail = Pages(Kind.HEAD), Pages(Kind.TAIL)
    for pages in (believed_head, believed_tail):
        pages.take(range(230))
    believed_head.look(range(30, 230))
    assert believed_head.window.kind is Kind.TAIL
    believed_tail.look(range(200))
    assert believed_tail.window.kind is Kind.HEAD


def test_a_history_that_is_shorter_than_what_was_taken_is_told_once() -> None:
    pages = Pages()
    pages.look(range(30))
    assert pages.look(range(12)) is Hole.SHRUNK
    assert pages.look(range(12)) is Hole.NONE
    assert pages.look(range(15)) is Hole.NONE


def test_a_new_segment_tells_its_own_wall() -> None:
    pages = Pages(Kind.HEAD)
    assert pages.window.exhaust() is Hole.EXHAUSTED
    assert pages.window.exhaust() is Hole.NONE
    pages.window.new_segment()
    assert pages.window.exhaust() is Hole.EXHAUSTED


def test_every_hole_is_a_reason_that_the_metrics_know() -> None:
    known = {*WORDS.gap_reasons, UNREADABLE}
    assert known == {hole.value for hole in Hole if hole is not Hole.NONE}


def test_only_what_pages_prove_is_believed_of_other_runs() -> None:
    """Who joins late may have misread the first event: no ground to call the server newer."""
    late = Pages()
    assert late.look(range(57, 257)) is Hole.JOINED_LATE
    assert (late.window.kind, late.window.is_proven) == (Kind.TAIL, False)
    late.look(range(58, 258))
    assert (late.window.kind, late.window.is_proven) == (Kind.TAIL, True)


def test_the_oldest_of_more_than_a_page_is_not_on_a_tail_window() -> None:
    pages = Pages(Kind.TAIL)
    pages.take(range(PAGE_FULL + 1))
    pages.look(range(PAGE_FULL), last_s=float(PAGE_FULL))  # as new as the newest: a tie
    assert (pages.window.kind, pages.window.is_proven) == (Kind.HEAD, True)
    exactly = Pages(Kind.TAIL)
    exactly.take(range(PAGE_FULL))
    exactly.look(range(PAGE_FULL))
    assert exactly.window.kind is Kind.TAIL
