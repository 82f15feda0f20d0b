"""Regular expressions that are compiled at their first use.

Most expressions belong to one program, vendor or language, and most processes never use them;
compiling all of them takes a sixth of a second. `follow` does without it. `serve` compiles them
before its first event (`compile_all`). Expressions that every event uses are compiled with their
module.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Lazy = Callable[[], re.Pattern[str]]

_KNOWN: Final[list[Lazy]] = []


def lazy(source: str | Callable[[], str], flags: int = 0) -> Lazy:
    """Return a function that returns the expression.

    Args:
        source: The expression, or what builds it: from long lists of words.
        flags: As in `re.compile`.
    """
    pattern: re.Pattern[str] | None = None

    def expression() -> re.Pattern[str]:
        nonlocal pattern
        if pattern is None:
            pattern = re.compile(source if isinstance(source, str) else source(), flags)
        return pattern

    _KNOWN.append(expression)
    return expression


def compile_all() -> None:
    """Compile every expression now, so that no event waits for it."""
    for expression in _KNOWN:
        expression()
