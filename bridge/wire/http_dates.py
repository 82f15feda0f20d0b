"""`Date` and `Retry-After` of a reply (RFC 9110 5.6.7, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

# Whole seconds by the standard; Mogplex has been seen to send a fraction (mogplex.md 1.11).
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?", re.ASCII)
_SECONDS_CHARS_MAX = 9  # what is longer is cut: thirty years will do


def http_date(text: str | None) -> float | None:
    """Epoch seconds of a header like `Date`; None when there is none that can be read."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """How long the server wants to be left alone, seconds; None when it does not say.

    A date is compared with the reply's own `Date`: both come from one clock, ours may differ. So
    the result may be negative, and it is as large as the server likes; the caller limits it.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text[:_SECONDS_CHARS_MAX])
    until, now = http_date(text), http_date(headers.get("Date"))
    return None if until is None or now is None else until - now
