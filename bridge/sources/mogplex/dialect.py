"""Mogplex's own API as a server speaks it (mogplex.md 1.4 to 1.8, 1.10): the gateway's answers.

Pure, but for a file of its own. Other modules decide which requests pass and where answers come
from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final, NamedTuple

from bridge.core.errors import Failure, Retry
from bridge.core.event import Record
from bridge.sources.mogplex.settings import normalised_run_id
from bridge.wire.jsontext import JsonError, dumps, loads

API: Final = "/api/v1/mogplex"
EVENT_PREFIX: Final = "com.mogplex.run.event."
KEY_CHARS_MAX: Final = 200  # of an Idempotency-Key, trimmed (mogplex.md 1.6)
_LIMIT: Final = (100, 200)  # default, most (mogplex.md 1.4)
_NUMBER: Final = re.compile(r"\s*([+-]?)([0-9]+)", re.ASCII)
_FIELD_SAFE: Final = re.compile(r"[^\x00\r\n]+")
_LINKS: Final = {"eventsUrl": "events", "cancelUrl": "cancel"}
_UUID: Final = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

# HTTP status of a refusal of the bridge's -> the code that the vendor's clients know for it.
_CODES: Final[Mapping[int, str]] = {
    400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "NOT_FOUND",
    409: "CONFLICT", 410: "BAD_REQUEST", 413: "BAD_REQUEST", 429: "RATE_LIMITED",
    431: "BAD_REQUEST", 500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE",
}  # fmt: skip
_STATUSES: Final[Mapping[str, int]] = {
    "BAD_REQUEST": 400, "FORBIDDEN": 403, "AUTOMATION_REQUIRED": 403, "NOT_FOUND": 404,
    "CONFLICT": 409, "IDEMPOTENCY_CONFLICT": 409, "RATE_LIMITED": 429, "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}  # fmt: skip


class Refusal(NamedTuple):
    """A refusal as the vendor's clients know it."""

    status: int
    code: str
    message: str
    retry_after_s: int | None = None


class Forward(NamedTuple):
    """A read that the gateway passes on: its path, and the query names that upstream knows."""

    path: re.Pattern[str]
    query: frozenset[str]
    is_bare: bool = False  # without the envelope


def _forward(path: str, *query: str, is_bare: bool = False) -> Forward:
    pattern = re.compile(path.replace("{id}", _UUID), re.ASCII)
    return Forward(pattern, frozenset(query), is_bare)


