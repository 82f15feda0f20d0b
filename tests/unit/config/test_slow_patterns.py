"""Patterns that would hold up the loop are refused."""

from __future__ import annotations

import re

import pytest

from bridge.config.slow_patterns import PATTERN_S_MAX, refuse_slow_patterns
from bridge.core.errors import ConfigError


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(ab|a|b)*c"])
def test_a_pattern_that_grows_slowly_is_refused_while_its_check_still_ends(pattern: str) -> None:
    """Over all texts of 24 characters in an instant, over one of 64 for ever."""
    with pytest.raises(ConfigError, match="do not nest repetitions") as error:
        refuse_slow_patterns([pattern])
    chars = re.search(r"for a text of (\d+) characters", str(error.value))
    assert chars is not None
    assert int(chars[1]) < 48


class Ticking:
    """A clock on which every search takes the given time."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def monotonic(self) -> float:
        self.now_s += self.step_s
        return self.now_s

    wall = monotonic


def test_a_busy_machine_gets_three_tries_and_a_slow_pattern_none_more() -> None:
    refuse_slow_patterns(["x+"], clock=Ticking(PATTERN_S_MAX * 0.99))
    with pytest.raises(ConfigError, match="101 ms for a text of 19 characters"):
        refuse_slow_patterns(["x+"], clock=Ticking(PATTERN_S_MAX * 1.01))


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"\w+@corp\.example", r"EMP-\d+", r"(?:ab|cd){1,40}!"])
def test_an_ordinary_pattern_is_let_in(pattern: str) -> None:
    refuse_slow_patterns([pattern], clock=Ticking(0.0))
