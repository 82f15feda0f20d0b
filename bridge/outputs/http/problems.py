"""Refusals of requests: RFC 9457, `application/problem+json`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bridge.core.errors import BridgeError, JournalError
from bridge.redact import Redactor
from bridge.wire.jsontext import dumps

CONTENT_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:mogplex-bridge:problem:"

# On every response: no content sniffing, and no embedding by pages of other origins.
COMMON_HEADERS = {
    "Server": "mogplex-bridge",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# code -> (status, title). Codes are stable, so that clients can branch on them.
CODES: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "The request cannot be understood"),
    "unknown_parameter": (400, "A query parameter is not known here"),
    "invalid_parameter": (400, "A query parameter has a value that cannot be used"),
    "invalid_id": (400, "The feed id is not valid"),
    "invalid_run_id": (400, "No system has runs with such an id"),
    "unknown_account": (400, "No such account is configured"),
    "invalid_websocket": (400, "The WebSocket handshake cannot be accepted"),
    "unauthorized": (401, "Authentication is needed"),
    "forbidden": (403, "Not allowed"),
    "foreign_host": (403, "The Host header does not name this server"),
    "foreign_origin": (403, "A web page of another origin may not use this server"),
    "not_found": (404, "There is nothing at this path"),
    "unknown_feed": (404, "This feed is not known here"),
    "unknown_run": (404, "This run is not known here"),
    "method_not_allowed": (405, "The method is not possible here"),
    "ambiguous": (409, "Several accounts have this id; name one"),
    "position_gone": (410, "The records after this position are not available"),
    "body_too_large": (413, "The request body is too large"),
    "head_too_large": (431, "The header fields are too large"),
    "unsupported_websocket_version": (426, "Only WebSocket version 13 is supported"),
    "too_many_subscribers": (503, "No more streams can be served now"),
    "too_many_from_address": (429, "This address has too many open streams"),
    "too_many_tickets": (429, "Too many tickets are unused"),
    "too_many_runs": (503, "No more runs can be followed"),
    "internal_error": (500, "Something went wrong in the bridge"),
    "journal_unavailable": (503, "The journal cannot be used now"),
    "not_ready": (503, "The bridge is not ready"),
}


class ProblemError(BridgeError):
    """Ends a request with a problem document. The text is for people and contains no secret."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = dict(members or {})  # more members of the document

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]


def unavailable(error: JournalError) -> ProblemError:
    """Return the public problem of a journal's failure; the log has the cause."""
    return ProblemError(
        "journal_unavailable",
        f"the journal cannot be used now ({type(error).__name__}); try again later",
        headers={"Retry-After": "10"},
    )


def respond(problem: ProblemError, redactor: Redactor | None = None) -> web.Response:
    """Return the document as a response; without a redactor, redacted by the default policy."""
    status, _ = CODES[problem.code]
    return web.Response(
        status=status,
        reason=HTTPStatus(status).phrase,
        body=_document(problem, redactor or _redactor()),
        headers={"Cache-Control": "no-store", **problem.headers},
        content_type=CONTENT_TYPE,
    )


def as_bytes(problem: ProblemError) -> bytes:
    """Return the document as the last response of a connection that has no request object."""
    status, _ = CODES[problem.code]
    body = _document(problem, _redactor())
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **problem.headers,
        **COMMON_HEADERS,
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@functools.cache
def _redactor() -> Redactor:
    """The default redactor: details repeat the request, which may hold a misplaced secret."""
    return Redactor()


def _document(problem: ProblemError, redactor: Redactor) -> bytes:
    status, title = CODES[problem.code]
    said = redactor.value({"detail": problem.detail, **problem.members})
    return dumps(
        {
            "type": _TYPE_PREFIX + problem.code.replace("_", "-"),
            "title": title,
            "status": status,
            "detail": said.pop("detail"),
            "code": problem.code,
            **said,
        }
    )
