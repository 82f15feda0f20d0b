"""Contacts: they take free places at once, the neediest first, carefully where little is known."""

from __future__ import annotations

import itertools

import pytest

from bridge.core.pace.opening import FIRST, WIRE_MAX
from bridge.core.pace.ranking import Want
from bridge.core.pace.schedule import Scheduler
from bridge.core.status import State

NEVER = float("-inf")


def known(log: list[float] | None = None, **options: object) -> Scheduler[str]:
    """A scheduler that knows what is in its window."""
    s: Scheduler[str] = Scheduler(**options)  # type: ignore[arg-type]
    s.start(0.0, log or [])
    return s


def unknown() -> Scheduler[str]:
    s: Scheduler[str] = Scheduler()
    s.start(0.0)
    return s


def burst(s: Scheduler[str], now: float) -> list[str]:
    """All that leave at once."""
    sent = []
    while (answer := s.next(now))[0] == "poll":
        sent.append(str(answer[1]))
    return sent


def hear(s: Scheduler[str], runs: list[str], now: float) -> None:
    for run in runs:
        s.observe(run, now, 0, State.RUNNING)


def test_first_contacts_do_not_wait_for_the_pace() -> None:
    s = known()
    for n in range(100):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    assert len(burst(s, 0.0)) == 57, "all places but the reserve"


def test_polls_keep_the_pace() -> None:
    s = known()
    for n in range(100):
        s.add(f"run{n}", 0.0, State.RUNNING)
    assert len(burst(s, 0.0)) == 1


def test_never_heard_comes_first_and_then_unheard_for_longest() -> None:
    s = known(log=[-30.0] * 54)  # three places left
    for run, need in (("late", 9.0), ("early", 2.0), ("new", NEVER), ("middle", 5.0)):
        s.add(run, 0.0, unheard=need)
    assert burst(s, 0.0) == ["new", "early", "middle"]


def test_the_connect_of_a_run_that_was_read_comes_after_those_never_heard() -> None:
    s = known(log=[-1.0] * 55)
    s.add("read", 0.0, unheard=NEVER)
    hear(s, burst(s, 0.0), 0.1)
    s.add("new", 0.2, unheard=NEVER)
    s.request("read", 0.2, Want.CONTACT)
    assert burst(s, 0.2) == ["new"]


def test_a_connect_on_which_others_wait_comes_before_all() -> None:
    s = known(log=[-1.0] * 55)
    s.add("scout", 0.0, unheard=NEVER)
    hear(s, burst(s, 0.0), 0.1)
    s.add("new", 0.2, unheard=NEVER)
    s.request("scout", 0.2, Want.AT_ONCE)
    assert burst(s, 0.2) == ["scout"]


def test_what_is_asked_for_as_a_poll_waits_for_the_tick() -> None:
    s = known()
    for run in "ab":
        s.add(run, 0.0, State.RUNNING)
        s.request(run, 0.0)
    assert burst(s, 0.0) == ["a"]


def test_a_contact_is_made_once() -> None:
    s = known()
    for n in range(20):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    hear(s, burst(s, 0.0), 0.1)
    assert len(burst(s, 1.9)) == 1
    assert len(burst(s, 70.0)) == 1, "a burst does not come back every minute"


def test_a_run_that_does_not_answer_loses_its_place_in_front() -> None:
    s = known()
    s.add("broken", 0.0, unheard=NEVER)
    for now in (0.0, 1.5):
        assert burst(s, now) == ["broken"]
        s.on_error("broken", now + 0.1)
    assert s.snapshot(2.0).unheard == 0


def test_the_minute_after_a_burst_is_shared_evenly_among_the_polls() -> None:
    """Else polls would go on at full pace and leave the end of the minute empty."""
    s = known()
    runs = [f"run{n}" for n in range(30)]
    for run in runs:
        s.add(run, 0.0, unheard=NEVER)
    hear(s, burst(s, 0.0), 0.1)
    now, sent = 0.1, [0.0]
    while now < 120.0:
        action, value = s.next(now)
        if action == "poll":
            sent.append(now)
            s.observe(str(value), now + 0.1, 0, State.RUNNING)
        else:
            now = float(value)
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert max(gaps) < 2.5
    assert max(gaps[-40:]) < 1.2, "and after a minute the pace is what it always was"


# A window on which nothing is known


def test_on_an_unknown_window_contacts_feel_their_way() -> None:
    s = unknown()
    for n in range(60):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    rounds, now = [], 0.0
    while len(rounds) < 5:
        sent = burst(s, now)
        rounds.append(len(sent))
        hear(s, sent, now + 0.05)
        now += 0.05
    assert rounds == [FIRST, 2 * FIRST, WIRE_MAX, WIRE_MAX, 57 - 2 * WIRE_MAX - 3 * FIRST]


