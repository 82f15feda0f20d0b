"""Mogplex's error codes (mogplex.md 1.10). The HTTP status decides about other codes."""

from __future__ import annotations

from bridge.core.error_table import ErrorRow, Wait
from bridge.core.errors import Retry

_P, _T, _C = Retry.PERMANENT, Retry.TRANSIENT, Retry.CONDITIONAL

# fmt: off
ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow("BAD_REQUEST", (400,), _P, Wait.NEVER, "the request is not acceptable",
             "fix the request; on a stream the bridge drops its cursor and reads pages", "seed"),
    ErrorRow("UNAUTHORIZED", (401,), Retry.AUTH_SUSPECT, Wait.TOKEN,
             "the token is refused, or upstream cannot look it up now",
             "if it persists, put a valid token in the token file; the bridge probes slowly",
             "source"),
    ErrorRow("FORBIDDEN", (403,), _P, Wait.NEVER, "the token lacks the scope for this",
             "issue a token with the scope that the message names", "seed"),
    ErrorRow("AUTOMATION_REQUIRED", (403,), _P, Wait.NEVER,
             "the key's access level does not allow this", "use a key that may start runs",
             "source"),
    ErrorRow("NOT_FOUND", (404,), _P, Wait.NEVER, "there is no such run, or not for this token",
             "check the id, and which account it belongs to", "seed"),
    ErrorRow("CONFLICT", (409,), _C, Wait.STATE, "the run's state does not allow this",
             "look at the run, then decide", "seed"),
    ErrorRow("IDEMPOTENCY_CONFLICT", (409,), _C, Wait.NEVER,
             "the idempotency key was used for another body", "send the same body or another key",
             "seed"),
    ErrorRow("RATE_LIMITED", (429,), _T, Wait.KEY, "too many requests with this token",
             "lower requests_per_minute, or give the bridge a token of its own", "seed"),
    ErrorRow("INTERNAL_ERROR", (500,), _T, Wait.BACKOFF, "an error inside the service",
             "nothing: the bridge retries", "seed"),
    ErrorRow("SERVICE_UNAVAILABLE", (503,), _T, Wait.BACKOFF, "temporarily unavailable",
             "nothing: the bridge retries", "seed"),
)
# fmt: on
