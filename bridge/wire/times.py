"""Upstream's timestamps (mogplex.md 1.4) and ours.

Seen: `2026-05-17T10:14:10.000Z` and `2026-05-17T10:14:10.123456+00:00` with 0 to 6 digits of
fraction. Other offsets are converted; what does not parse is None, not an error.
"""

from __future__ import annotations

from datetime import UTC, datetime


def parse(text: object) -> tuple[str, float] | None:
    """Return the same instant as RFC 3339 in UTC with `Z`, digits kept, and as epoch seconds."""
    if not isinstance(text, str) or len(text) > 40 or (text[7:8], text[10:11]) != ("-", "T"):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        seconds = moment.timestamp()
        if text[16:17] == ":" and text.endswith(("Z", "+00:00")):
            return f"{text.removesuffix('Z').removesuffix('+00:00')}Z", seconds
        return rfc3339(seconds), seconds
    except (ValueError, OverflowError):
        return None


def seconds(text: object) -> float | None:
    """Epoch seconds alone."""
    moment = parse(text)
    return None if moment is None else moment[1]


def rfc3339(epoch_s: float) -> str:
    """Epoch seconds as `2026-08-03T15:00:34.200000Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