class MogplexDialect:
    """Implements `outputs.gateway.port.Dialect`."""

    system = "mogplex"
    kind = "run"
    prefix = "/api/"
    api = API
    event_types = (f"{EVENT_PREFIX}*",)
    ended_type = "bridge.run.ended"
    # All routes that the gateway passes on. `/mcp/servers` and `/repos/{id}/env-vars` are not among
    # them: their replies can hold secrets (mogplex.md 1.5, 1.14).
    forwards: Sequence[Forward] = (
        _forward("/api/auth/user", is_bare=True),
        _forward("/api/models", "format", is_bare=True),
        _forward(f"{API}/repos", "q", "limit", "id"),
        _forward(f"{API}/sandboxes", "repo_id", "status", "limit"),
        _forward(f"{API}/sandboxes/{{id}}/logs"),
        _forward(f"{API}/automations", "limit", "cursor"),
        _forward(f"{API}/automations/{{id}}"),
        _forward(f"{API}/automations/{{id}}/runs", "limit"),
        _forward(f"{API}/automations/{{id}}/runs/{{id}}"),
    )

    def description(self) -> bytes:
        """See `Dialect.description`. It is a file of this package."""
        return (resources.files("bridge.sources.mogplex") / "openapi.json").read_bytes()

    def normal_id(self, text: str) -> str | None:
        """Return a run id in its one form; None when upstream cannot have such an id."""
        return normalised_run_id(text)

    def limit(self, text: str | None) -> int:
        """Read `limit` as upstream does: the integer at the start, clamped; never an error."""
        default, most = _LIMIT
        found = _NUMBER.match(text) if text else None
        if found is None:
            return default
        digits = found[2].lstrip("0") or "0"
        if len(digits) > 9:
            return 1 if found[1] == "-" else most
        number = int(digits)
        return min(most, max(1, -number if found[1] == "-" else number))

    # Answers

    def success(self, data: bytes, aside: Mapping[str, Any] | None = None) -> bytes:
        """Return the envelope around `data`; `aside` holds the bridge's own members beside it."""
        if not aside:
            return b'{"ok":true,"data":%b}' % data
        return b'{"ok":true,"data":%b,"bridge":%b}' % (data, dumps(aside))

    def refusal(self, refusal: Refusal) -> bytes:
        """See `Dialect.refusal`."""
        return dumps({"ok": False, "error": {"code": refusal.code, "message": refusal.message}})

    def of_status(self, status: int, text: str) -> Refusal:
        """Translate a refusal of the bridge's own into the vendor's form."""
        code = _CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST")
        return Refusal(404 if status == 405 else status, code, text)

    def conflict(self, text: str) -> Refusal:
        """Return the refusal of an idempotency key that was used for another request."""
        return Refusal(409, "IDEMPOTENCY_CONFLICT", text)

    def of_failure(self, failure: Failure) -> Refusal:
        """Return what a client may know of a request that failed upstream.

        The bridge's own token is not the client's, so a refused one gives no 401 here.
        """
        if failure.code == "RATE_LIMITED":
            wait_s = max(1, round(failure.wait_s or 60.0))
            text = f"Rate limit exceeded. Retry after {wait_s}s."
            return Refusal(429, "RATE_LIMITED", text, wait_s)
        if failure.code in _STATUSES:
            return Refusal(_STATUSES[failure.code], failure.code, failure.message)
        if failure.retry is Retry.FEATURE_ABSENT:
            return Refusal(404, "NOT_FOUND", "Upstream has no such route")
        is_token = failure.code in ("UNAUTHORIZED", "LOGIN_REDIRECT")
        if is_token or failure.retry is Retry.AUTH_SUSPECT:
            text = "The bridge's own token is refused upstream"
        else:
            text = f"Upstream did not answer ({failure.code})"
        wait_s = max(1, round(failure.wait_s or 5.0))
        return Refusal(503, "SERVICE_UNAVAILABLE", text, wait_s)

    # Runs and events

    def run(self, row: bytes, id_: str) -> bytes:
        """Return the run object of a row; its links lead to the bridge, which gets the token.

        An unreadable row gives an object with the id alone.
        """
        try:
            found = loads(row)
        except JsonError:
            found = {}
        run = found if isinstance(found, dict) else {}
        here = f"{API}/runs/{id_}"
        return dumps(
            {"runId": id_, **run, "eventsUrl": f"{here}/events", "cancelUrl": f"{here}/cancel"}
        )

    def own_links(self, answer: Any) -> Any:
        """Point the links of the run in upstream's answer to the bridge; changes it in place."""
        data = answer.get("data") if isinstance(answer, dict) else None
        for run in (data, data.get("run")) if isinstance(data, dict) else ():
            if isinstance(run, dict):
                named = run.get("runId")
                id_ = self.normal_id(named) if isinstance(named, str) else None
                for name, last in _LINKS.items():
                    if name in run:
                        run[name] = f"{API}/runs/{id_}/{last}" if id_ is not None else None
        return answer

    def status_of(self, row: bytes) -> str | None:
        """Return the status in a row."""
        try:
            found = loads(row)
        except JsonError:
            return None
        status = found.get("status") if isinstance(found, dict) else None
        return status if isinstance(status, str) else None

    def event(self, record: Record) -> bytes:
        """Return a record's event object: its last member, as quotes in others are escaped."""
        body = record.body
        return body[body.index(b',"data":') + 8 : -1]

    def run_frame(self, run: bytes) -> bytes:
        """Return the first frame of a stream."""
        return b": connected\n\nevent: run\ndata: %b\n\n" % run

    def event_frame(self, record: Record) -> bytes:
        """Return one event as a frame of a stream."""
        name = record.type.removeprefix(EVENT_PREFIX)
        lines = [b"id: %b\n" % record.id.encode()] if _FIELD_SAFE.fullmatch(record.id) else []
        if _FIELD_SAFE.fullmatch(name):
            lines.append(b"event: %b\n" % name.encode())
        lines.append(b"data: %b\n\n" % self.event(record))
        return b"".join(lines)

    def row_in(self, body: bytes) -> bytes:
        """See `Dialect.row_in`."""
        try:
            row = loads(body)["data"]["run"]
        except (JsonError, KeyError, TypeError):
            return b""
        return dumps(row) if isinstance(row, dict) else b""

    # Starts

    def wrong_start(self, key: str, body: bytes) -> str | None:
        """Say what is wrong with a request to start a run; None when it may be passed on.

        Covers the mistakes that upstream reports as its own fault, or refuses before it counts them
        (mogplex.md 1.6).
        """
        if not key:
            return "Idempotency-Key is required"
        if len(key) > KEY_CHARS_MAX:
            return f"Idempotency-Key exceeds {KEY_CHARS_MAX} characters"
        try:
            asked = loads(body)
        except JsonError:
            return "Invalid JSON body"
        repo = asked.get("repoId") if isinstance(asked, dict) else None
        if not isinstance(repo, str) or not repo.strip():
            return "repoId is required"
        if normalised_run_id(repo) is None:  # upstream would answer 503, retry in a minute
            return "repoId must be a UUID"
        return None

    def started(self, body: bytes) -> tuple[str | None, bytes]:
        """Return the run's id in a good answer to a start, and its row."""
        try:
            answer = loads(body)
            data = answer["data"]
            id_ = normalised_run_id(data["runId"])
        except (JsonError, KeyError, TypeError, AttributeError):
            return None, b""
        return id_, dumps({k: v for k, v in data.items() if k != "replayed"})
