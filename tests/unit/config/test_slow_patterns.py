"""Patterns that would hold up the loop are refused."""

from __future__ import annotations

import re

import pytest

from bridge.config.slow_patterns import refuse_slow_patterns
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