def test_a_predecessor_that_filled_the_window_costs_a_handful_and_is_no_foreign_use() -> None:
    s = unknown()
    for n in range(30):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    sent = burst(s, 0.0)
    for run in sent:
        s.on_429(run, 0.1, 60.0)
    assert len(sent) == FIRST
    assert burst(s, 59.0) == []
    assert s.snapshot(60.2).foreign == 0.0
    assert len(burst(s, 60.2)) == FIRST, "careful again: somebody else may be there"


def test_who_refuses_again_after_a_whole_window_is_somebody_else() -> None:
    s = unknown()
    for n in range(30):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    for now in (0.0, 60.2):
        for run in burst(s, now):
            s.on_429(run, now + 0.1, 60.0)
    assert s.snapshot(121.0).foreign > 50


def test_polls_alone_still_assume_a_predecessor() -> None:
    s = unknown()
    s.add("a", 0.0, State.RUNNING)
    assert burst(s, 0.0) == ["a"]
    assert s.snapshot(0.0).used == 57


# A token that was of no use for a while


def test_one_request_finds_out_for_all() -> None:
    s = known()
    for n in range(10):
        s.add(f"run{n}", 0.0, unheard=NEVER)
    s.is_probing = True
    assert burst(s, 0.0) == ["run0"]
    s.on_error("run0", 0.1)
    assert len(burst(s, 2.0)) == 1


def test_after_an_outage_everybody_is_heard_at_once_the_longest_unheard_first() -> None:
    s = known()
    for n in range(10):
        s.add(f"run{n}", 0.0, State.RUNNING)
    for n in range(4):
        assert len(burst(s, 2.0 * n)) == 1
        hear(s, [f"run{n}"], 2.0 * n + 0.1)
    s.hold(100.0)
    s.reopen(100.0)
    assert burst(s, 100.0) == [f"run{n}" for n in (4, 5, 6, 7, 8, 9, 0, 1, 2, 3)]


# Waiting where nothing can change soon


@pytest.mark.parametrize(
    ("state", "quiet_s", "most"),
    [
        (State.WAITING, 120, 7),
        (State.PENDING, 300, 7),
        (State.RUNNING, 1800, 7),
        (State.RUNNING, 500, 60),
    ],
)
def test_a_run_alone_on_its_token_is_asked_less_while_nothing_changes(
    state: State, quiet_s: float, most: int
) -> None:
    s = known()
    s.add("a", 0.0, state)
    now, sent = 0.0, []
    while now < quiet_s + 60.0:
        action, value = s.next(now)
        if action == "poll":
            sent.append(now)
            s.observe("a", now + 0.1, 0, state)
        else:
            now = float(value)
    assert sum(at >= quiet_s for at in sent) <= most
    s.observe("a", now, 1, State.RUNNING)
    assert s.next(now + 1.2)[0] == "poll" or float(s.next(now + 1.2)[1]) <= now + 11.0


def test_the_first_sign_ends_the_calm() -> None:
    s = known()
    s.add("a", 0.0, State.WAITING)
    now = 0.0
    for _ in range(200):
        action, value = s.next(now)
        if action == "poll":
            s.observe("a", now + 0.1, 0, State.WAITING)
        now = max(now, float(value)) if action == "wait" else now
    while s.next(now)[0] != "poll":
        now = float(s.next(now)[1])
    s.observe("a", now + 0.1, 3, State.RUNNING)
    action, value = s.next(now + 0.1)
    assert (action, float(value)) == ("wait", pytest.approx(now + 60.5 / 57))


def test_a_process_that_dies_every_few_seconds_does_not_spend_the_window_on_hearing_again() -> None:
    s = known(log=[-5.0] * 8 + [-3.0] * 12)
    for n in range(8):
        s.add(f"run{n}", 0.0, unheard=float(n))
    assert len(burst(s, 0.0)) == 1  # the pace's own
    s.add("new", 0.0, unheard=NEVER)
    assert burst(s, 0.1) == ["new"]


def test_after_a_restart_what_a_predecessors_burst_left_of_the_minute_is_shared() -> None:
    s = known(log=[-1.0] * 44)
    for n in range(20):
        s.add(f"run{n}", 0.0, State.RUNNING)
    sent = []
    now = 0.0
    while now < 58.0:
        action, value = s.next(now)
        if action == "poll":
            sent.append(now)
            s.observe(value, now)
        else:
            now = float(value)
    assert max(b - a for a, b in zip(sent, [*sent[1:], 58.0], strict=True)) < 7.0
