"""When a run is over: mogplex.md 1.7, rule by rule, on instants that a test chooses."""

from __future__ import annotations

import pytest

from bridge.sources.mogplex.rules.completion import ASK_S, CAP_S, Completion, Verdict


def reads(completion: Completion, *told: tuple[float, str, list[str]]) -> list[bool]:
    return [completion.saw_read(*each).is_over for each in told]


@pytest.mark.parametrize("status", ["pending", "streaming", "awaiting_input", "paused", None])
def test_a_status_that_is_not_terminal_never_ends_a_run(status: str | None) -> None:
    completion = Completion()
    for now in range(0, 1000, 50):
        assert completion.saw_read(float(now), status, ["finished"]) == Verdict(is_over=False)
    assert not completion.in_grace


@pytest.mark.parametrize("status", ["success", "failed", "cancelled"])
def test_without_a_terminal_event_two_quiet_reads_and_five_seconds(status: str) -> None:
    told = [(float(now), status, []) for now in (0, 2, 4, 5)]
    assert reads(Completion(), *told) == [False, False, False, True]
    assert reads(Completion(), (0.0, status, []), (5.0, status, []), (6.0, status, [])) == [
        False,
        False,
        True,
    ]


def test_news_in_the_grace_period_begin_the_count_of_quiet_reads_again() -> None:
    told = [(0.0, "failed", []), (2.0, "failed", []), (4.0, "failed", ["failed"])]
    told += [(6.0, "failed", []), (8.0, "failed", [])]
    assert reads(Completion(), *told) == [False, False, False, False, True]


def test_with_the_terminal_event_known_before_one_quiet_read_after_two_seconds() -> None:
    completion = Completion()
    completion.saw_read(0.0, "streaming", ["finished"])
    assert reads(completion, (1.0, "success", []), (2.9, "success", []), (3.0, "success", [])) == [
        False,
        False,
        True,
    ]


def test_an_event_that_comes_together_with_the_status_does_not_shorten_the_wait() -> None:
    told = [(0.0, "failed", ["failed"]), (2.0, "failed", []), (4.0, "failed", [])]
    assert reads(Completion(), *told, (5.0, "failed", [])) == [False, False, False, True]


def test_a_stream_may_have_shown_the_terminal_event() -> None:
    completion = Completion()
    completion.saw_events(["log", "cancelled"])
    assert reads(completion, (0.0, "cancelled", []), (2.0, "cancelled", [])) == [False, True]


def test_a_status_that_regresses_cancels_the_completion() -> None:
    completion = Completion()
    told = [(0.0, "cancelled", []), (2.0, "cancelled", []), (4.0, "streaming", [])]
    assert reads(completion, *told) == [False, False, False]
    assert not completion.in_grace
    assert reads(completion, (6.0, "failed", []), (8.0, "failed", []), (11.0, "failed", [])) == [
        False,
        False,
        True,
    ]


def test_a_run_that_never_falls_silent_is_over_at_the_cap() -> None:
    completion = Completion()
    now = 0.0
    while not completion.saw_read(now, "success", ["log"]).is_over:
        now += 1.0
    assert now == CAP_S


def test_a_new_segment_knows_nothing_of_the_old_one() -> None:
    completion = Completion()
    completion.saw_read(0.0, "cancelled", ["cancelled"])
    completion.new_segment()
    assert (completion.event_seen, completion.in_grace) == (False, False)


def test_it_says_when_the_next_read_is_of_use() -> None:
    completion = Completion()
    assert completion.saw_read(10.0, "failed", []).ask_at == 10.0 + ASK_S
    assert completion.saw_read(12.0, "failed", []).ask_at == 15.0
    assert completion.saw_read(14.5, "failed", ["log"]).ask_at == 16.5
    early = Completion(event_seen=True)
    assert early.saw_read(0.0, "success", []).ask_at == ASK_S
    assert early.saw_read(1.9, "success", []).ask_at == 2.9
