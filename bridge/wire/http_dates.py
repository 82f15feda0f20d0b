"""`Date` and `Retry-After` of a reply (RFC 9110 5.6.7, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

# Whole seconds by the standard; Mogplex sometimes sends a fraction (mogplex.md 1.11).
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?", re.ASCII)
_SECONDS_CHARS_MAX = 9  # longer values are cut to these digits: thirty years


def http_date(text: str | None) -> float | None:
    """Return a header like `Date` as epoch seconds; None when it is missing or unreadable."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the wait that the server demands, seconds; None without a demand.

    A date is compared with the reply's own `Date`, because both come from one clock that may differ
    from ours. So the result may be negative or very large; the caller limits it.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text[:_SECONDS_CHARS_MAX])
    until, now = http_date(text), http_date(headers.get("Date"))
    return None if until is None or now is None else until - now
