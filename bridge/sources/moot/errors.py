"""moot's refusals as data, and the judge that reads them.

moot has no codes but HTTP's, so the rows are by status; `detail` is for people and may be a text, a
list, an object or missing (moot.md 2.5, 2.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.core.error_table import ErrorRow, Wait
from bridge.core.errors import Failure, Retry
from bridge.wire.http_dates import retry_after_s
from bridge.wire.jsontext import BOM, JsonError, loads

BAD_REQUEST: Final = "BAD_REQUEST"
UNAUTHORIZED: Final = "UNAUTHORIZED"
FORBIDDEN: Final = "FORBIDDEN"
TENANT_SUSPENDED: Final = "TENANT_SUSPENDED"
NOT_FOUND: Final = "NOT_FOUND"
CONFLICT: Final = "CONFLICT"
VALIDATION: Final = "VALIDATION"
RATE_LIMITED: Final = "RATE_LIMITED"
NOT_THE_API: Final = "NOT_THE_API"
HTTP_ERROR: Final = "HTTP_ERROR"
INVALID_RESPONSE: Final = "INVALID_RESPONSE"

RATE_LIMIT_WAIT_S = 30.0  # upstream names no wait with a 429, as far as is known (moot.md 2.5)
WAIT_S_MAX = 300.0
TEXT_CHARS_MAX = 300
_P, _T = Retry.PERMANENT, Retry.TRANSIENT
_REQUEST = "report a bug of the bridge"
_WORD = re.compile(r"[a-z]+")
_ID = re.compile(r"[!-~]{1,100}", re.ASCII)

# fmt: off
ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow(BAD_REQUEST, (400,), _P, Wait.NEVER,
             "the request is malformed, or its cursor is not known",
             "for a cursor nothing: the bridge reads back by pages; else " + _REQUEST, "seed"),
    ErrorRow(UNAUTHORIZED, (401,), Retry.AUTH_SUSPECT, Wait.HUMAN,
             "no valid key was sent", "put a valid key in the token file", "seed"),
    ErrorRow(FORBIDDEN, (403,), _P, Wait.NEVER, "the key may not read this space",
             "make the key's owner a participant of the space; the bridge never joins one", "seed"),
    ErrorRow(TENANT_SUSPENDED, (403,), _P, Wait.HUMAN,
             "the tenant is suspended: every request is refused",
             "contact the vendor's support, then replace the key or restart", "seed"),
    ErrorRow(NOT_FOUND, (404,), _P, Wait.NEVER,
             "there is no such space, or it is hidden from this key",
             "check the id, and whose key it is", "seed"),
    ErrorRow(CONFLICT, (409,), Retry.CONDITIONAL, Wait.STATE,
             "the space is not active, or is archived already", "nothing: the bridge only reads",
             "seed"),
    ErrorRow(VALIDATION, (422,), _P, Wait.NEVER,
             "a value is out of range, or a cursor is not known",
             "for a cursor nothing: the bridge reads back by pages; else " + _REQUEST, "source"),
    ErrorRow(RATE_LIMITED, (429,), _T, Wait.KEY, "too many requests with this key",
             "lower requests_per_minute, or give the bridge a key of its own", "inferred"),
    ErrorRow(NOT_THE_API, (), _P, Wait.NEVER,
             "a web page answered instead of the API, or the server redirects",
             "set base_url to where the API is, with or without /api", "inferred"),
    ErrorRow(HTTP_ERROR, (500, 502, 503, 504), _T, Wait.BACKOFF,
             "the server is restarting or overloaded", "nothing: the bridge retries", "seed"),
    ErrorRow(INVALID_RESPONSE, (), _T, Wait.BACKOFF, "a success that is not the API's JSON",
             "look for a proxy between the bridge and the server", "inferred"),
)
# fmt: on
_BY_CODE = {row.code: row for row in ERRORS}
_BY_STATUS = {
    400: BAD_REQUEST,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    409: CONFLICT,
    422: VALIDATION,
    429: RATE_LIMITED,
}
CURSOR_STATUSES = frozenset({400, 404, 422})  # how a server may refuse an unknown cursor


@dataclass(frozen=True, slots=True)
class Refusal:
    """A judged reply that is no success."""

    failure: Failure
    is_json: bool  # the reply is the API's own, as far as it shows
    is_of_stream: bool = False  # a stream's route refused the key, which says little about the key

    @property
    def is_lasting(self) -> bool:
        """Whether the same request would be refused again, for a reason that is not the key's."""
        is_of_key = self.failure.code in (UNAUTHORIZED, TENANT_SUSPENDED)
        return self.failure.retry is not Retry.TRANSIENT and not is_of_key

    @property
    def of_key(self) -> bool:
        """Whether every request of the key waits, not only this space."""
        return self.failure.code == RATE_LIMITED

    @property
    def bad_key(self) -> bool:
        """Whether upstream refused the key itself, on a route that proves that."""
        return self.failure.code == UNAUTHORIZED and not self.is_of_stream


