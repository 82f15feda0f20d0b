"""NDJSON lines: one record per line; cuts long lines, and finds the whole lines of a file.

Lines here include their newline; text after the last newline of a file is a torn tail, whatever it
looks like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.wire.jsontext import JsonError, dumps, loads

# bytes; fluent-bit stops reading a file at a line over 32 KB (readers.md)
LINE_BYTES_DEFAULT = 32_000
LINE_BYTES_MIN = 1_000  # bytes; the part of a record that is never cut (ids, times) is about 600

RESET_TYPE = "bridge.reset"

_SEQUENCE = re.compile(rb',"sequence":"([0-9]{20})"')
_KEEP_CHARS = 64  # no string is cut shorter: ids, types and times fit
_ID_KEY = re.compile(r"(?:^|_|[a-z])[iI]d$")


def sequence_of(line: bytes) -> int | None:
    """Return the sequence of one of our CloudEvents lines without parsing it; None without one.

    Quotes inside JSON strings are escaped and `data` is the last member, so the first match is
    the attribute itself.
    """
    match = _SEQUENCE.search(line)
    return int(match[1]) if match is not None else None


def reset_line(
    *, epoch: str, after: int, reason: str, asked: str | None, missing: int | None, time: str
) -> bytes:
    """Return a line that says: sequences up to `after` are missing here, and why.

    Args:
        epoch: The journal's epoch.
        after: The record after this line has a higher sequence.
        reason: Why sequences are missing.
        asked: The position that could not be served.
        missing: How many sequences were dropped; None: unknown.
        time: RFC 3339 with `Z`.
    """
    record = {
        "specversion": "1.0",
        "id": f"{epoch}-{after}-{reason}",
        "source": "/bridge/reset",
        "type": RESET_TYPE,
        "time": time,
        "datacontenttype": "application/json",
        "sequence": f"{after:020d}",
        "data": {
            "reason": reason,
            "epoch": epoch,
            "asked": asked,
            "oldest": f"{epoch}-{after + 1}",
            "missing": missing,
        },
    }
    return dumps(record) + b"\n"


class Line(NamedTuple):
    """The position that a whole line holds."""

    seq: int | None  # None in the vendor's format
    id: str | None  # the record's id; None for the end of a run in the vendor's format
    run_id: str | None  # only for the end of a run in the vendor's format
    reset_epoch: str | None  # set only by a reset line: the epoch that begins after it


def maybe_line(line: bytes) -> Line | None:
    """Read one of our lines; None for another: torn, filled with zeros, somebody else's."""
    if not line.startswith(b"{") or not line.endswith(b"}\n"):
        return None
    try:
        value = loads(line)
    except JsonError:
        return None
    if not isinstance(value, dict):
        return None
    return _of_bridge(value, line) if "specversion" in value else _of_upstream(value)


def _of_bridge(value: dict[str, Any], line: bytes) -> Line | None:
    seq = sequence_of(line)
    if seq is None or not isinstance(value.get("id"), str):
        return None
    data = value.get("data")
    is_reset = value.get("type") == RESET_TYPE and isinstance(data, dict)
    epoch = data.get("epoch") if is_reset and data is not None else None
    return Line(seq, value["id"], None, epoch if isinstance(epoch, str) else None)


def _of_upstream(value: dict[str, Any]) -> Line | None:
    if isinstance(value.get("id"), str) and "type" in value:
        return Line(None, value["id"], None, None)
    if isinstance(value.get("runId"), str) and "status" in value:
        return Line(None, None, value["runId"], None)
    return None


class Tail(NamedTuple):
    """How a piece of a file ends."""

    end: int  # offset just after our last line; 0 when there is none
    line: Line | None  # that line
    torn: bytes  # the bytes after it


def find_tail(data: bytes) -> Tail:
    """Find our last line in `data`, which begins at the start of a line.

    A block of zeros (a power cut on some file systems) ends the good part even if good lines
    follow, because the lines that it replaced are missing.
    """
    zero = data.find(b"\0")
    limit = len(data) if zero < 0 else zero
    end = data.rfind(b"\n", 0, limit) + 1
    while end > 0:
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = maybe_line(data[start:end])
        if line is not None:
            return Tail(end, line, data[end:])
        end = start
    return Tail(0, None, data)


def fit(line: bytes, bytes_max: int) -> bytes:
    """Return the line cut to `bytes_max` bytes (newline included), or unchanged if it fits.

    The longest strings of `data` are cut to one common length with a mark that says how much is
    missing, and `"truncated":true` is added; ids, times and the record's own attributes stay. If
    short strings alone are too long, `data` keeps only its short scalar members. A record whose
    fixed part is longer than the limit stays longer.

    Raises:
        JsonError: The line is not JSON.
    """
    if len(line) <= bytes_max:
        return line
    value: dict[str, Any] = loads(line)
    in_envelope = value.get("specversion") == "1.0" and isinstance(value.get("data"), dict)
    data: dict[str, Any] = value["data"] if in_envelope else value

    def encoded(new_data: Mapping[str, Any]) -> bytes:
        if not in_envelope:
            return dumps({**new_data, "truncated": True}) + b"\n"
        outer = {key: item for key, item in value.items() if key != "data"}
        return dumps({**outer, "truncated": True, "data": new_data}) + b"\n"

    best: bytes | None = None
    low, high = _KEEP_CHARS, bytes_max
    while low <= high:
        middle = (low + high) // 2
        attempt = encoded(_cut(data, middle))
        if len(attempt) <= bytes_max:
            best, low = attempt, middle + 1
        else:
            high = middle - 1
    if best is not None:
        return best
    return encoded({k: v for k, v in data.items() if _is_short(v) or _is_id(k, v)})


def _cut(value: Any, chars_max: int, key: str = "") -> Any:
    if isinstance(value, str):
        if _is_id(key, value):
            return value
        mark = f"…[cut {len(value) - chars_max} characters]"
        return value if len(value) <= chars_max + len(mark) else value[:chars_max] + mark
    if isinstance(value, dict):
        return {k: _cut(item, chars_max, k) for k, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, chars_max) for item in value]
    return value


def _is_id(key: str, value: object) -> bool:
    return isinstance(value, str) and len(value) <= 256 and _ID_KEY.search(key) is not None


def _is_short(value: object) -> bool:
    return value is None or isinstance(value, bool | float) or len(str(value)) <= _KEEP_CHARS
