"""What one base URL is found to do, remembered for all its feeds."""

from __future__ import annotations

from bridge.sources.miosa.rules.learnt import ABSENT_S, RUN_PATHS, Choice, Learnt


def test_the_other_name_is_tried_once_and_the_one_that_worked_is_kept() -> None:
    choice = Choice(("/runs", "/agent-runs"))
    assert choice.name == "/runs"
    assert choice.refused("/runs")
    assert choice.name == "/agent-runs"
    choice.worked("/agent-runs")
    assert choice.name == "/agent-runs"
    assert not choice.refused("/agent-runs")  # an unknown run, not an unknown route


def test_both_refused_is_an_answer_about_the_thing_and_teaches_nothing() -> None:
    choice = Choice(("/runs", "/agent-runs"))
    assert choice.refused("/runs")
    assert not choice.refused("/agent-runs")
    assert (choice.name, choice.proven) == ("/runs", None)


def test_a_proven_name_is_not_doubted_by_a_refusal() -> None:
    choice = Choice(("/runs", "/agent-runs"))
    choice.worked("/runs")
    assert not choice.refused("/runs")
    assert choice.name == "/runs"


def test_that_a_kind_wants_a_ticket_is_learnt_for_the_kind_alone() -> None:
    learnt = Learnt()
    assert [k for k in ("sandbox", "build", "snapshot", "tenant") if learnt.needs_ticket(k)] == [
        "build",
        "snapshot",
    ]
    learnt.wants_ticket["sandbox"] = True
    assert learnt.needs_ticket("sandbox")
    assert not learnt.needs_ticket("tenant")


def test_a_stream_that_is_not_there_is_tried_again_now_and_then() -> None:
    learnt = Learnt()
    learnt.stream_absent("run", 100.0)
    assert not learnt.has_stream("run", 100.0 + ABSENT_S - 1)
    assert learnt.has_stream("sandbox", 100.0)
    assert learnt.has_stream("run", 100.0 + ABSENT_S)


def test_a_name_that_worked_and_is_gone_is_tried_again_like_any_other() -> None:
    choice = Choice(RUN_PATHS)
    old, new = RUN_PATHS[1], RUN_PATHS[0]
    choice.worked(old)
    choice.gone(new)
    assert choice.name == old
    choice.gone(old)
    assert choice.refused(old)
    assert choice.name == new
