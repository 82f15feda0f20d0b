"""How refusals are named: every row of mogplex.md 1.2 and 1.10, and Retry-After in every form."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.core.errors import Failure, Retry
from bridge.sources.http import HttpSession, Reply
from bridge.sources.mogplex.api import (
    EVENT_TYPE,
    MogplexApi,
    may_resume_from,
    to_event,
    to_page,
)
from bridge.sources.mogplex.settings import normalised_run_id
from bridge.wire.http_dates import http_date
from bridge.wire.jsontext import dumps, loads
from tests.cases import each_case

API = MogplexApi(HttpSession("https://example.com", lambda: ""), redact=lambda text: text)
NOW = "Mon, 03 Aug 2026 15:00:00 GMT"


def classify(status: int, code: str | None = None, **headers: str) -> Failure:
    body: Any = None
    if code is not None:
        body = {"ok": False, "error": {"code": code, "message": "as it says"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return API.classify("runs.events", status, named, body)


@each_case(
    ("status", "code", "retry"),
    [
        (400, "BAD_REQUEST", Retry.PERMANENT),
        (409, "BAD_REQUEST", Retry.PERMANENT),
        (401, "UNAUTHORIZED", Retry.AUTH_SUSPECT),
        (403, "FORBIDDEN", Retry.PERMANENT),
        (403, "AUTOMATION_REQUIRED", Retry.PERMANENT),
        (404, "NOT_FOUND", Retry.PERMANENT),
        (409, "CONFLICT", Retry.CONDITIONAL),
        (401, "CONFLICT", Retry.CONDITIONAL),
        (404, "CONFLICT", Retry.CONDITIONAL),
        (500, "CONFLICT", Retry.CONDITIONAL),
        (409, "IDEMPOTENCY_CONFLICT", Retry.CONDITIONAL),
        (429, "RATE_LIMITED", Retry.TRANSIENT),
        (500, "INTERNAL_ERROR", Retry.TRANSIENT),
        (503, "SERVICE_UNAVAILABLE", Retry.TRANSIENT),
        (502, "SERVICE_UNAVAILABLE", Retry.TRANSIENT),
        (500, "internal_error", Retry.TRANSIENT),  # the code in any case
        (418, "TEAPOT", Retry.PERMANENT),  # unknown: its status decides
        (500, "TEAPOT", Retry.TRANSIENT),
    ],
)
def test_a_code_decides_before_the_status(status: int, code: str, retry: Retry) -> None:
    failure = classify(status, code)
    assert (failure.code, failure.retry, failure.http_status) == (code.upper(), retry, status)
    assert failure.message == "as it says"


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (400, "HTTP_ERROR", Retry.TRANSIENT),
        (401, "UNAUTHORIZED", Retry.AUTH_SUSPECT),
        (403, "HTTP_ERROR", Retry.TRANSIENT),
        (404, "HTTP_ERROR", Retry.FEATURE_ABSENT),
        (405, "HTTP_ERROR", Retry.TRANSIENT),
        (408, "HTTP_ERROR", Retry.TRANSIENT),
        (425, "HTTP_ERROR", Retry.TRANSIENT),
        (429, "RATE_LIMITED", Retry.TRANSIENT),
        (500, "HTTP_ERROR", Retry.TRANSIENT),
        (502, "HTTP_ERROR", Retry.TRANSIENT),
        (503, "HTTP_ERROR", Retry.TRANSIENT),
        (504, "HTTP_ERROR", Retry.TRANSIENT),
    ],
)
def test_without_an_envelope_the_status_decides(status: int, code: str, retry: Retry) -> None:
    failure = classify(status)
    assert (failure.code, failure.retry) == (code, retry)


@pytest.mark.parametrize(
    ("status", "location", "code", "retry"),
    [
        (307, "https://mogplex.com/login?next=%2Fapi", "LOGIN_REDIRECT", Retry.AUTH_SUSPECT),
        (302, "/login", "LOGIN_REDIRECT", Retry.AUTH_SUSPECT),
        (308, "https://mogplex.com/api/v1/mogplex/repos", "HTTP_ERROR", Retry.TRANSIENT),
        (301, "https://elsewhere.example/", "HTTP_ERROR", Retry.TRANSIENT),
        (302, "https://elsewhere.example/logins", "HTTP_ERROR", Retry.TRANSIENT),
        (307, "", "HTTP_ERROR", Retry.TRANSIENT),
        (302, "http://[no-url", "HTTP_ERROR", Retry.TRANSIENT),
    ],
)
def test_a_redirect_is_a_refusal(status: int, location: str, code: str, retry: Retry) -> None:
    failure = classify(status, Location=location)
    assert (failure.code, failure.retry) == (code, retry)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("60", 60.0),
        ("7", 7.0),
        ("0", 1.0),  # clamped to 1..300
        ("4000", 300.0),
        ("9" * 400, 300.0),
        ("Mon, 03 Aug 2026 15:01:30 GMT", 90.0),  # against the reply's own Date
        ("Mon, 03 Aug 2026 14:00:00 GMT", 1.0),
        ("Mon, 03 Aug 2099 15:00:00 GMT", 300.0),
        ("-3", 60.0),  # nonsense: the limiter's constant
        ("1.5", 1.5),
        ("299.997", 299.997),
        ("1.5.5", 60.0),
        ("soon", 60.0),
        ("", 60.0),
        ("\u0664\u0662", 60.0),  # digits, but not ASCII
        ("Mon, 99 Foo 2026 15:01:30 GMT", 60.0),
    ],
)
def test_retry_after_in_every_form(text: str, wait_s: float) -> None:
    failure = classify(429, "RATE_LIMITED", Retry_After=text, Date=NOW)
    assert failure.wait_s == wait_s


def test_retry_after_as_a_date_is_worth_nothing_without_the_servers_clock() -> None:
    text = "Mon, 03 Aug 2026 15:01:30 GMT"
    assert classify(429, "RATE_LIMITED", Retry_After=text).wait_s == 60.0
    assert classify(503, "SERVICE_UNAVAILABLE", Retry_After=text).wait_s is None


def test_only_the_limiter_has_a_wait_of_its_own() -> None:
    assert classify(429, "RATE_LIMITED").wait_s == 60.0
    assert classify(429).wait_s == 60.0
    assert classify(503, "SERVICE_UNAVAILABLE").wait_s is None
    assert classify(503, "SERVICE_UNAVAILABLE", Retry_After="60").wait_s == 60.0


def test_the_platforms_request_id_is_kept_for_support() -> None:
    headers = {"x-vercel-id": "fra1::abc"}
    assert API.classify("runs.get", 500, headers, None).request_id == "fra1::abc"
    assert classify(500).request_id is None


@pytest.mark.parametrize(
    "body", [b"<html>", b"null", b"[]", b"{}", b'{"ok":false}', b'{"ok":true,"data":[]}', b""]
)
def test_a_success_that_is_not_the_envelope_is_tried_again(body: bytes) -> None:
    failure = API.to_data("runs.events", Reply(200, {}, body))
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == ("INVALID_RESPONSE", Retry.TRANSIENT)


def test_a_refusal_is_one_whatever_its_status() -> None:
    body = dumps({"ok": False, "error": {"code": "FORBIDDEN", "message": "as it says"}})
    failure = API.to_data("repos", Reply(200, {}, body))
    assert isinstance(failure, Failure)
    assert (failure.code, failure.retry) == ("FORBIDDEN", Retry.PERMANENT)


def test_a_known_code_needs_no_word_of_the_redactor() -> None:
    """Who shows nothing of upstream's words has a redactor that leaves none."""
    silent = MogplexApi(HttpSession("https://example.com", lambda: ""), redact=lambda _: "")
    body = {"error": {"code": "UNAUTHORIZED", "message": "no"}}
    assert silent.classify("repos", 401, {}, body).code == "UNAUTHORIZED"


