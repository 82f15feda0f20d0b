"""The paced square-root index, one rule at a time; the promises over time are in tests/property."""

import math

import pytest

from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State

GAP = 60.5 / 57  # the pace with the default reserve, seconds


def fresh(**options: object) -> Scheduler[str]:
    """A scheduler whose token has not been used for a minute."""
    s: Scheduler[str] = Scheduler(**options)  # type: ignore[arg-type]
    s.start(0.0, [])
    return s


def poll(s: Scheduler[str], now: float) -> tuple[str, float]:
    """Wait until the next poll; return the run and the time."""
    for _ in range(1000):
        act, value = s.next(now)
        if act == "poll":
            return str(value), now
        assert value > now
        now = float(value)
    raise AssertionError("next() does not converge")


def serve(s: Scheduler[str], now: float, until: float, events: dict[str, float]) -> list[str]:
    """Poll with a latency of 0.1 s; `events`: steady events/s of each run. Return who was asked."""
    asked: list[str] = []
    seen: dict[str, float] = {}
    while True:
        run, now = poll(s, now)
        if now > until:
            return asked
        asked.append(run)
        total = events[run] * (now + 0.05)
        new = int(total) - int(seen.get(run, 0))
        seen[run] = total
        s.observe(run, now + 0.1, new, State.RUNNING)


def test_the_first_poll_leaves_at_once() -> None:
    s: Scheduler[str] = Scheduler()
    s.start(5.0)
    s.add("a", 5.0)
    assert s.next(5.0) == ("poll", "a")


def test_two_polls_are_a_pace_apart() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.add("b", 0.0)
    assert poll(s, 0.0)[1] == 0.0
    assert s.next(0.0) == ("wait", GAP)
    assert poll(s, 0.0)[1] == GAP


@pytest.mark.parametrize(("rpm", "cap"), [(54, 54), (60, 60), (75, 60), (1, 1)])
def test_requests_per_minute_is_the_reserve_the_other_way_round(rpm: int, cap: int) -> None:
    assert fresh(requests_per_minute=rpm).snapshot(0.0).cap == cap


@pytest.mark.parametrize("options", [{"reserve": 60}, {"reserve": -1}, {"requests_per_minute": 0}])
def test_limits_that_leave_nothing_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="reserve"):
        Scheduler(**options)  # type: ignore[arg-type]


def test_limits_can_change_while_running() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.set_limits(requests_per_minute=30, min_interval=5.0)
    s.next(0.0)
    s.observe("a", 0.1, 0, State.RUNNING)
    assert poll(s, 0.1) == ("a", 5.0)
    assert s.snapshot(5.0).cap == 30


def test_one_run_is_not_asked_twice_within_its_minimum_interval() -> None:
    s = fresh(min_interval=3.0)
    s.add("a", 0.0)
    s.next(0.0)
    s.observe("a", 0.2, 0, State.RUNNING)
    assert poll(s, 0.2)[1] == 3.0


def test_no_more_than_max_inflight_requests_are_on_the_wire() -> None:
    s = fresh(max_inflight=2)
    for run in "abc":
        s.add(run, 0.0)
    assert {poll(s, 0.0)[0], poll(s, 10.0)[0]} == {"a", "b"}
    assert s.next(20.0) == ("wait", 80.0)
    s.on_error("a", 21.0)
    assert s.next(21.0)[0] == "poll"


def test_time_never_runs_backwards() -> None:
    s = fresh()
    s.add("a", 10.0)
    s.next(10.0)
    s.observe("a", 10.2, 0, State.RUNNING)
    assert s.next(3.0) == ("wait", 10.0 + GAP)


def test_without_runs_it_waits_and_says_so() -> None:
    assert fresh().next(7.0) == ("wait", 67.0)


def test_a_busy_run_is_asked_more_often_than_a_quiet_one() -> None:
    s = fresh()
    s.add("busy", 0.0, State.RUNNING)
    s.add("quiet", 0.0, State.RUNNING)
    s.add("quiet2", 0.0, State.RUNNING)
    asked = serve(s, 0.0, 600.0, {"busy": 2.0, "quiet": 0.02, "quiet2": 0.02})
    assert asked.count("busy") > 2.5 * asked.count("quiet")


