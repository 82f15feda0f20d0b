"""Exit codes: what the code of an error blames decides before the HTTP status (outside.md 1)."""

from __future__ import annotations

import pytest

from bridge.cli.exits import Exit, exit_of_error, exit_of_failure
from bridge.core.errors import (
    ConfigError,
    Failure,
    Fault,
    JournalError,
    Retry,
    SourceFailedError,
)


def failure(status: int | None, blames: Fault | None = None) -> Failure:
    return Failure("runs.get", "CODE", "text", Retry.PERMANENT, status, blames=blames)


@pytest.mark.parametrize(
    ("status", "blames", "exit_"),
    [
        (401, None, Exit.UNAUTHORISED),
        (307, Fault.TOKEN, Exit.UNAUTHORISED),
        (500, Fault.TOKEN, Exit.UNAUTHORISED),
        (403, None, Exit.FORBIDDEN),
        (429, None, Exit.RATE_LIMITED),
        (200, Fault.RATE, Exit.RATE_LIMITED),
        (None, None, Exit.UNAVAILABLE),
        (500, None, Exit.UNAVAILABLE),
        (404, None, Exit.FAILED),
        (503, Fault.REQUEST, Exit.FAILED),
    ],
)
def test_a_refusal_has_the_exit_code_of_what_it_blames(
    status: int | None, blames: Fault | None, exit_: Exit
) -> None:
    refused = failure(status, blames)
    assert exit_of_failure(refused) is exit_
    assert exit_of_error(SourceFailedError(refused)) is exit_


def test_a_wrong_configuration_tells_the_supervisor_not_to_restart() -> None:
    assert exit_of_error(ConfigError("x")) is Exit.CONFIG
    assert exit_of_error(JournalError("x")) is Exit.FAILED