def test_a_byte_order_mark_is_dropped() -> None:
    reply = Reply(200, {}, b"\xef\xbb\xbf" + dumps({"ok": True, "data": {"a": 1}}))
    assert API.to_data("repos", reply) == {"a": 1}


def test_a_message_is_redacted_and_cut() -> None:
    api = MogplexApi(API.http, redact=lambda text: text.replace("secret", "***"))
    body = {"error": {"code": "INTERNAL_ERROR", "message": "secret " * 1000}}
    failure = api.classify("runs.get", 500, {}, body)
    assert "secret" not in failure.message
    assert len(failure.message) == 300


@pytest.mark.parametrize(
    ("text", "run_id"),
    [
        ("3F0C1C52-6a3e-4f0e-9d3b-0d8f3c5b7a10", "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"),
        (" 3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10\n", "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"),
        ("3f0c1c526a3e4f0e9d3b0d8f3c5b7a10", None),
        ("run_c0ffee", None),
        ("", None),
        ("../repos", None),
    ],
)
def test_only_a_uuid_is_a_run_id(text: str, run_id: str | None) -> None:
    assert normalised_run_id(text) == run_id


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"id": 1, "type": "log"},
        {"id": "", "type": "log"},
        {"id": "a"},
        {"id": "a", "type": ""},
    ],
)
def test_what_has_no_id_and_type_is_no_event(raw: object) -> None:
    assert to_event(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        {"id": "x" * 300, "type": "log"},
        {"id": 1, "type": "log"},
        {"id": "", "type": "log", "message": "a"},
        {"type": "log", "message": "b"},
        {},
    ],
)
def test_what_a_list_of_events_holds_is_kept_under_a_digest(raw: dict[str, Any]) -> None:
    first, again = to_event(raw, is_listed=True), to_event(dict(raw), is_listed=True)
    other = to_event({**raw, "id": "y" * 300}, is_listed=True)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id
    assert first.id.startswith("sha256-")
    assert first.data is raw
    assert first.type == EVENT_TYPE + raw.get("type", "unknown")


