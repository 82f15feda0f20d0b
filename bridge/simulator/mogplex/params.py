"""How the service reads its query parameters."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"\s*([+-]?\d+)", re.ASCII)
_DIGITS_MAX = 18  # longer numbers are beyond any bound anyway


def parse_limit(text: str | None, default: int = 100, high: int = 200) -> int:
    """Read the integer at the start, like C's strtol, clamped to 1…high (mogplex.md 1.4).

    Absent, empty and unreadable text gives the default, never an error.
    """
    found = _PREFIX.match(text) if text else None
    if found is None:
        return default
    sign, digits = ("-", found[1][1:]) if found[1][0] == "-" else ("", found[1].lstrip("+"))
    digits = digits.lstrip("0") or "0"
    if len(digits) > _DIGITS_MAX:
        return 1 if sign else high
    return min(high, max(1, int(sign + digits)))
