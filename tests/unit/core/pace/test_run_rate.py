"""How fast a run is believed to be, from what its polls brought."""

import math

import pytest

from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State

GAP = 60.5 / 57  # the pace with the default reserve, seconds


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


def test_event_times_and_event_counts_teach_the_same_rate() -> None:
    by_time, by_count = fresh(), fresh()
    for s in (by_time, by_count):
        s.add("a", 0.0, State.RUNNING)
    now = 0.0
    for _ in range(60):
        _, now = poll(by_time, now)
        assert poll(by_count, now) == ("a", now)
        by_time.observe("a", now + 0.2, [now - 0.9, now - 0.6, now - 0.3], State.RUNNING)
        by_count.observe("a", now + 0.2, 3, State.RUNNING)
    rates = [s._ranking.followed["a"].rate for s in (by_time, by_count)]
    assert rates[0] == pytest.approx(rates[1], rel=0.05)
    assert rates[0] == pytest.approx(3 / GAP, rel=0.4)


def test_a_run_seen_in_a_burst_is_asked_before_one_seen_in_a_pause() -> None:
    def last(q: float, times: list[float]) -> tuple[str, object]:
        """Two runs of the same rate: five events each, a's just before the answer or not."""
        s = fresh(q=q, kappa=1e9)
        s.add("b", 0.0, State.RUNNING)
        s.add("a", 0.0, State.RUNNING)
        s.request("b", 0.0)
        for run, events in (("b", [1.0, 3.0, 5.0, 7.0, 9.0]), ("a", times)):
            now = 20.0 + 2.0 * (run == "a")
            assert s.next(now) == ("poll", run)
            s.observe(run, now + 0.2, events, State.RUNNING)
        return s.next(40.0)

    burst = [20.1, 20.6, 21.1, 21.6, 22.0]
    assert last(0.5, burst) == ("poll", "a")
    assert last(0.5, [t - 20.0 for t in burst]) == ("poll", "b")
    assert last(0.0, burst) == ("poll", "b")  # round robin looks at ages only


def test_events_of_one_instant_are_one_piece_of_evidence_for_a_burst() -> None:
    bursts = []
    for times in ([9.9] * 6, [8.0, 8.4, 8.8, 9.2, 9.6, 9.9]):
        s = fresh()
        s.add("a", 0.0, State.RUNNING)
        s.next(9.9)
        s.observe("a", 10.0, times, State.RUNNING)
        bursts.append(s._ranking.followed["a"].burst)
    assert 0.0 < 2.0 * bursts[0] < bursts[1]


def test_a_clock_mapped_wrongly_does_not_spoil_the_rate() -> None:
    s = fresh()
    s.add("a", 0.0, State.RUNNING)
    now = 0.0
    for _ in range(60):
        _, now = poll(s, now)
        s.observe("a", now + 0.2, [now - 1e6, math.nan, now + 1e6], State.RUNNING)
    assert s._ranking.followed["a"].rate == pytest.approx(3 / GAP, rel=0.4)


def test_a_backlog_of_unknown_age_is_not_taken_for_a_burst() -> None:
    s = fresh()
    s.add("a", 0.0)
    s.next(0.0)
    s.observe("a", 0.2, 200, State.RUNNING)
    assert s._ranking.followed["a"].rate < 1.0
