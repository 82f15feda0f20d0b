"""Exit codes: those of the vendor's CLI, extended (outside.md 1)."""

from __future__ import annotations

import enum

from bridge.core.errors import (
    BridgeError,
    ConfigError,
    Failure,
    Fault,
    JournalUnavailableError,
    JournalVersionError,
    SourceFailedError,
)


class Exit(enum.IntEnum):
    """The exit code of the process."""

    DONE = 0
    FAILED = 1  # also: timed out
    USAGE = 2
    UNAUTHORISED = 64
    FORBIDDEN = 65
    UNAVAILABLE = 69
    RATE_LIMITED = 75
    CONFIG = 78  # a restart will not help; the systemd unit lists this code
    INTERRUPTED = 130  # 128 + SIGINT, as shells do


_BY_FAULT = {
    Fault.TOKEN: Exit.UNAUTHORISED,
    Fault.RIGHTS: Exit.FORBIDDEN,
    Fault.RATE: Exit.RATE_LIMITED,
    Fault.SERVER: Exit.UNAVAILABLE,
    Fault.REQUEST: Exit.FAILED,  # such as an unknown run
}


def exit_of_failure(failure: Failure) -> Exit:
    """The exit code for a request that upstream refused, by the party at fault."""
    return _BY_FAULT[failure.fault]


def exit_of_error(error: BridgeError) -> Exit:
    """The exit code for an error that ended a command."""
    if isinstance(error, SourceFailedError):
        return exit_of_failure(error.failure)
    if isinstance(error, ConfigError | JournalVersionError):
        return Exit.CONFIG
    if isinstance(error, JournalUnavailableError):
        return Exit.UNAVAILABLE
    return Exit.FAILED
