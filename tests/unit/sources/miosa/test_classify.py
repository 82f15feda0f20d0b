"""Every row of the table in all five envelopes, then the rules that bend a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.core.error_table import ErrorRow, Wait
from bridge.core.errors import Retry
from bridge.sources.miosa.classify import Form, Route, Verdict, classify, read_envelope
from bridge.sources.miosa.errors import ERRORS
from tests.cases import each_case

Envelope = Callable[[str], bytes]


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


FORMS: dict[Form, Envelope] = {
    Form.NESTED: lambda code: _json(
        {"error": {"code": code, "message": "no luck", "request_id": "req_01jv8example"}}
    ),
    Form.FLAT: lambda code: _json(
        {"error": code, "detail": "no luck", "request_id": "req_01jv8example"}
    ),
    Form.TOP: lambda code: _json(
        {"code": code, "message": "no luck", "request_id": "req_01jv8example"}
    ),
    Form.LIST: lambda code: _json(
        {"errors": [{"code": code, "message": "no luck", "request_id": "req_01jv8example"}]}
    ),
    Form.PLAIN: lambda code: f"{code}: no luck".encode(),
}


def judge(
    status: int,
    body: Any = b"",
    *,
    route: Route = Route.JSON,
    headers: dict[str, str] | None = None,
) -> Verdict:
    data = body if isinstance(body, bytes) else _json(body)
    return classify("runs.get", route, status, headers or {}, data, lambda text: text)


def nested(code: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no luck", **more}}


def code_in(row: ErrorRow) -> str:
    return row.code.replace("*", "TEAM")


@each_case("form", FORMS, ids=str)
@each_case("row", ERRORS, ids=lambda row: row.word)
def test_a_row_is_judged_alike_in_every_envelope(row: ErrorRow, form: Form) -> None:
    headers = {"x-request-id": "req_of_the_header"}
    body = FORMS[form](code_in(row))
    verdict = judge(row.http[0], body, route=Route.STREAM, headers=headers)
    assert verdict.form is form
    if form is Form.PLAIN and row.code == "SERVICE_UNAVAILABLE":
        assert (verdict.row, verdict.failure.retry) == (None, Retry.TRANSIENT)  # a proxy's words
        return
    assert verdict.row is row
    assert (verdict.failure.retry, verdict.wait) == (row.retry, row.wait)
    assert verdict.failure.code == ("BILL_TO_TEAM" if row.code == "BILL_TO_*" else row.word)
    assert verdict.failure.message == "no luck"
    expected_id = "req_of_the_header" if form is Form.PLAIN else "req_01jv8example"
    assert verdict.failure.request_id == expected_id
    assert verdict.is_of_key == (row.wait is Wait.KEY)


@each_case("row", ERRORS, ids=lambda row: row.word)
def test_the_code_wins_over_the_status(row: ErrorRow) -> None:
    for status in (400, 404, 409, 500, 503):
        verdict = judge(status, nested(code_in(row)), route=Route.STREAM)
        assert (verdict.failure.retry, verdict.wait) == (row.retry, row.wait)


@each_case("row", ERRORS, ids=lambda row: row.word)
def test_the_flag_of_the_body_overrides_the_table_but_for_keys_and_the_two(row: ErrorRow) -> None:
    is_fixed = (
        row.http[0] in (401, 403)
        or row.retry is Retry.DONE
        or row.code in ("no_ready_machine", "MEMBER_LIMIT_REACHED")
    )
    again = judge(row.http[0], nested(code_in(row), retryable=True), route=Route.STREAM)
    never = judge(row.http[0], nested(code_in(row), retryable=False), route=Route.STREAM)
    if is_fixed:
        assert (again.failure.retry, never.failure.retry) == (row.retry, row.retry)
    else:
        assert again.failure.retry is Retry.TRANSIENT
        assert never.failure.retry is not Retry.TRANSIENT


# Codes nobody has told us about


@pytest.mark.parametrize(
    ("status", "retry", "wait"),
    [
        (400, Retry.PERMANENT, Wait.NEVER),
        (401, Retry.PERMANENT, Wait.NEVER),
        (402, Retry.CONDITIONAL, Wait.HUMAN),
        (403, Retry.PERMANENT, Wait.NEVER),
        (404, Retry.PERMANENT, Wait.NEVER),
        (408, Retry.TRANSIENT, Wait.BACKOFF),
        (409, Retry.CONDITIONAL, Wait.STATE),
        (422, Retry.PERMANENT, Wait.NEVER),
        (429, Retry.TRANSIENT, Wait.KEY),
        (500, Retry.TRANSIENT, Wait.BACKOFF),
        (503, Retry.TRANSIENT, Wait.BACKOFF),
        (504, Retry.TRANSIENT, Wait.BACKOFF),
    ],
)
def test_an_unknown_code_goes_by_its_status(status: int, retry: Retry, wait: Wait) -> None:
    verdict = judge(status, nested("SOMETHING_NEW"))
    assert (verdict.failure.retry, verdict.wait) == (retry, wait)
    assert (verdict.failure.code, verdict.row) == ("SOMETHING_NEW", None)


@pytest.mark.parametrize("status", [401, 403])
def test_no_flag_makes_an_unknown_refusal_of_the_key_loop(status: int) -> None:
    assert judge(status, nested("NEW", retryable=True)).failure.retry is Retry.PERMANENT


def test_a_code_that_is_no_word_or_holds_a_secret_names_no_metric() -> None:
    assert judge(400, nested("what a mess " * 9)).failure.code == "UNKNOWN"
    verdict = classify(
        "runs.get", Route.JSON, 400, {}, _json(nested("msk_live_abc")), lambda _: "[REDACTED]"
    )
    assert verdict.failure.code == "UNKNOWN"
    assert verdict.failure.message == "[REDACTED]"


# 401: three meanings


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "missing sse ticket", "SOMETHING_NEW"])
def test_a_401_of_a_stream_asks_for_a_ticket_and_one_of_json_for_a_key(code: str) -> None:
    stream = judge(401, nested(code), route=Route.STREAM)
    json_route = judge(401, nested(code))
    assert (stream.failure.retry, stream.wait) == (Retry.TRANSIENT, Wait.AT_ONCE)
    assert (json_route.failure.retry, json_route.wait) == (Retry.PERMANENT, Wait.NEVER)


def test_invalid_token_is_about_the_key_wherever_it_is_said() -> None:
    for route in Route:
        assert judge(401, nested("invalid_token"), route=route).failure.retry is Retry.PERMANENT


# 503: two meanings


def test_service_unavailable_is_not_tried_again_without_a_hint() -> None:
    assert judge(503, nested("SERVICE_UNAVAILABLE")).failure.retry is Retry.PERMANENT
    flagged = judge(
        503, nested("SERVICE_UNAVAILABLE", retryable=False), headers={"Retry-After": "5"}
    )
    assert flagged.failure.retry is Retry.PERMANENT


def test_service_unavailable_with_a_hint_is_tried_again() -> None:
    for verdict in (
        judge(503, nested("SERVICE_UNAVAILABLE"), headers={"Retry-After": "5"}),
        judge(503, nested("SERVICE_UNAVAILABLE", retryable=True)),
    ):
        assert (verdict.failure.retry, verdict.wait) == (Retry.TRANSIENT, Wait.BACKOFF)


@pytest.mark.parametrize(
    "body",
    [b"Service Unavailable", b"SERVICE_UNAVAILABLE", b"<html>503</html>", b"", b"upstream gone"],
)
def test_a_503_that_is_not_the_apis_passes(body: bytes) -> None:
    verdict = judge(503, body)
    assert (verdict.failure.retry, verdict.failure.code) == (Retry.TRANSIENT, "HTTP_ERROR")


# 404: a thing or a route


def test_a_404_of_the_framework_is_a_missing_route() -> None:
    for body in (b"", b"<html>not found</html>", _json({"errors": {"detail": "Not Found"}})):
        assert judge(404, body).failure.retry is Retry.FEATURE_ABSENT
    assert judge(404, nested("NOT_FOUND")).failure.retry is Retry.PERMANENT


# Waits


def test_the_header_wins_then_milliseconds_then_seconds_then_the_class() -> None:
    both = {"retry_after_ms": 1500, "retry_after": 9}
    header = {"Retry-After": "7"}
    assert judge(429, nested("rate_limit_exceeded", **both), headers=header).hinted_s == 7.0
    assert judge(429, nested("rate_limit_exceeded", **both)).hinted_s == 1.5
    assert judge(429, nested("rate_limit_exceeded", retry_after=9)).hinted_s == 9.0
    told_nothing = judge(429, nested("rate_limit_exceeded"))
    assert (told_nothing.hinted_s, told_nothing.failure.wait_s) == (None, 60.0)


def test_hints_beside_the_error_count_too() -> None:
    body = {**nested("SANDBOX_STARTING"), "retry_after_ms": 250, "retryable": True}
    assert judge(409, body).hinted_s == 0.25


def test_a_wait_as_a_date_is_measured_by_the_replys_own_clock() -> None:
    headers = {
        "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
        "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
    }
    assert judge(429, b"", headers=headers).hinted_s == 30.0
    assert judge(429, b"", headers={"Retry-After": "soon"}).hinted_s is None


@pytest.mark.parametrize(("told", "taken"), [(-3, 0.0), (1e12, 300.0), (float("nan"), None)])
def test_a_wait_is_kept_within_bounds(told: float, taken: float | None) -> None:
    body = f'{{"error":{{"code":"SANDBOX_STARTING","retry_after":{told}}}}}'
    verdict = judge(409, body.replace("nan", "null").encode())
    assert verdict.hinted_s == taken


def test_a_409_holds_its_feed_and_a_429_the_whole_key() -> None:
    assert not judge(409, nested("SANDBOX_STARTING", retry_after_ms=4000)).is_of_key
    assert judge(429, nested("rate_limit_exceeded")).is_of_key
    assert judge(429, b"slow down").is_of_key
    assert not judge(429, nested("MEMBER_LIMIT_REACHED")).is_of_key


# Odd envelopes


def test_a_sentence_that_is_a_code_is_found_where_the_message_stands() -> None:
    body = {"error": {"code": "CONFLICT", "message": "Snapshot is not in ready state"}}
    verdict = judge(409, body)
    assert verdict.failure.code == "snapshot_is_not_in_ready_state"
    assert judge(401, {"error": "missing sse ticket"}, route=Route.STREAM).row is not None


@pytest.mark.parametrize("text", ["Not Found", "Forbidden", "Unauthorized", "Service Unavailable"])
def test_prose_of_a_framework_is_no_code(text: str) -> None:
    assert read_envelope(_json({"errors": {"detail": text}})).code == ""
    assert read_envelope(_json({"error": text})).code == ""
    assert read_envelope(text.encode()).code == ""


def test_a_list_of_errors_beside_the_error_does_not_hide_its_code() -> None:
    body = {"error": {"code": "VALIDATION_FAILED", "message": "no"}, "errors": {"name": ["taken"]}}
    assert judge(422, body).failure.code == "VALIDATION_FAILED"
    assert judge(422, {"error": "VALIDATION_ERROR", "errors": [{"field": "x"}]}).row is not None


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b"17", b'{"error":{}}', b'{"errors":[]}', b"\xff\xfe", b'{"error":7}']
)
def test_anything_else_is_judged_by_its_status(body: bytes) -> None:
    assert judge(500, body).failure.retry is Retry.TRANSIENT
    assert judge(422, body).failure.retry is Retry.PERMANENT


def test_a_request_id_that_could_forge_a_log_line_is_left_out() -> None:
    assert judge(500, nested("INTERNAL_ERROR", request_id="a b\nc")).failure.request_id is None
    assert judge(500, b"", headers={"x-request-id": "req_1"}).failure.request_id == "req_1"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_says_that_the_base_url_is_wrong(status: int) -> None:
    verdict = judge(status)
    assert verdict.failure.retry is Retry.PERMANENT
    assert "base_url" in verdict.failure.message


def test_a_web_page_says_that_the_base_url_is_wrong() -> None:
    assert "base_url" in judge(404, b"<html>nothing here</html>").failure.message
    assert "base_url" not in judge(429, b"<html>slow down</html>").failure.message
    assert "base_url" not in judge(404, nested("NOT_FOUND")).failure.message


@pytest.mark.parametrize("wait", ["0", "0.2"])
def test_a_key_that_may_go_on_at_once_waits_a_second(wait: str) -> None:
    failure = judge(429, headers={"Retry-After": wait}).failure
    assert failure.wait_s == 1.0


@pytest.mark.parametrize("name", ["retry_after", "retry_after_ms"])
def test_a_wait_of_hundreds_of_digits_does_not_crash_the_follow(name: str) -> None:
    body = f'{{"error":{{"code":"INTERNAL_ERROR","{name}":{10**400}}}}}'
    assert judge(500, body.encode()).failure.wait_s is None


def test_a_list_of_errors_nested_without_end_does_not_crash_the_follow() -> None:
    body = '{"errors":[' + "[" * 900 + "]" * 900 + "]}"
    assert judge(422, body.encode()).failure.http_status == 422
