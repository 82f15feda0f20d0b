"""Three refusals in a row over thirty seconds make a token dead; nothing less does."""

from __future__ import annotations

from bridge.core.pace.credential import Credential


def test_one_refusal_is_asked_again_after_15_seconds() -> None:
    credential = Credential()
    assert credential.refused(100.0) == 115.0
    assert not credential.is_dead


def test_three_in_a_row_over_thirty_seconds_are_the_end() -> None:
    credential = Credential()
    assert credential.refused(0.0) == 15.0
    assert credential.refused(15.0) == 30.0
    assert credential.refused(30.0) is None
    assert credential.is_dead


def test_many_at_once_are_one_database_fault() -> None:
    credential = Credential()
    for n in range(10):
        assert credential.refused(n * 0.1) is not None
    assert not credential.is_dead


def test_two_over_a_long_time_are_too_few() -> None:
    credential = Credential()
    credential.refused(0.0)
    assert credential.refused(300.0) == 315.0


def test_an_answer_in_between_proves_it_alive() -> None:
    credential = Credential()
    credential.refused(0.0)
    credential.refused(15.0)
    credential.accepted()
    assert credential.refused(30.0) == 45.0
    assert credential.refusals == 1


def test_a_new_token_is_believed() -> None:
    credential = Credential()
    for now in (0.0, 15.0, 30.0):
        credential.refused(now)
    credential.replaced()
    assert (credential.is_dead, credential.refusals) == (False, 0)
    assert credential.refused(60.0) == 75.0
