"""When requests may leave: an even pace, free places for contacts, pauses, a reserve for people."""

from __future__ import annotations

import math

import pytest

from bridge.core.pace.pace import CAP_MIN, RETRY_AFTER_S, Pace


def begun(now: float = 1000.0, **options: int) -> Pace:
    """A pace whose window is known to be empty."""
    pace = Pace(limit=60, margin=0.25, ra_cap=300.0)
    pace.set_limits(**options)
    pace.start(now, [])
    return pace


def polled(pace: Pace, now: float) -> None:
    pace.sent(now, is_contact=False)
    pace.answered(now, is_contact=False)


@pytest.mark.parametrize(
    ("options", "cap"),
    [({}, 57), ({"reserve": 0}, 60), ({"requests_per_minute": 54}, 54), ({"reserve": 59}, 1)],
)
def test_the_reserve_is_left_free_said_in_one_way_or_the_other(
    options: dict[str, int], cap: int
) -> None:
    assert begun(**options).cap(1000.0) == cap


@pytest.mark.parametrize("reserve", [-1, 60, 100])
def test_a_reserve_that_leaves_nothing_is_refused(reserve: int) -> None:
    with pytest.raises(ValueError, match="leaves nothing to poll with"):
        begun(reserve=reserve)


def test_polls_are_a_pace_apart() -> None:
    pace = begun()
    assert pace.tick_at(1000.0) == (1000.0, None)
    polled(pace, 1000.0)
    until, reason = pace.tick_at(1000.0)
    assert until - 1000.0 == pytest.approx(pace.cycle_s / 57)
    assert reason == "budget"
    assert pace.tick_at(until) == (until, None)


def test_a_contact_takes_any_free_place_and_none_when_all_are_taken() -> None:
    pace = begun(reserve=0)
    for _ in range(59):
        polled(pace, 1000.0)
    assert pace.contact_free_at(1000.0, 0) == 1000.0
    polled(pace, 1000.0)
    assert pace.contact_free_at(1000.0, 0) >= 1060.0


def test_where_nothing_is_known_of_a_predecessor_a_contact_feels_its_way() -> None:
    pace = Pace(limit=60, margin=0.25, ra_cap=300.0)
    pace.set_limits()
    pace.start(1000.0, None)
    assert pace.assumed(1000.0) > 0
    assert pace.contact_free_at(1000.0, 0) == 1000.0
    assert pace.contact_free_at(1000.0, 100) == math.inf  # enough of them are on the wire


def test_a_log_from_the_future_tells_as_little_as_none() -> None:
    pace = Pace(limit=60, margin=0.25, ra_cap=300.0)
    pace.set_limits()
    pace.start(1000.0, [5000.0])
    assert pace.assumed(1000.0) > 0


@pytest.mark.parametrize(
    ("retry_after", "wait_s"),
    [(None, RETRY_AFTER_S), (5.0, 5.0), (-3.0, 0.0), (10_000.0, 300.0)],
)
def test_a_refusal_pauses_everything_for_as_long_as_it_says_within_bounds(
    retry_after: float | None, wait_s: float
) -> None:
    pace = begun()
    pace.sent(1000.0, is_contact=False)
    pace.refused(1001.0, retry_after, 1000.0)
    assert pace.blocked_until == 1001.0 + wait_s
    assert pace.refused_count == 1
    assert pace.try_interactive(1001.0) is (wait_s == 0.0)


def test_a_pause_is_the_longest_of_those_asked_for() -> None:
    pace = begun()
    pace.hold(1100.0)
    assert pace.paused_until(1000.0) == (1100.0, None)
    pace.sent(1000.0, is_contact=False)
    pace.refused(1000.0, 30.0, 1000.0)
    assert pace.paused_until(1000.0) == (1100.0, "retry_after")
    pace.hold(0.0)
    assert pace.paused_until(1000.0) == (1030.0, "retry_after")
    assert pace.paused_until(1030.0)[0] <= 1030.0


def test_what_others_took_is_learnt_from_a_refusal_and_polls_keep_a_few_places() -> None:
    pace = begun()
    pace.sent(1000.0, is_contact=False)
    pace.refused(1000.0, 1.0, 1000.0)  # ours is the only one in the window: 60 are not ours
    assert pace.cap(1001.0) == CAP_MIN


def test_a_request_that_was_out_when_the_first_refusal_came_tells_nothing_more() -> None:
    pace = begun()
    for _ in range(2):
        pace.sent(1000.0, is_contact=False)
    pace.refused(1002.0, 1.0, 1000.0)
    learnt = pace.foreign.estimate(1002.0)
    pace.refused(1002.5, 1.0, 1000.0)
    assert pace.foreign.estimate(1002.5) <= learnt


def test_somebody_who_waits_gets_the_reserve_and_then_nothing() -> None:
    pace = begun()
    for _ in range(57):
        polled(pace, 1000.0)
    assert [pace.try_interactive(1000.0) for _ in range(4)] == [True, True, True, False]
    pace.interactive_done(1000.0, counted=False)
    assert pace.try_interactive(1000.0)
    pace.interactive_done(1000.0, counted=True)
    assert not pace.try_interactive(1000.0)
