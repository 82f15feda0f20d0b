"""A run that was read outlives refusals for a while; one that was never shown does not."""

from __future__ import annotations

import pytest

from bridge.core.errors import Failure, Retry
from bridge.sources.mogplex.rules.refusals import (
    ABSENT_SPAN_S,
    ABSENT_STRIKES,
    GONE_SPAN_S,
    GONE_STRIKES,
    REFUSED_SPAN_S,
    Refusals,
)

FORBIDDEN = Failure("runs.get", "FORBIDDEN", "no", Retry.PERMANENT, 403)
NOT_FOUND = Failure("runs.get", "NOT_FOUND", "no", Retry.PERMANENT, 404)
PAGE = Failure("runs.get", "HTTP_ERROR", "HTTP 404", Retry.FEATURE_ABSENT, 404)
OUTAGE = Failure("runs.get", "HTTP_ERROR", "HTTP 502", Retry.TRANSIENT, 502)
TLS = Failure("runs.get", "TLS", "expired", Retry.PERMANENT)


def ended(failure: Failure, moments: list[float], *, was_read: bool) -> list[bool]:
    refusals = Refusals()
    return [refusals.end(1000.0 + at, failure, was_read=was_read) is not None for at in moments]


@pytest.mark.parametrize("failure", [FORBIDDEN, NOT_FOUND])
def test_what_upstream_says_of_a_run_that_it_never_showed_is_believed_at_once(
    failure: Failure,
) -> None:
    assert ended(failure, [0], was_read=False) == [True]


def test_three_quick_answers_that_it_does_not_exist_do_not_end_a_run_that_was_read() -> None:
    """Polled once a second it was given up after two seconds of a look-up that failed."""
    moments = [0, 1, 2, GONE_SPAN_S - 1, GONE_SPAN_S]
    assert ended(NOT_FOUND, moments, was_read=True) == [False] * 4 + [True]
    assert ended(NOT_FOUND, [0, GONE_SPAN_S], was_read=True) == [False, False]
    assert GONE_STRIKES == 3


def test_other_refusals_of_it_have_to_last() -> None:
    moments = [0, 1, 2, REFUSED_SPAN_S - 1, REFUSED_SPAN_S]
    assert ended(FORBIDDEN, moments, was_read=True) == [False] * 4 + [True]


def test_one_good_answer_begins_the_count_again() -> None:
    refusals = Refusals()
    for at in (0.0, 1.0):
        refusals.end(at, NOT_FOUND, was_read=True)
    refusals.accepted()
    assert refusals.end(2.0, NOT_FOUND, was_read=True) is None


def test_a_foreign_voice_ends_a_run_never_read_when_it_lasts_and_says_what_is_wrong() -> None:
    moments = [0, 1, ABSENT_SPAN_S - 1, ABSENT_SPAN_S]
    assert ended(PAGE, moments, was_read=False) == [False, False, False, True]
    refusals = Refusals()
    found = [
        refusals.end(at * ABSENT_SPAN_S, PAGE, was_read=False) for at in range(ABSENT_STRIKES)
    ][-1]
    assert found is not None
    assert found.retry is Retry.PERMANENT
    assert "base_url is not where the Mogplex API is" in found.message


@pytest.mark.parametrize("failure", [OUTAGE, TLS])
@pytest.mark.parametrize("was_read", [True, False])
def test_an_outage_and_a_wrong_certificate_end_nothing(failure: Failure, was_read: bool) -> None:
    assert not any(ended(failure, [60.0 * n for n in range(100)], was_read=was_read))


def test_a_foreign_voice_does_not_end_a_run_that_was_read() -> None:
    assert not any(ended(PAGE, [60.0 * n for n in range(100)], was_read=True))
