"""Doubling waits: their bounds, their cap, what the server asked for."""

from __future__ import annotations

import pytest

from bridge.core.backoff import Backoff


def test_it_doubles_to_its_cap() -> None:
    backoff = Backoff()
    waits = [backoff.after_failure(jitter=0.0) for _ in range(8)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize("failures", [0, 3, 5, 1000])
def test_jitter_takes_away_up_to_half(failures: int) -> None:
    full = Backoff(failures=failures).after_failure(jitter=0.0)
    assert Backoff(failures=failures).after_failure(jitter=0.5) == 0.75 * full
    assert full / 2 < Backoff(failures=failures).after_failure(jitter=0.999) < 0.51 * full


def test_days_of_failures_do_not_overflow() -> None:
    backoff = Backoff(5.0, 600.0)
    waits = [backoff.after_failure(jitter=0.0) for _ in range(2_000)]  # 2 ** 1024 is no float
    assert set(waits[7:]) == {600.0}


def test_never_sooner_than_the_server_asked_for() -> None:
    assert Backoff().after_failure(jitter=0.9, hint_s=60.0) == 60.0
    assert Backoff(failures=9).after_failure(jitter=0.0, hint_s=2.0) == 30.0


def test_success_begins_again() -> None:
    backoff = Backoff(failures=7)
    backoff.reset()
    assert backoff.after_failure(jitter=0.0) == 1.0
