"""A wait is read in seconds or as a date of the server's own clock; anything else says nothing."""

from __future__ import annotations

import pytest

from bridge.wire.http_dates import http_date, retry_after_s

NOON = "Mon, 03 Aug 2026 12:00:00 GMT"
NOON_S = 1785758400.0


@pytest.mark.parametrize(
    "text",
    [NOON, "Monday, 03-Aug-26 12:00:00 GMT", "Mon Aug  3 12:00:00 2026", "3 Aug 2026 14:00 +0200"],
)
def test_the_three_forms_of_the_standard_are_one_instant(text: str) -> None:
    assert http_date(text) == NOON_S


@pytest.mark.parametrize("text", [None, "", "soon", "Mon, 99 Aug 2026 12:00:00 GMT", "\x00", "1"])
def test_what_is_no_date_is_none_and_no_error(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("299.997", 299.997), ("5.", 5.0)],
)
def test_seconds_are_read_with_their_fraction(text: str, wait_s: float) -> None:
    assert retry_after_s({"Retry-After": text}) == wait_s


def test_an_endless_number_is_cut_and_costs_nothing() -> None:
    assert retry_after_s({"Retry-After": "9" * 10_000}) == 999_999_999.0


def test_a_date_is_compared_with_the_replys_own_clock() -> None:
    later = "Mon, 03 Aug 2026 12:01:30 GMT"
    assert retry_after_s({"Retry-After": later, "Date": NOON}) == 90.0
    assert retry_after_s({"Retry-After": NOON, "Date": later}) == -90.0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": ""},
        {"Retry-After": "-5"},
        {"Retry-After": "1e3"},
        {"Retry-After": "\u0664"},  # a digit, and not one of ours
        {"Retry-After": NOON},  # nothing to compare it with
        {"Retry-After": "soon", "Date": NOON},
    ],
)
def test_what_says_nothing_is_none(headers: dict[str, str]) -> None:
    assert retry_after_s(headers) is None