def test_an_id_that_is_too_long_is_the_same_on_a_stream() -> None:
    raw = {"id": "x" * 300, "type": "log"}
    assert to_event(raw) == to_event(raw, is_listed=True)


@pytest.mark.parametrize(
    ("id_", "may"),
    [
        ("0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77", True),
        ("evt_1", True),
        ("a\r\nX-Evil: 1", False),
        ("a\n", False),
        ("a b", False),
        ("\0", False),
        ("\u00fc", False),
        ("sha256-00", False),
    ],
)
def test_only_what_fits_a_header_is_resumed_from(id_: str, may: bool) -> None:
    assert may_resume_from(id_) is may


def test_a_page_counts_events_that_cannot_be_read() -> None:
    run = {"runId": "r", "status": "new-word", "aiCallId": None, "updatedAt": 5}
    page = to_page({"run": run, "events": [{"id": "a", "type": "log"}, 7]}, {"Date": NOW})
    assert page is not None
    assert (page.size, [event.id for event in page.events]) == (2, ["a"])
    assert (page.status, page.segment, page.updated_at) == ("new-word", None, None)
    assert page.server_time_s == http_date(NOW) == 1785769200.0


@pytest.mark.parametrize("data", [{}, {"run": {}}, {"run": {"status": ""}}, {"run": []},
                                  {"run": {"status": "x"}, "events": {}}])  # fmt: skip
def test_a_reply_without_a_run_is_no_page(data: dict[str, Any]) -> None:
    assert to_page(data, {}) is None
    failure = asyncio.run(
        API._to_page("runs.events", Reply(200, {}, dumps({"ok": True, "data": data})), "run-1")
    )
    assert isinstance(failure, Failure)
    assert failure.code == "INVALID_RESPONSE"


@pytest.mark.parametrize(
    "code", ["BAD_mog_" + "a1B2c3D4" * 4, "<script>", "TWO WORDS", "X" * 41, "é", "1ST"]
)
def test_a_code_that_is_no_word_is_not_repeated(code: str) -> None:
    """It names records, metrics and log lines: what upstream says in it must not get there."""
    api = MogplexApi(
        HttpSession("https://example.com", lambda: ""),
        redact=lambda text: text.replace("mog_a1B2", "gone"),
    )
    body = {"ok": False, "error": {"code": code, "message": "m"}}
    failure = api.classify("runs.events", 500, {}, body)
    assert (failure.code, failure.retry) == ("UNKNOWN", Retry.TRANSIENT)


DEEP = (260, 990)  # levels: more than an encoder takes, and more than a `str()` does


@pytest.mark.parametrize("levels", DEEP)
def test_a_refusal_whose_message_is_a_deep_list_does_not_crash_the_follow(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    body = f'{{"ok":false,"error":{{"code":"NOT_FOUND","message":{deep}}}}}'
    failure = API.to_data("runs.events", Reply(404, {}, body.encode()))
    assert isinstance(failure, Failure)
    assert (failure.code, failure.message) == ("NOT_FOUND", "NOT_FOUND")


@pytest.mark.parametrize("levels", DEEP)
def test_a_deep_list_among_the_events_is_one_unreadable_event(levels: int) -> None:
    deep = "[" * levels + "]" * levels
    page = to_page(loads(f'{{"run":{{"status":"streaming"}},"events":[{deep}]}}'), {})
    assert page is not None
    assert (page.events, len(page.lost)) == ((), 1)
