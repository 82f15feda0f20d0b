"""Judges a MIOSA refusal in any of its envelopes: by code, then status, then shape.

Pure: bytes and headers in, a `Verdict` out. Facts: docs/contracts/miosa.md, errors.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.core.error_table import ErrorRow, Wait, code_key
from bridge.core.errors import Failure, Retry
from bridge.sources.miosa.errors import FIXED, SENTENCES, row_of
from bridge.wire.http_dates import retry_after_s
from bridge.wire.jsontext import BOM, JsonError, loads

KEY_WAIT_S = 60.0  # of a 429 that says none
WAIT_S_MAX = 300.0  # longer waits that a server demands are cut to this
UNAVAILABLE_TRIES = 3  # SERVICE_UNAVAILABLE with a hint, until it counts as permanent
RATE_LIMITED = "rate_limit_exceeded"
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)+", re.ASCII)  # never prose
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_ID = re.compile(r"[!-~]{1,100}", re.ASCII)


class Route(enum.StrEnum):
    """The kind of request that was refused: a 401 has three different meanings."""

    JSON = "json"
    STREAM = "stream"
    TICKET = "ticket"


class Form(enum.StrEnum):
    """The known envelopes."""

    NESTED = "nested"  # {"error": {"code", "message", "request_id", …}}
    FLAT = "flat"  # {"error": "CODE", "detail": …}
    TOP = "top"  # {"code", "message" or "detail"}
    LIST = "list"  # {"errors": [{"code", …}]}, also the framework's {"errors": {"detail": …}}
    PLAIN = "plain"  # text
    NONE = "none"  # nothing, HTML, or JSON of another kind


@dataclass(frozen=True, slots=True)
class Told:
    """The contents of an envelope; `code` is "" when there is none."""

    form: Form
    code: str = ""
    message: str = ""
    request_id: str | None = None
    retryable: bool | None = None
    wait_ms: float | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A classified refusal."""

    failure: Failure
    wait: Wait
    hinted_s: float | None  # the wait that the server itself demanded, seconds
    is_of_key: bool  # every request of the key waits, not only this feed
    row: ErrorRow | None
    form: Form

    @property
    def is_route_missing(self) -> bool:
        """Whether the server may not know the path at all; the caller then tries the other name."""
        return self.failure.http_status == 404

    @property
    def is_route_absent(self) -> bool:
        """Whether the server has no such route, whatever thing it was asked for."""
        absent = self.failure.http_status in (405, 406, 426, 501)
        return absent or self.failure.retry is Retry.FEATURE_ABSENT


def classify(
    operation: str,
    route: Route,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    redact: Callable[[str], str],
) -> Verdict:
    """Judge a reply that is no success. `redact` cleans the text that people will read."""
    told = read_envelope(body)
    row = row_of(told.code) if told.code else None
    if told.form is Form.PLAIN and status == 503 and row is not None and _is_unavailable(row):
        row, told = None, Told(Form.PLAIN, message=told.message)  # a proxy's words, not the API's
    hinted_s = _hinted_s(headers, told)
    retry, wait = (row.retry, row.wait) if row is not None else by_status(status, told.form)
    if _is_auth_of_json(row, status, route):
        retry, wait = Retry.PERMANENT, Wait.NEVER
    if row is not None or status not in (401, 403):  # else the status decides
        retry, wait = _overridden(row, retry, wait, told, hinted_s)
    is_of_key = wait is Wait.KEY or (status == 429 and retry is Retry.TRANSIENT)
    failure = Failure(
        operation,
        _code(row, told, status, redact),
        redact(told.message or (row.meaning if row else _of_status(status, told.form)))[:300],
        retry,
        status,
        _wait_s(wait, hinted_s),
        _request_id(told.request_id or headers.get("x-request-id"), redact),
    )
    return Verdict(failure, wait, hinted_s, is_of_key, row, told.form)


def _is_unavailable(row: ErrorRow) -> bool:
    return row.code == "SERVICE_UNAVAILABLE"


def _is_auth_of_json(row: ErrorRow | None, status: int, route: Route) -> bool:
    """Whether a JSON route answered 401: it takes no ticket, so the key is at fault."""
    if route is Route.STREAM:
        return False
    return row.wait is Wait.AT_ONCE if row is not None else status == 401


def _overridden(
    row: ErrorRow | None, retry: Retry, wait: Wait, told: Told, hinted_s: float | None
) -> tuple[Retry, Wait]:
    """Apply `retryable` from the body, or a demanded wait, to the verdict of the table."""
    if row is not None and code_key(row.code) in FIXED:
        return retry, wait
    if row is not None and _is_unavailable(row):
        is_hinted = told.retryable is not False and (told.retryable or hinted_s is not None)
        return (Retry.TRANSIENT, Wait.BACKOFF) if is_hinted else (retry, wait)
    if told.retryable is True and retry is not Retry.TRANSIENT:
        return Retry.TRANSIENT, Wait.BACKOFF
    if told.retryable is False and retry is Retry.TRANSIENT:
        return Retry.PERMANENT, Wait.NEVER
    return retry, wait


_BY_STATUS: Mapping[int, tuple[Retry, Wait]] = {
    401: (Retry.TRANSIENT, Wait.AT_ONCE),
    402: (Retry.CONDITIONAL, Wait.HUMAN),
    408: (Retry.TRANSIENT, Wait.BACKOFF),
    409: (Retry.CONDITIONAL, Wait.STATE),
    425: (Retry.TRANSIENT, Wait.BACKOFF),
    429: (Retry.TRANSIENT, Wait.KEY),
}


