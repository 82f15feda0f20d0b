"""Requests of others on the same token: how many are believed in, and for how long."""

from bridge.core.pace.pace import CAP_MIN
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


def refuse_after(s: Scheduler[str], own: int) -> float:
    """Let `own` polls through, refuse the next; return when."""
    now = s._now
    for _ in range(own):
        run, now = poll(s, now)
        s.observe(run, now + 0.1, 1, State.RUNNING)
    run, now = poll(s, now)
    s.on_429(run, now + 0.1, 60)
    return now + 0.1


def test_what_was_not_ours_in_a_full_window_is_foreign() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 39)
    assert s.snapshot(now).foreign == 21
    assert s.snapshot(now + 61).cap == 60 - 21 - 2


def test_a_belief_is_kept_for_quiet_seconds_and_then_halved_every_half_minute() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 40)
    foreign = [s.snapshot(now + t).foreign for t in (119.9, 120.1, 149.9, 150.1, 300.0)]
    assert foreign == [20.0, 10.0, 10.0, 5.0, 0.0]


def test_a_refused_probe_doubles_the_quiet_time_up_to_a_limit() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 20)
    quiet = [s.snapshot(now).quiet_s]
    for _ in range(5):
        now += quiet[-1] + 10.0
        s.next(now)
        s.on_429("a", now, 60)
        quiet.append(s.snapshot(now).quiet_s)
    assert quiet == [120.0, 240.0, 480.0, 900.0, 900.0, 900.0]


def test_a_refusal_within_the_belief_does_not_lengthen_it() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 20)
    s.next(now + 70.0)
    s.on_429("a", now + 70.0, 60)
    assert s.snapshot(now + 70.0).quiet_s == 120.0


def test_others_that_left_long_ago_are_forgotten() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 0)
    s._pace.foreign.quiet_s = 900.0
    s.next(now + 3000.0)
    s.observe("a", now + 3000.1, 0, State.RUNNING)
    now = refuse_after(s, 50)
    assert s.snapshot(now).quiet_s == 120.0
    assert s.snapshot(now).foreign < 12


def test_requests_on_the_wire_during_a_refusal_are_not_further_evidence() -> None:
    s = fresh()
    for run in "ab":
        s.add(run, 0.0)
    s.next(0.0)
    s.next(GAP)
    s.on_429("a", 2.0, 60)
    foreign = s.snapshot(2.0).foreign
    s.on_429("b", 3.0, 60)
    assert s.snapshot(3.0).foreign == foreign
    assert s.snapshot(3.0).blocked_until == 63.0
    assert s.snapshot(3.0).refused_count == 2


def test_whatever_is_learnt_a_few_places_are_kept() -> None:
    s = fresh()
    s.add("a", 0.0)
    now = refuse_after(s, 0)
    assert s.snapshot(now + 61).cap == CAP_MIN
