"""The table of `rules/next_turn.py`, row by row, and how a follow gets from state to state."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sources.mogplex.rules.next_turn import (
    FILL_TRIES,
    IDLE_S,
    LASTED_S,
    Seen,
    Turn,
    Turns,
)
from tests.cases import each_case

NOW = 1000.0
# A run that goes on, on a server that resumes.
GOING = Seen(does_resume=True, may_resume=True, has_place=True)
STREAM, PAGE, ROW = Turn.STREAM, Turn.PAGE, Turn.ROW


def seen(**more: Any) -> Seen:
    return Seen(**{"does_resume": True, "may_resume": True, "has_place": True, **more})


def verified(**more: Any) -> Turns:
    return Turns(is_verified=True, **more)


@each_case(
    ("turns", "facts", "turn"),
    [
        # UNTOUCHED
        (Turns(), seen(is_untouched=True, has_place=False), STREAM),
        (Turns(), seen(is_untouched=True, does_resume=False), PAGE),
        (Turns(), seen(is_untouched=True, has_stream=False), PAGE),
        (Turns(resumes_first=False), seen(is_untouched=True), STREAM),
        # UNVERIFIED
        (Turns(), seen(), STREAM),
        (Turns(resumes_first=False), seen(), PAGE),  # the last stream brought nothing
        (Turns(), seen(does_resume=False), PAGE),  # only a page tells what it missed
        (Turns(), seen(has_place=False), PAGE),
        # VERIFIED
        (verified(), seen(), STREAM),
        (verified(), seen(does_resume=False), STREAM),
        (verified(resumes_first=False), seen(), STREAM),
        (verified(), seen(has_stream=False), PAGE),
        (verified(stream_at=NOW + 1), seen(), PAGE),
        (verified(stream_at=NOW), seen(), STREAM),
        # The row after silence, and where the page can say no more
        (verified(), seen(has_stream=False, quiet_s=IDLE_S - 0.1), PAGE),
        (verified(), seen(has_stream=False, quiet_s=IDLE_S), ROW),
        (Turns(), seen(has_stream=False, quiet_s=IDLE_S), PAGE),
        (verified(), seen(has_stream=False, is_page_settled=True), ROW),
        (Turns(), seen(has_stream=False, is_page_settled=True), PAGE),
        (verified(), seen(has_stream=False, quiet_s=IDLE_S, may_read_row=False), PAGE),
        # FILLING
        (Turns(wants_fill=True, resumes_first=False), seen(), STREAM),
        (Turns(wants_fill=True), seen(is_at_rest=True), STREAM),
        (Turns(wants_fill=True), seen(has_place=False), PAGE),
        (Turns(wants_fill=True, stream_at=NOW + 1), seen(), PAGE),
        # AT REST
        (verified(), seen(is_at_rest=True), PAGE),
        (Turns(), seen(is_at_rest=True), PAGE),
        (verified(), seen(is_at_rest=True, quiet_s=IDLE_S), ROW),
    ],
)
def test_what_the_next_turn_is_for(turns: Turns, facts: Seen, turn: Turn) -> None:
    assert turns.next(NOW, facts) is turn


@pytest.mark.parametrize(
    ("was_open", "brought", "lasted_s", "resumes_first"),
    [
        (True, True, 0.0, True),
        (True, False, LASTED_S, True),
        (True, False, LASTED_S - 0.1, False),
        (False, False, 0.0, False),
        (False, False, LASTED_S, False),  # a refusal that took long is no stream
    ],
)
def test_only_a_stream_that_was_good_is_followed_by_another(
    was_open: bool, brought: bool, lasted_s: float, resumes_first: bool
) -> None:
    turns = verified()
    turns.connecting(NOW)
    now = NOW + lasted_s
    turns.closed(now, was_open=was_open, brought=brought, wait_s=2.0)
    assert turns.resumes_first is resumes_first
    assert turns.next(now + 1.9, GOING) is PAGE
    assert turns.next(now + 2.0, GOING) is (STREAM if resumes_first else PAGE)


def test_a_page_verifies_what_a_stream_left_behind() -> None:
    turns = Turns(resumes_first=False)
    turns.page_taken()
    assert turns.next(NOW, GOING) is STREAM
    turns.connecting(NOW)
    turns.closed(NOW, was_open=True, brought=False, wait_s=0.0)
    assert turns.next(NOW, GOING) is PAGE


def test_a_hole_is_filled_a_number_of_times_and_any_news_begins_the_count_again() -> None:
    turns = Turns()
    for _ in range(FILL_TRIES):
        assert turns.may_fill(GOING)
        turns.hole_found()
        turns.connecting(NOW)
        turns.closed(NOW, was_open=True, brought=False, wait_s=0.0)
    assert not turns.may_fill(GOING)
    turns.news()
    assert turns.may_fill(GOING)


def test_connects_that_fill_nothing_are_not_counted() -> None:
    turns = Turns()
    for _ in range(10):
        turns.connecting(NOW)
        turns.closed(NOW, was_open=True, brought=True, wait_s=0.0)
    assert turns.may_fill(GOING)


@pytest.mark.parametrize("lacks", ["has_stream", "may_resume", "has_place"])
def test_nothing_can_be_filled_without_a_stream_that_resumes(lacks: str) -> None:
    assert not Turns().may_fill(seen(**{lacks: False}))


def test_a_stream_that_was_to_fill_and_brought_nothing_is_stuck_until_one_brings_news() -> None:
    turns = Turns()
    for was_open, brought, is_stuck in (
        (True, False, True),
        (False, False, True),  # it was refused: that says nothing
        (True, True, False),
    ):
        turns.hole_found()
        turns.connecting(NOW)
        turns.closed(NOW, was_open=was_open, brought=brought, wait_s=0.0)
        assert turns.is_stuck is is_stuck
        assert not turns.wants_fill  # the page read next says what is still missing