def by_status(status: int, form: Form = Form.NESTED) -> tuple[Retry, Wait]:
    """Judge a status without a known code."""
    if status == 404 and form in (Form.NONE, Form.PLAIN, Form.LIST):
        return Retry.FEATURE_ABSENT, Wait.NEVER  # of the framework or a proxy: no such route
    if status >= 500:
        return Retry.TRANSIENT, Wait.BACKOFF
    # The session follows no redirect: the API is not at base_url.
    return _BY_STATUS.get(status, (Retry.PERMANENT, Wait.NEVER))


# Reading the envelopes


def read_envelope(body: bytes) -> Told:
    """Find code, message and hints, wherever this server puts them."""
    try:
        value = loads(body.removeprefix(BOM))
    except JsonError:
        return _of_text(body.decode("utf-8", "replace").strip())
    if isinstance(value, str):
        return _of_text(value.strip())
    if not isinstance(value, dict):
        return Told(Form.NONE)
    return _of_object(value)


def _of_text(text: str) -> Told:
    if not text or text[:1] == "<":
        return Told(Form.NONE)
    head, _, rest = text.partition(":")
    for candidate in (text, head):
        if _is_code(candidate):
            return Told(Form.PLAIN, candidate, rest.strip() or text)
    return Told(Form.PLAIN, message=text)


def _of_object(value: Mapping[str, Any]) -> Told:
    error, errors = value.get("error"), value.get("errors")
    if isinstance(error, dict):
        return _of_fields(Form.NESTED, error, value)
    if isinstance(error, str) and error:
        code = value.get("code")
        inner = {**value, "code": code} if isinstance(code, str) else _coded(error, value)
        return _of_fields(Form.FLAT, inner, value)
    if isinstance(value.get("code"), str):
        return _of_fields(Form.TOP, value, value)
    if isinstance(errors, list | dict) and errors:
        first = errors[0] if isinstance(errors, list) else errors
        inner = (
            first
            if isinstance(first, dict)
            else _coded(first if isinstance(first, str) else "", {})
        )
        return _of_fields(Form.LIST, inner, value)
    is_told = any(isinstance(value.get(key), str) for key in ("message", "detail"))
    return _of_fields(Form.TOP, value, value) if is_told else Told(Form.NONE)


def _coded(text: str, around: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read one string that is a code or a message; its shape decides which."""
    if _is_code(text) or (row_of(text) is not None and text == text.upper()):
        return {**around, "code": text}
    return {**around, "code": None, "message": text}


def _of_fields(form: Form, inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Told:
    code = inner.get("code")
    code = code.strip() if isinstance(code, str) else ""
    message = _text(inner, "message") or _text(inner, "detail") or _text(outer, "detail")
    if row_of(code) is None and _is_code(message):
        code = message  # a sentence that serves as a code
    return Told(
        form,
        code,
        message,
        _text(inner, "request_id") or _text(outer, "request_id") or None,
        _first(bool, "retryable", inner, outer),
        _first(float, "retry_after_ms", inner, outer),
        _first(float, "retry_after", inner, outer),
    )


def _is_code(text: str) -> bool:
    """Whether a text is a code: one of the known sentences, or a word with `_`."""
    if code_key(text) in SENTENCES:
        return True
    return row_of(text) is not None and (_CODE.fullmatch(text) is not None or text.isupper())


def to_float(value: object) -> float | None:
    """Return a number of JSON as a float; None for anything else, and for one that is too large."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found.strip() if isinstance(found, str) else ""


def _first(kind: type, key: str, *places: Mapping[str, Any]) -> Any:
    """Return the first value of this type.

    `float` accepts whole numbers too, never a bool, and none of hundreds of digits.
    """
    for place in places:
        found = place.get(key)
        if kind is float and (number := to_float(found)) is not None:
            return number
        if kind is bool and isinstance(found, bool):
            return found
    return None


# Small parts of the verdict


def _hinted_s(headers: Mapping[str, str], told: Told) -> float | None:
    """Return the wait, 0 to 300 s: the header, else `retry_after_ms`, else `retry_after`."""
    hint = retry_after_s(headers)
    if hint is None and told.wait_ms is not None:
        hint = told.wait_ms / 1000.0
    if hint is None:
        hint = told.wait_s
    if hint is None or hint != hint:  # noqa: PLR0124 - NaN alone differs from itself
        return None
    return min(max(hint, 0.0), WAIT_S_MAX)


def _wait_s(wait: Wait, hinted_s: float | None) -> float | None:
    if wait is not Wait.KEY:
        return hinted_s
    return KEY_WAIT_S if hinted_s is None else max(hinted_s, 1.0)


def _of_status(status: int, form: Form) -> str:
    """Return a text for a refusal that has none."""
    if 300 <= status < 400:
        return f"HTTP {status}, a redirect: check base_url"
    if 400 <= status < 500 and form is Form.NONE and status not in _BY_STATUS:
        return f"HTTP {status} without a reply of the API: check base_url"
    return f"HTTP {status}"


def _code(row: ErrorRow | None, told: Told, status: int, redact: Callable[[str], str]) -> str:
    """Return a code that is safe in metrics and records: it holds no user data."""
    if row is not None and not row.code.endswith("*"):
        return row.word
    if told.code:
        is_word = _WORD.fullmatch(told.code) is not None and redact(told.code) == told.code
        return told.code if is_word else "UNKNOWN"
    return {401: "UNAUTHORIZED", 429: RATE_LIMITED}.get(status, "HTTP_ERROR")


def _request_id(text: str | None, redact: Callable[[str], str]) -> str | None:
    if not text or _ID.fullmatch(text) is None:
        return None
    return redact(text)