@pytest.mark.slow
def test_a_small_tenant_gets_more_than_its_need() -> None:
    def share(beta: float) -> float:
        s = fresh(beta=beta)
        rates = {f"big{i}": 0.3 for i in range(19)} | {"small": 0.3}
        for run in rates:
            s.add(run, 0.0, State.RUNNING, tenant=run[:3])
        asked = serve(s, 0.0, 1200.0, rates)
        return asked.count("small") / len(asked)

    assert share(0.0) == pytest.approx(1 / 20, rel=0.1)
    assert share(1.0) == pytest.approx(1 / 2, rel=0.1)
    assert share(0.25) == pytest.approx(0.75 / 20 + 0.25 / 2, rel=0.15)


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_terminal_run_is_confirmed_once_and_then_forgotten(state: State) -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.observe("a", 0.1, 3, state)
    run, now = poll(s, 0.1)
    assert run == "a"
    s.observe("a", now + 0.1, 0, state)
    assert s.snapshot(now + 0.1).followed == 0
    assert s.next(now + 50.0)[0] == "wait"


def test_a_status_that_comes_back_to_life_is_followed_on() -> None:
    s = fresh()
    s.add("a", 0.0)
    for state in (State.CANCELLED, State.RUNNING, State.CANCELLED):
        _, now = poll(s, s._now)
        s.observe("a", now + 0.1, 0, state)
    assert s.snapshot(now).followed == 1


def test_the_caller_may_decide_what_done_means() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.add("b", 0.0)
    for run, done in (("a", True), ("b", False), ("b", False), ("b", True)):
        assert poll(s, s._now)[0] == run
        s.observe(run, s._now + 0.1, 0, State.SUCCEEDED, done=done)
    assert s.snapshot(s._now).followed == 0


def test_confirming_is_worth_little_under_load() -> None:
    s = fresh()
    rates = {f"r{i}": 0.3 for i in range(10)}
    for run in ("over", *rates):
        s.add(run, 0.0, State.RUNNING)
    s.next(0.0)
    s.observe("over", 0.1, 0, State.SUCCEEDED, done=False)
    asked = serve(s, 0.1, 30.0, rates | {"over": 0.0})
    assert asked.count("over") == 0


def test_a_run_is_not_named_before_the_time_given() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.observe("a", 0.1, 0, State.RUNNING, not_before=30.0)
    assert poll(s, 0.1) == ("a", 30.0)


def test_a_parked_run_does_not_change_what_overdue_means() -> None:
    s = fresh()
    for i in range(50):
        s.add(f"parked{i}", 0.0, not_before=1000.0)
    s.add("a", 0.0)
    assert s.snapshot(4.0).overdue_count == 1


def test_a_request_for_a_parked_run_takes_the_next_place() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.add("parked", 0.0, not_before=1000.0)
    s.request("parked", 0.0)
    assert s.next(0.0) == ("poll", "parked")
    s.spent("parked", 0.1, not_before=500.0)
    assert s.snapshot(0.1).used == 1
    assert poll(s, 0.1)[0] == "a"


def test_a_run_parked_for_ever_can_still_be_requested() -> None:
    s = fresh()
    s.add("a", 0.0, not_before=math.inf)
    assert s.next(0.0) == ("wait", 60.0)
    s.request("a", 0.0)
    assert s.next(0.0) == ("poll", "a")


def test_a_hold_pauses_everything() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.hold(12.0)
    assert s.next(0.0) == ("wait", 12.0)
    assert not s.try_interactive(1.0)
    assert s.snapshot(1.0).blocked_until == 12.0
    assert s.next(12.0) == ("poll", "a")


def test_a_lost_answer_is_charged_and_tried_again() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.on_error("a", 10.0)
    assert s.snapshot(70.0).used == 1
    assert s.next(10.0) == ("poll", "a")


def test_a_run_that_cannot_be_read_does_not_starve_the_others() -> None:
    s = fresh()
    for run in ("good", "bad"):
        s.add(run, 0.0, State.RUNNING)
    now, good = 0.0, 0
    for _ in range(200):
        run, now = poll(s, now)
        if run == "good":
            good += 1
            s.observe(run, now + 0.1, 0, State.RUNNING)
        else:
            s.on_error(run, now + 0.1)
    assert good >= 60


def test_the_callers_back_off_is_kept() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.on_error("a", 0.5, not_before=8.0)
    assert poll(s, 0.5) == ("a", 8.0)


def test_a_late_answer_only_frees_its_place() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.on_error("a", 10.0)
    s.observe("a", 11.0, 5, State.SUCCEEDED)
    assert s.snapshot(11.0).used == 1
    assert s.next(11.0) == ("poll", "a")


def test_a_run_added_again_is_not_asked_while_its_old_request_is_out() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.forget("a")
    s.add("a", 1.0)
    assert s.next(5.0)[0] == "wait"
    assert s.snapshot(5.0).used == 1
    s.observe("a", 6.0, 9, State.SUCCEEDED)  # of its former life: teaches nothing
    assert poll(s, 6.0) == ("a", 6.0)
    s.observe("a", 6.1, 0, State.SUCCEEDED)
    assert s.snapshot(6.1).followed == 1


