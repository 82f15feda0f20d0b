"""Timestamps as the service prints them (mogplex.md 1.4), from integer microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import formatdate

TIME_FORMATS = ("micros_offset", "millis_z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(seconds: float) -> int:
    """Microseconds since the epoch."""
    return round(seconds * 1_000_000)


def http_date(now_s: float) -> str:
    """The `Date` header, by the clock that made the timestamps of the same reply."""
    return formatdate(now_s, usegmt=True)


def format_time(at_us: int, style: str) -> str:
    """Format an instant in microseconds.

    `micros_offset`: 0 to 6 fraction digits without trailing zeros, and `+00:00`, as the database
    driver prints. `millis_z`: three digits, cut not rounded, and `Z`, as the documents show.
    """
    seconds, fraction_us = divmod(at_us, 1_000_000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if style == "millis_z":
        return f"{text}.{fraction_us // 1000:03d}Z"
    if fraction_us:
        digits = f"{fraction_us:06d}".rstrip("0")
        return f"{text}.{digits}+00:00"
    return f"{text}+00:00"


def parse_time(text: str) -> int:
    """Return microseconds since the epoch.

    Raises:
        ValueError: `text` is no time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; add Z or +00:00")
    return (moment - _EPOCH) // timedelta(microseconds=1)
