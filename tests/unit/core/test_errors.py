"""Who is at fault for a refusal: the code says it, else the HTTP status."""

from __future__ import annotations

import pytest

from bridge.core.errors import Failure, Fault, Retry, SourceFailedError


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (None, Fault.SERVER),  # no reply
        (401, Fault.TOKEN),
        (403, Fault.RIGHTS),
        (404, Fault.REQUEST),
        (409, Fault.REQUEST),
        (429, Fault.RATE),
        (500, Fault.SERVER),
        (503, Fault.SERVER),
    ],
)
def test_a_status_says_who_is_at_fault(status: int | None, fault: Fault) -> None:
    assert Failure("runs.get", "X", "x", Retry.TRANSIENT, status).fault is fault


def test_a_code_that_says_it_wins_over_the_status() -> None:
    failure = Failure("runs.get", "X", "x", Retry.PERMANENT, 404, blames=Fault.TOKEN)
    assert failure.fault is Fault.TOKEN


def test_a_follow_that_cannot_go_on_says_what_was_asked_and_why() -> None:
    error = SourceFailedError(Failure("runs.get", "GONE", "no such run", Retry.PERMANENT, 404))
    assert str(error) == "runs.get: GONE: no such run"
