"""Who is asked next, among runs that are due."""

import math

import pytest

from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State


def fresh(**options: object) -> Scheduler[str]:
    """A scheduler whose token has not been used for a minute."""
    s: Scheduler[str] = Scheduler(page_events=200, **options)  # type: ignore[arg-type]
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


def test_round_robin_is_what_q_zero_means() -> None:
    s = fresh(q=0.0)
    for run in "abc":
        s.add(run, 0.0, State.RUNNING)
    asked = serve(s, 0.0, 60.0, {"a": 9.0, "b": 0.1, "c": 0.0})
    assert asked[:9] == list("abcabcabc")


def test_the_oldest_overdue_run_comes_first() -> None:
    s = fresh(kappa=1.5)
    for run in ("hot", "cold"):
        s.add(run, 0.0, State.RUNNING)
    asked = serve(s, 0.0, 300.0, {"hot": 20.0, "cold": 0.0})
    # kappa * N/R = 1.5 * 2 ticks: without the rule the hot run would get about 30 in a row.
    longest = max(len(part) for part in "".join(r[0] for r in asked).split("c"))
    assert longest <= 4


def test_a_newest_200_window_about_to_overflow_is_asked_before_the_most_urgent() -> None:
    asked = []
    for window in ("latest", "first"):
        s = fresh(kappa=1e9, window=window)
        s.add("urgent", 0.0, State.RUNNING, weight=1e6)
        # Feared to begin with 0.6 events/s: after 200 s it holds 120, the guarded part of 200.
        s.add("new", 0.0, State.PENDING)
        assert s.snapshot(199.0).gap_risk_count == 0
        asked.append(s.next(201.0))
    assert asked == [("poll", "new"), ("poll", "urgent")]


def test_a_first_200_window_that_is_full_is_asked_for_its_status_only() -> None:
    s = fresh(window="first")
    s.add("full", 0.0, State.RUNNING)
    s.add("other", 0.0, State.RUNNING)
    s.next(0.0)
    s.observe("full", 0.2, 200, State.RUNNING)
    asked = serve(s, 0.2, 300.0, {"full": 0.0, "other": 0.3})
    assert asked.count("other") > 3 * asked.count("full")


def test_a_window_found_out_later_counts_from_then_on() -> None:
    s = fresh()
    s.add("a", 0.0, State.RUNNING, seen=150)
    s.next(0.0)
    s.observe("a", 0.2, 50, State.RUNNING, window="first")
    assert s._ranking.followed["a"].rate == 0.0
    assert s._ranking.followed["a"].gap_at == math.inf


def test_the_weight_of_a_watched_run_shortens_its_interval() -> None:
    s = fresh()
    rates = {"watched": 0.3} | {f"other{i}": 0.3 for i in range(9)}
    for run in rates:
        s.add(run, 0.0, State.RUNNING, weight=1.0 + 2.0 * (run == "watched"))
    asked = serve(s, 0.0, 600.0, rates)
    assert asked.count("watched") == pytest.approx(3 / 12 * len(asked), rel=0.1)
