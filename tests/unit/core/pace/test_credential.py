"""A refused token is asked about again and again: confirmed soon, then slowly, never given up."""

from __future__ import annotations

from bridge.core.pace.credential import PROBE_S, Credential


def worked() -> Credential:
    credential = Credential()
    credential.accepted()
    return credential


def test_one_refusal_is_asked_again_after_15_seconds() -> None:
    credential = worked()
    assert credential.refused(100.0, 99.0) == 115.0
    assert credential.suspended_since is None


def test_a_token_that_never_worked_is_confirmed_once() -> None:
    credential = Credential()
    assert credential.refused(1.0, 0.9) == 4.0
    assert credential.suspended_since is None
    credential.refused(4.0, 3.9)
    assert credential.suspended_since == 4.0


def test_three_in_a_row_suspend_it_and_the_tries_become_rare_but_never_end() -> None:
    credential = worked()
    now, waits = 0.0, []
    for _ in range(100):
        again_at = credential.refused(now, now)
        waits.append(again_at - now)
        now = again_at
    assert waits[:6] == [15.0, 15.0, 60.0, 120.0, 240.0, 300.0]
    assert set(waits[5:]) == {PROBE_S[1]}
    assert (credential.refused_since, credential.suspended_since) == (0.0, 30.0)


def test_many_at_once_are_one_database_fault() -> None:
    credential = worked()
    for n in range(50):
        assert credential.refused(1.0 + n * 0.01, 0.5) == 16.0
    assert credential.refusals == 1


def test_an_answer_in_between_proves_it_alive() -> None:
    credential = worked()
    credential.refused(0.0, 0.0)
    credential.refused(15.0, 15.0)
    assert credential.accepted()
    assert not credential.accepted()
    assert credential.refused(30.0, 30.0) == 45.0
    assert credential.refusals == 1


def test_a_good_answer_ends_a_suspension() -> None:
    credential = worked()
    for now in (0.0, 15.0, 30.0, 90.0):
        credential.refused(now, now)
    assert credential.accepted()
    assert credential.suspended_since is None
    assert credential.refused(100.0, 100.0) == 115.0


def test_a_new_token_is_believed() -> None:
    credential = worked()
    for now in (0.0, 15.0, 30.0):
        credential.refused(now, now)
    credential.replaced()
    assert (credential.suspended_since, credential.refusals) == (None, 0)
    assert credential.refused(60.0, 60.0) == 63.0, "and it never worked so far"


def test_whoever_mends_it_need_not_wait_and_begins_the_slow_pace_anew() -> None:
    credential = worked()
    assert not credential.ask_again(), "nothing was wrong"
    for now in (0.0, 15.0, 30.0, 90.0, 210.0):
        credential.refused(now, now)
    assert credential.ask_again()
    assert credential.retry_at == 0.0
    assert credential.suspended_since == 30.0, "nobody has said yet that it is good"
    assert credential.refused(220.0, 220.0) == 280.0
