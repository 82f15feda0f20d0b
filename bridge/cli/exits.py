"""Exit codes: the vendor CLI's, extended (outside.md 1)."""

from __future__ import annotations

import enum

from bridge.core.errors import (
    BridgeError,
    ConfigError,
    Failure,
    JournalVersionError,
    SourceFailedError,
)


class Exit(enum.IntEnum):
    """What the process tells its parent."""

    DONE = 0
    FAILED = 1  # also: timed out
    USAGE = 2
    UNAUTHORISED = 64
    FORBIDDEN = 65
    UNAVAILABLE = 69
    RATE_LIMITED = 75
    CONFIG = 78  # restarting will not help; systemd is told so
    INTERRUPTED = 130  # 128 + SIGINT, as shells do


_BY_STATUS = {
    401: Exit.UNAUTHORISED,
    403: Exit.FORBIDDEN,
    429: Exit.RATE_LIMITED,
}


def exit_of_failure(failure: Failure) -> Exit:
    """The code for a follow or a read that upstream refused.

    The error code decides before the HTTP status (common.md 0.1). No reply, or a server's
    fault, is "service unavailable"; what is left is a plain failure, such as an unknown run.
    """
    code, status = failure.code.upper(), failure.http_status
    if code in ("UNAUTHORIZED", "LOGIN_REDIRECT"):
        return Exit.UNAUTHORISED
    if code in ("FORBIDDEN", "INSUFFICIENT_SCOPE", "AUTOMATION_REQUIRED"):
        return Exit.FORBIDDEN
    if code in ("RATE_LIMITED", "TOO_MANY_REQUESTS"):
        return Exit.RATE_LIMITED
    if status is None or status >= 500:
        return Exit.UNAVAILABLE
    return _BY_STATUS.get(status, Exit.FAILED)


def exit_of_error(error: BridgeError) -> Exit:
    """The code for an error that ended a command."""
    if isinstance(error, SourceFailedError):
        return exit_of_failure(error.failure)
    if isinstance(error, ConfigError | JournalVersionError):
        return Exit.CONFIG
    return Exit.FAILED
