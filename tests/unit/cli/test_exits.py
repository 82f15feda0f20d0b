"""Exit codes: the error's code decides before the HTTP status (outside.md 1)."""

from __future__ import annotations

import pytest

from bridge.cli.exits import Exit, exit_of_error, exit_of_failure
from bridge.core.errors import ConfigError, Failure, JournalError, Retry, SourceFailedError


def failure(code: str, status: int | None) -> Failure:
    return Failure("runs.get", code, "text", Retry.PERMANENT, status)


@pytest.mark.parametrize(
    ("code", "status", "exit_"),
    [
        ("UNAUTHORIZED", 401, Exit.UNAUTHORISED),
        ("LOGIN_REDIRECT", 307, Exit.UNAUTHORISED),
        ("unauthorized", 500, Exit.UNAUTHORISED),
        ("FORBIDDEN", 403, Exit.FORBIDDEN),
        ("RATE_LIMITED", 429, Exit.RATE_LIMITED),
        ("RATE_LIMITED", 200, Exit.RATE_LIMITED),
        ("TIMEOUT", None, Exit.UNAVAILABLE),
        ("INTERNAL_ERROR", 500, Exit.UNAVAILABLE),
        ("SOMETHING_NEW", 403, Exit.FORBIDDEN),
        ("NOT_FOUND", 404, Exit.FAILED),
    ],
)
def test_a_refusal_has_the_code_of_its_meaning(code: str, status: int | None, exit_: Exit) -> None:
    assert exit_of_failure(failure(code, status)) is exit_
    assert exit_of_error(SourceFailedError(failure(code, status))) is exit_


def test_a_wrong_configuration_tells_the_supervisor_not_to_restart() -> None:
    assert exit_of_error(ConfigError("x")) is Exit.CONFIG
    assert exit_of_error(JournalError("x")) is Exit.FAILED
