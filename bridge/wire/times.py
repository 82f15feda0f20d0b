"""Upstream's timestamps (mogplex.md 1.4) and ours.

Seen: `2026-05-17T10:14:10.000Z` and `2026-05-17T10:14:10.123456+00:00` with 0 to 6 digits of
fraction. Other offsets are converted; what does not parse is None, not an error.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

# RFC 3339; `datetime` accepts more: a comma in the seconds, a week, a day without minutes.
_is_rfc3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|\+00:00)", re.ASCII
).fullmatch


def parse(text: object) -> tuple[str, float] | None:
    """Return the same instant as RFC 3339 in UTC with `Z`, digits kept, and as epoch seconds."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        if _is_rfc3339(text):
            seconds = datetime.fromisoformat(text).timestamp()
            return text if text[-1] == "Z" else f"{text[:-6]}Z", seconds
        if (text[7:8], text[10:11]) != ("-", "T"):
            return None
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        seconds = moment.timestamp()
        return rfc3339(seconds), seconds
    except (ValueError, OverflowError):
        return None


def seconds(text: object) -> float | None:
    """Return epoch seconds alone."""
    moment = parse(text)
    return None if moment is None else moment[1]


def rfc3339(epoch_s: float) -> str:
    """Return epoch seconds as `2026-08-03T15:00:34.200000Z`."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    # strftime does not work: it writes %Y of the year 799 with three digits.
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
