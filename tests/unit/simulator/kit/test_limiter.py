"""The limiter at its edges (mogplex.md 1.11), against a list of times as the oracle."""

from __future__ import annotations

from random import Random

from bridge.simulator.kit.limiter import RollingWindow, TokenLimiter


def take(limiter: TokenLimiter, now_s: float, token: str = "t", instances: int = 1) -> bool:
    return limiter.take(token, now_s, limit=60, window_s=60.0, instances=instances)


def test_the_61st_request_within_60_seconds_is_refused() -> None:
    limiter = TokenLimiter(Random(1))
    assert [take(limiter, 0.5 * index) for index in range(60)] == [True] * 60
    assert take(limiter, 59.9) is False


def test_a_slot_returns_after_exactly_60_seconds() -> None:
    limiter = TokenLimiter(Random(1))
    for _ in range(60):
        take(limiter, 100.0)
    assert take(limiter, 159.999) is False
    assert take(limiter, 160.0) is True


def test_refused_requests_are_not_recorded() -> None:
    limiter = TokenLimiter(Random(1))
    for _ in range(60):
        take(limiter, 0.0)
    for index in range(1_000):
        assert take(limiter, 30.0 + index / 100) is False
    assert [take(limiter, 60.0) for _ in range(61)] == [True] * 60 + [False]


def test_tokens_do_not_share() -> None:
    limiter = TokenLimiter(Random(1))
    for _ in range(60):
        take(limiter, 0.0)
    assert take(limiter, 0.0, "other") is True


def test_several_instances_let_more_through_and_the_sum_is_bounded() -> None:
    limiter = TokenLimiter(Random(1))
    answers = [take(limiter, 0.0, instances=3) for _ in range(1_000)]
    assert sum(answers) == 180
    assert answers.index(False) > 60
    # Erratic: accepted ones come after refused ones.
    assert any(answers[answers.index(False) :])


def test_a_cold_start_forgets() -> None:
    limiter = TokenLimiter(Random(1))
    for _ in range(60):
        take(limiter, 0.0)
    limiter.forget()
    assert take(limiter, 0.0) is True


def test_against_the_definition() -> None:
    """Oracle: refuse when 60 accepted times are younger than 60 s."""
    chance = Random(7)
    limiter = TokenLimiter(Random(1))
    accepted: list[float] = []
    now_s = 0.0
    for _ in range(3_000):
        now_s += chance.choice((0.0, 0.1, 0.5, 1.0, 3.0, 20.0))
        expected = sum(now_s - at_s < 60.0 for at_s in accepted) < 60
        assert take(limiter, now_s) is expected
        if expected:
            accepted.append(now_s)


def test_a_limit_of_zero_refuses_everything() -> None:
    assert RollingWindow(0, 60.0).wait_s(5.0) == 60.0
