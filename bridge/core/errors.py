"""The kinds of errors: a refusal is a value, an exception means that this layer cannot continue."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Retry(enum.StrEnum):
    """The ways to react to a refusal (common.md 0.3)."""

    TRANSIENT = "transient"  # the same request may succeed later
    CONDITIONAL = "conditional"  # read the state again, then decide
    PERMANENT = "permanent"  # this request will never succeed
    AUTH_SUSPECT = "auth_suspect"  # a 401 not yet confirmed: a database fault looks the same
    DONE = "done"  # the target state already holds
    FEATURE_ABSENT = "feature_absent"  # the route is missing on this server


class Fault(enum.StrEnum):
    """What has to change for a refused request to succeed."""

    TOKEN = "token"  # noqa: S105 - no secret: it is not known, or not seen
    RIGHTS = "rights"  # the token's permissions
    RATE = "rate"  # the number of requests
    SERVER = "server"  # the server: no answer, or an error of its own
    REQUEST = "request"  # the request itself


_FAULT_OF_STATUS = {401: Fault.TOKEN, 403: Fault.RIGHTS, 429: Fault.RATE}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of an upstream request, redacted: safe to log, store and show."""

    operation: str  # "runs.events", never a URL: URLs carry tokens
    code: str  # upstream's, or the bridge's: TIMEOUT, TRANSPORT, TLS, INVALID_RESPONSE, HTTP_ERROR
    message: str  # short, for people; never a metric label
    retry: Retry
    http_status: int | None = None  # None when no reply arrived
    wait_s: float | None = None  # demanded by the server (Retry-After), seconds, clamped to 1..300
    request_id: str | None = None  # the platform's id of the request, for support
    blames: Fault | None = None  # set where the code decides; None: the HTTP status decides

    @property
    def fault(self) -> Fault:
        """What is at fault, for exit codes and messages."""
        if self.blames is not None:
            return self.blames
        if self.http_status is None or self.http_status >= 500:
            return Fault.SERVER
        return _FAULT_OF_STATUS.get(self.http_status, Fault.REQUEST)


class BridgeError(Exception):
    """The root of all exceptions that this program raises on purpose."""


class ConfigError(BridgeError):
    """The operator must act; the process exits with 78. The text names the setting and the fix."""


class SourceFailedError(BridgeError):
    """A follow cannot go on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.operation}: {failure.code}: {failure.message}")
        self.failure = failure


class JournalError(BridgeError):
    """The journal cannot do what the caller requested."""


class JournalUnavailableError(JournalError):
    """The journal is unavailable for now; retry.

    The records may be stored or not; storing them again is safe (J6).
    """


class JournalFullError(JournalUnavailableError):
    """No space; nothing was written. Wait and retry."""


class JournalCorruptError(JournalError):
    """The journal's files are damaged. Stop; overwrite nothing."""


class JournalVersionError(JournalError):
    """The file was written by a newer version of this program."""


class JournalBusyError(JournalError):
    """Another process writes this journal."""
