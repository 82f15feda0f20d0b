"""The gate mirrors a rolling window that it cannot see."""

import math

import pytest

from bridge.core.pace.budget import GIVE_UP_S, MARGIN_S, WINDOW_S, Budget

BUSY_S = WINDOW_S + MARGIN_S


def answered(budget: Budget, *times: float) -> None:
    for t in times:
        budget.send()
        budget.charge(t)


def test_a_slot_is_busy_from_sending_until_a_window_and_a_margin_after_the_answer() -> None:
    budget = Budget()
    budget.send()
    assert budget.used(1e6) == 1  # however long the answer takes
    budget.charge(100.0)
    assert budget.used(100.0 + BUSY_S - 0.001) == 1
    assert budget.used(100.0 + BUSY_S) == 0


def test_a_refused_request_leaves_no_trace() -> None:
    budget = Budget()
    budget.send()
    budget.release()
    assert budget.used(0.0) == 0


def test_free_at_is_now_while_there_is_room() -> None:
    budget = Budget(limit=2)
    answered(budget, 1.0)
    assert budget.free_at(5.0, 2) == 5.0


def test_free_at_names_the_moment_at_which_used_drops_below_the_cap() -> None:
    budget = Budget()
    answered(budget, 1.0, 2.0, 3.0)
    assert budget.free_at(5.0, 2) == 2.0 + BUSY_S
    assert budget.used(math.nextafter(2.0 + BUSY_S, 0.0)) == 2
    assert budget.used(2.0 + BUSY_S) == 1


def test_free_at_is_never_when_only_an_answer_can_free_a_slot() -> None:
    budget = Budget()
    budget.send()
    answered(budget, 1.0)
    assert budget.free_at(5.0, 1) == math.inf


def test_a_successor_continues_where_the_log_ends() -> None:
    budget = Budget()
    answered(budget, 1.0, 20.0, 40.0)
    successor = Budget()
    successor.restore(62.0, reversed(budget.log(62.0)))
    assert [successor.used(t) for t in (62.0, 81.0, 101.0)] == [2, 1, 0]


def test_a_request_in_flight_is_logged_as_answered_at_the_latest_moment() -> None:
    budget = Budget()
    budget.send()
    successor = Budget()
    successor.restore(5.0, budget.log(5.0))
    assert successor.used(5.0 + GIVE_UP_S + WINDOW_S) == 1
    assert successor.used(5.0 + GIVE_UP_S + BUSY_S) == 0


def test_a_broken_clock_in_a_log_blocks_for_one_window_at_most() -> None:
    budget = Budget()
    budget.restore(0.0, [1e12, math.nan])
    assert budget.used(0.0) == 1
    assert budget.used(GIVE_UP_S + BUSY_S) == 0


def test_a_log_cannot_hold_more_than_the_server_does() -> None:
    budget = Budget(limit=60)
    budget.restore(0.0, [-1.0] * 200)
    assert budget.used(0.0) == 60


def test_an_assumed_predecessor_frees_its_first_slot_at_once_and_then_one_per_gap() -> None:
    budget = Budget()
    budget.assume_paced(0.0, 57, 60.5 / 57)
    assert budget.used(0.0) == 56
    assert budget.used(30.25) == 28


def test_a_token_without_requests_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        Budget(limit=0)
