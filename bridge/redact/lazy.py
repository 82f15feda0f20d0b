"""Regular expressions that are compiled when a text first needs them.

For detectors that are rarely asked: they have hundreds, which take as long as the rest of the
import. What every text is asked costs less when it is compiled at once.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

_PARTS: Final = ("finditer", "fullmatch", "groupindex", "match", "search", "split", "sub")


class LazyPattern:
    """An expression that is compiled by the first use of it.

    From then on its methods are the compiled one's own: a call costs no more than one of those.
    A match names the compiled one: compare `match.re.pattern`, not `match.re`.
    """

    __slots__ = (*_PARTS, "_flags", "pattern")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile it: something is asked for that is not in its slot yet."""
        compiled = re.compile(self.pattern, self._flags)
        for part in _PARTS:
            setattr(self, part, getattr(compiled, part))
        return getattr(compiled, name)


def lazy(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return the expression, to be used like what `re.compile` returns."""
    return cast("re.Pattern[str]", LazyPattern(pattern, flags))


def as_pattern(data: object) -> re.Pattern[str]:
    """Return an expression that was handed on as something of unknown type."""
    assert isinstance(data, LazyPattern)
    return cast("re.Pattern[str]", data)
