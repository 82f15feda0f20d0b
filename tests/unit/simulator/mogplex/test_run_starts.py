"""The limiter of run starts at its edges (mogplex.md 1.11)."""

from __future__ import annotations

import pytest

from bridge.simulator.mogplex.run_starts import RunStartLimiter


@pytest.mark.parametrize(
    ("step_s", "allowed", "retry_after_s"),
    [(0.0, 10, 60), (61.0, 30, 3_600 - 30 * 61), (130.0, 150, 86_400 - 150 * 130)],
)
def test_run_starts_10_a_minute_30_an_hour_150_a_day(
    step_s: float, allowed: int, retry_after_s: int
) -> None:
    limiter = RunStartLimiter()
    now_s = 0.0
    for _ in range(allowed):
        assert limiter.take("key", now_s) is None
        now_s += step_s
    refusal = limiter.take("key", now_s)
    assert refusal is not None
    assert (refusal.limit, refusal.retry_after_s) == (allowed, retry_after_s)


def test_refused_run_starts_are_not_counted() -> None:
    limiter = RunStartLimiter()
    for _ in range(10):
        limiter.take("key", 0.0)
    for _ in range(100):
        assert limiter.take("key", 59.5) is not None
    assert [limiter.take("key", 60.0) for _ in range(10)] == [None] * 10


def test_the_wait_is_at_least_a_second() -> None:
    limiter = RunStartLimiter()
    for _ in range(10):
        limiter.take("key", 0.0)
    refusal = limiter.take("key", 59.9)
    assert refusal is not None
    assert refusal.retry_after_s == 1
