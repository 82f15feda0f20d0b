"""MIOSA's error codes: every code that its documents, clients and tools name, one row each.

The code decides before the HTTP status: SERVICE_UNAVAILABLE is permanent though its status is 503,
SANDBOX_RUNTIME_UNAVAILABLE is temporary though its status is 409. `classify` judges by this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.error_table import ErrorRow, Wait, code_key
from bridge.core.errors import Retry

_P, _T, _C, _D = Retry.PERMANENT, Retry.TRANSIENT, Retry.CONDITIONAL, Retry.DONE
_SEED, _SOURCE, _DOCS = "seed", "source", "docs"
_ID = "check the id, and that the key's tenant owns it"
_FIELD = "fix the request; the reply's details name the field"
_STATE = "look at its state, then decide"
_CREDIT = "top up credits in the vendor's dashboard; the bridge retries on request"


def _row(
    code: str, http: int | None, retry: Retry, wait: Wait, meaning: str, action: str, source: str
) -> ErrorRow:
    return ErrorRow(code, () if http is None else (http,), retry, wait, meaning, action, source)


def _never(code: str, http: int, meaning: str, action: str, source: str = _SEED) -> ErrorRow:
    return _row(code, http, _P, Wait.NEVER, meaning, action, source)


# fmt: off
_OF_THE_KEY = (
    _never("invalid_token", 401, "the key is missing, malformed, revoked or a refresh token",
           "put a workspace key (msk_…) in the token file; the bridge reads it again"),
    _never("insufficient_scope", 403, "the key lacks the scope for this",
           "add the scope, such as sandboxes:read, to the key in the vendor's dashboard"),
    _never("FORBIDDEN", 403, "the key may not see this", "check membership and ownership"),
    _row("UNAUTHORIZED", 401, _T, Wait.AT_ONCE,
         "on a stream: its ticket is missing, used or expired; elsewhere: the key is refused",
         "on a stream nothing: the bridge fetches one new ticket; elsewhere check the key", _SEED),
    _row("missing sse ticket", 401, _T, Wait.AT_ONCE, "the stream needs a ticket",
         "nothing: the bridge fetches one and remembers that this stream needs it", _SEED),
    _row("rate_limit_exceeded", 429, _T, Wait.KEY, "too many requests with this key",
         "lower requests_per_minute, or give the bridge a key of its own", _SEED),
    _never("MEMBER_LIMIT_REACHED", 429, "the workspace has reached its member limit",
           "raise the plan; waiting does not help", _SOURCE),
    _never("MACHINE_KEY_SCOPE", 403, "a machine's key may not do this", "use a workspace key",
           _SOURCE),
    _never("BILL_TO_*", 403, "the key may not bill to that workspace or team",
           "check who is billed", _DOCS),
    _never("AGENT_RUN_FORBIDDEN", 403, "the key may not see agent runs",
           "add the scope of runs to the key", _DOCS),
)

_NOT_THERE = (
    _never("NOT_FOUND", 404, "there is no such thing for this key's tenant", _ID),
    _never("SANDBOX_NOT_FOUND", 404, "there is no such sandbox", _ID, _DOCS),
    _never("TEMPLATE_NOT_FOUND", 404, "there is no such template", _ID),
    _never("BUILD_NOT_FOUND", 404, "there is no such build", _ID),
    _never("COMPUTER_NOT_FOUND", 404, "there is no such computer", _ID),
    _never("DEPLOYMENT_NOT_FOUND", 404, "there is no such deployment", _ID),
    _never("DOMAIN_NOT_FOUND", 404, "there is no such custom domain", _ID),
    _never("ORG_NOT_FOUND", 404, "there is no such organization", _ID, _DOCS),
)

_WRONG_REQUEST = (
    _never("INVALID_ID", 400, "the id is not a UUID", "use the UUID, not a name or slug"),
    _never("MISSING_PARAM", 400, "a required field is absent", _FIELD),
    _never("INVALID_TEMPLATE", 400, "the template is unknown", _FIELD),
    _never("MISSING_PATH", 400, "the path is absent", _FIELD),
    _never("INVALID_PATH", 400, "the path is not absolute", _FIELD),
    _never("MISSING_FILE", 400, "the upload has no file", _FIELD),
    _never("INVALID_BODY", 400, "the body cannot be read", _FIELD),
    _never("MISSING_MODE", 400, "the file mode is absent", _FIELD),
    _never("VALIDATION_ERROR", 422, "a field is not acceptable", _FIELD),
    _never("VALIDATION_FAILED", 422, "a field is not acceptable", _FIELD),
    _never("TENANT_RESOLUTION_FAILED", 422, "the key belongs to no active workspace",
           "the workspace was deleted or suspended: use another key"),
    _never("INVALID_PORT", 422, "the port is outside 1 to 65535", _FIELD),
    _never("EMPTY_ARTIFACT", 422, "the build left no files to publish",
           "check what the build step writes"),
    _never("TOO_LARGE", 413, "the body is too large", "send less", _SOURCE),
    _never("BUILD_STEP_FAILED", 422, "a step of the build failed", "read the build's log", _DOCS),
)

_NOT_NOW = (
    _never("TEMPLATE_NAME_TAKEN", 409, "a template has that name", "choose another name"),
    _never("BUILD_NOT_RETRYABLE", 409, "only failed and cancelled builds are retried",
           "start a new build"),
    _never("IDEMPOTENCY_PAYLOAD_MISMATCH", 409, "the idempotency key was used for another body",
           "send the same body, or another key", _DOCS),
    _never("TEMPLATE_IN_USE", 409, "something still uses the template",
           "remove what uses it first", _DOCS),
    _never("AGENT_ARCHIVED", 409, "the agent is archived", "use an active agent", _DOCS),
    _row("SANDBOX_LIMIT_REACHED", 409, _C, Wait.HUMAN, "all sandboxes of the plan run (default 10)",
         "destroy idle ones or raise the limit", _SEED),
    _row("SANDBOX_NOT_RUNNING", 409, _C, Wait.STATE, "the sandbox is not running yet, or not now",
         "nothing: the bridge reads its row until it runs, then continues", _SEED),
    _row("COMPUTER_NOT_RUNNING", 409, _C, Wait.STATE, "the computer is not running",
         "start it; the bridge reads its row until it runs", _SEED),
    _row("TARGET_NOT_RUNNING", 409, _C, Wait.STATE, "the target of the run is not running",
         "start it; the bridge reads the row until it runs", _DOCS),
    _row("snapshot is not in ready state", 409, _C, Wait.STATE, "the snapshot is not ready yet",
         "nothing: the bridge reads its row until it is", _SEED),
    _row("SNAPSHOT_NOT_READY", 409, _C, Wait.STATE, "the snapshot is not ready yet",
         "nothing: the bridge reads its row until it is", _SOURCE),
    _row("SNAPSHOT_IN_USE", 409, _C, Wait.STATE, "something still uses the snapshot", _STATE,
         _DOCS),
    _row("RESOURCE_STATE", 409, _C, Wait.STATE, "its state does not allow this", _STATE, _SOURCE),
    _row("NO_AGENT_RUN", 409, _C, Wait.STATE, "there is no agent run to act on", _STATE, _SOURCE),
    _row("RUN_SESSION_NOT_RESUMABLE", 409, _P, Wait.NEVER, "the run's session cannot be resumed",
         "start a new run", _SOURCE),
    _row("OPERATION_NOT_CANCELLABLE", 409, _P, Wait.NEVER, "the operation cannot be cancelled",
         "wait for its end", _SOURCE),
    _row("SANDBOX_RUNTIME_UNAVAILABLE", 409, _T, Wait.SHORT, "the sandbox has no address yet",
         "nothing: the bridge retries in a few seconds", _SEED),
    _row("RUNTIME_TARGET_UNAVAILABLE", 409, _T, Wait.SHORT, "there is no address to route to yet",
         "nothing: the bridge retries in a few seconds", _SEED),
    _row("SANDBOX_STARTING", 409, _T, Wait.SHORT, "the sandbox is starting",
         "nothing: the bridge retries", _SOURCE),
    _row("COMPUTER_STARTING", 409, _T, Wait.SHORT, "the computer is starting",
         "nothing: the bridge retries", _SOURCE),
    _row("ENVIRONMENT_SCRUB_FAILED", 409, _T, Wait.SHORT, "the environment is being cleaned",
         "nothing: the bridge retries", _SOURCE),
    _row("SANDBOX_NOT_COMMAND_READY", 409, _T, Wait.SHORT, "the sandbox accepts no commands yet",
         "nothing: the bridge retries", _DOCS),
    _row("BUILD_ALREADY_TERMINAL", 409, _D, Wait.NEVER, "the build is over already",
         "nothing: the desired state exists", _SEED),
    _row("already_deleted", 409, _D, Wait.NEVER, "it is deleted already",
         "nothing: the desired state exists", _SEED),
    _row("INSUFFICIENT_CREDITS", 402, _C, Wait.HUMAN, "the credits are used up", _CREDIT, _SEED),
    _row("CREDIT_REQUIRED", 402, _C, Wait.HUMAN, "credits are needed for this", _CREDIT, _DOCS),
    _row("TEAM_MEMBER_CAP_REACHED", 402, _C, Wait.HUMAN, "the team has reached its member limit",
         "raise the plan or remove a member", _DOCS),
)

_SERVER = (
    _row("INTERNAL_ERROR", 500, _T, Wait.BACKOFF, "an error inside the service",
         "nothing: the bridge retries; if it persists, report the request id", _SEED),
    _row("AGENT_UNAVAILABLE", 502, _T, Wait.SHORT, "the agent inside the machine does not answer",
         "nothing at first; if it persists, recreate the sandbox", _SEED),
    _row("RUNTIME_LOGS_UNAVAILABLE", 502, _T, Wait.SHORT, "the logs are temporarily unavailable",
         "nothing at first; if it persists, look at the sandbox", _SEED),
    _row("BUILDS_TEMPORARILY_UNAVAILABLE", 503, _T, Wait.BACKOFF, "builds are temporarily disabled",
         "nothing: the bridge retries", _DOCS),
    _never("SERVICE_UNAVAILABLE", 503, "the service lacks a required configuration",
           "contact the vendor's support and report the request id; the bridge does not retry"),
    _never("no_ready_machine", 503, "no machine is free for this request",
           "repeat the request later; the bridge does not", _SOURCE),
)
# fmt: on

ERRORS: tuple[ErrorRow, ...] = (*_OF_THE_KEY, *_NOT_THERE, *_WRONG_REQUEST, *_NOT_NOW, *_SERVER)

_BY_KEY: Mapping[str, ErrorRow] = {code_key(row.code): row for row in ERRORS}
_BY_PREFIX: Mapping[str, ErrorRow] = {
    code_key(row.code.removesuffix("*")) + "_": row for row in ERRORS if row.code.endswith("*")
}

# Two codes are sentences, and may stand in place of the message (contracts, MIOSA 3.5).
SENTENCES = frozenset(code_key(row.code) for row in ERRORS if " " in row.code)

# A `retryable` in the body does not change these verdicts: the bridge must not retry a refused key
# for ever, and waiting frees neither a machine nor a member's seat. A target state that holds is no
# failure at all.
FIXED = frozenset(
    code_key(row.code)
    for row in ERRORS
    if row.http in ((401,), (403,))
    or row.retry is Retry.DONE
    or row.code in ("no_ready_machine", "MEMBER_LIMIT_REACHED")
)


def advice(code: str, message: str) -> str:
    """Add the table's advice to a message that does not contain it yet."""
    row = row_of(code)
    return message if row is None or row.action in message else f"{message}; {row.action}"


def row_of(code: str) -> ErrorRow | None:
    """Find the row of a code in any spelling; None for a code that is not in the table."""
    key = code_key(code)
    found = _BY_KEY.get(key)
    if found is None:
        found = next((row for start, row in _BY_PREFIX.items() if key.startswith(start)), None)
    return found