def judge(
    operation: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    redact: Callable[[str], str],
) -> Refusal:
    """Judge a refusal.

    `redact` cleans the text that people will read: upstream repeats what was sent (moot.md 2.7).
    """
    value = _json(body)
    is_json = value is not None
    text = detail_of(value)
    code = _BY_STATUS.get(status, HTTP_ERROR)
    if status == 403 and {"tenant", "suspended"} <= set(_WORD.findall(text.casefold())):
        code = TENANT_SUSPENDED
    is_page = not is_json and 400 <= status < 500 and status not in (401, 408, 425, 429)
    if is_page or 300 <= status < 400:
        code = NOT_THE_API
        text = f"HTTP {status} with a web page or a redirect: check base_url"
    row = _BY_CODE[code]
    if code == NOT_FOUND and text:
        text = f"{text}, or hidden from this key"
    retry = row.retry
    if code == HTTP_ERROR and 400 <= status < 500 and status not in (408, 425):
        retry = Retry.FEATURE_ABSENT if status in (404, 405, 406, 501) else _P
    failure = Failure(
        operation,
        code,
        redact(text or row.meaning)[:TEXT_CHARS_MAX],
        retry,
        status,
        _wait_s(code, headers),
        _request_id(headers, redact),
    )
    return Refusal(failure, is_json)


def invalid(operation: str, status: int, text: str) -> Refusal:
    """Return the refusal of a reply that is not what the route promises; it is temporary."""
    return Refusal(Failure(operation, INVALID_RESPONSE, text, _T, status), is_json=False)


def below_http(failure: Failure) -> Refusal:
    """Judge a missing reply: a time-out, a reset, a name that does not resolve."""
    return Refusal(failure, is_json=False)


def _json(body: bytes) -> Any:
    try:
        return loads(body.removeprefix(BOM)) if body.strip() else None
    except JsonError:
        return None


def detail_of(value: object) -> str:
    """Return a refusal's text in one line, without `input`, which repeats what was sent."""
    if not isinstance(value, dict):
        return ""
    detail = value.get("detail", value.get("message"))
    if isinstance(detail, str):
        return detail.strip()
    if isinstance(detail, dict):
        inner = detail.get("message") or detail.get("msg")
        return inner.strip() if isinstance(inner, str) else ""
    if isinstance(detail, list):
        return "; ".join(filter(None, map(_item, detail)))
    return ""


def _item(item: object) -> str:
    if not isinstance(item, dict) or not isinstance(item.get("msg"), str):
        return ""
    where = item.get("loc")
    parts = where if isinstance(where, list) else ()
    place = ".".join(str(part) for part in parts if isinstance(part, str | int))
    return f"{place}: {item['msg']}" if place else str(item["msg"])


def _wait_s(code: str, headers: Mapping[str, str]) -> float | None:
    wait_s = retry_after_s(headers)
    if wait_s is None and code == RATE_LIMITED:
        wait_s = RATE_LIMIT_WAIT_S
    return None if wait_s is None else min(max(wait_s, 1.0), WAIT_S_MAX)


def _request_id(headers: Mapping[str, str], redact: Callable[[str], str]) -> str | None:
    text = headers.get("x-request-id", "")
    return redact(text) if _ID.fullmatch(text) else None