def test_adding_a_followed_run_changes_nothing() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.add("a", 1.0)
    assert s.next(50.0)[0] == "wait"


def test_a_refusal_pauses_the_token_and_leaves_no_charge() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.on_429("a", 0.2, 60)
    assert s.snapshot(0.2).used == 0
    assert s.snapshot(0.2).refused_count == 1
    assert s.next(0.2) == ("wait", 60.2)
    assert not s.try_interactive(30.0)
    assert s.next(60.2) == ("poll", "a")


def test_obedience_to_retry_after_has_a_limit_of_the_operators() -> None:
    s = fresh(ra_cap=15.0)
    s.add("a", 0.0)
    s.next(0.0)
    s.on_429("a", 0.2, 300)
    assert s.next(0.2) == ("wait", 15.2)


def test_a_refusal_without_a_time_means_a_minute() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.on_429("a", 0.0)
    assert s.snapshot(0.0).blocked_until == 60.0


def test_three_interactive_requests_go_at_once_and_the_background_stands_back() -> None:
    s = fresh()
    s.add("a", 0.0, State.RUNNING)
    now = 0.0
    for _ in range(56):
        _, now = poll(s, now)
        s.observe("a", now + 0.1, 0, State.RUNNING)
    _, now = poll(s, now)
    s.observe("a", now + 0.1, 0, State.RUNNING)
    now += 0.2
    assert [s.try_interactive(now) for _ in range(4)] == [True, True, True, False]
    for _ in range(3):
        s.interactive_done(now + 0.1, True)
    act, _ = s.next(now + 0.1)
    assert act == "wait"
    assert s.snapshot(now + 0.1).used == 60
    assert s.try_interactive(61.0)  # the first poll's place is back, and is not the background's


def test_an_interactive_request_that_was_refused_leaves_no_charge() -> None:
    s = fresh()
    assert s.try_interactive(0.0)
    s.interactive_done(0.1, False)
    s.on_429("command", 0.1, 60)
    assert s.snapshot(0.1).used == 0
    assert s.snapshot(0.1).refused_count == 1


def test_a_successor_with_the_log_continues_the_window() -> None:
    s = fresh()
    s.add("a", 0.0)
    for now in (0.0, 2.0, 4.0):
        assert s.next(now) == ("poll", "a")
        s.observe("a", now + 0.1, 0, State.RUNNING)
    successor: Scheduler[str] = Scheduler()
    successor.start(4.2, s.log(4.2))
    successor.add("a", 4.2)
    assert successor.snapshot(4.2).used == 3
    assert poll(successor, 4.2)[1] == pytest.approx(4.1 + GAP)


def test_without_a_log_the_window_is_taken_for_full_of_a_predecessors_polls() -> None:
    s: Scheduler[str] = Scheduler()
    s.start(0.0)
    assert [s.try_interactive(0.0) for _ in range(5)] == [True, True, True, True, False]


def test_a_log_from_the_future_is_that_of_a_clock_that_was_set_back() -> None:
    """It says nothing of when; waiting until its requests are over would be an hour, or a lie."""
    before = fresh()
    before.add("a", 0.0)
    before.next(0.0)
    before.observe("a", 0.1, 0, State.RUNNING)
    set_back: Scheduler[str] = Scheduler()
    set_back.start(0.0, [t + 3600.0 for t in before.log(1.0)])
    unknown: Scheduler[str] = Scheduler()
    unknown.start(0.0)
    for each in (set_back, unknown):
        each.add("a", 0.0)
    assert set_back.snapshot(0.0).used == unknown.snapshot(0.0).used == 56
    assert poll(set_back, 0.0) == poll(unknown, 0.0)


def test_waiting_is_booked_by_reason() -> None:
    s = fresh(min_interval=1.0)
    for run in "ab":
        s.add(run, 0.0)
    s.next(0.0)
    s.next(0.0)
    s.next(GAP)  # the whole gap was spent waiting for the budget: b was ready
    assert s.snapshot(GAP).waited_budget_s == pytest.approx(GAP)
    s.on_429("a", 2.0, 60)
    s.on_error("b", 2.0)
    s.next(2.0)
    s.next(30.0)
    s.next(100.0)
    assert s.snapshot(100.0).waited_retry_after_s == pytest.approx(60.0)


def test_waiting_for_a_run_is_not_waiting_for_the_budget() -> None:
    s = fresh(min_interval=10.0)
    s.add("a", 0.0)
    s.next(0.0)
    s.observe("a", 0.1, 0, State.RUNNING)
    s.next(0.1)
    s.next(9.9)
    assert s.snapshot(9.9).waited_budget_s == 0.0
