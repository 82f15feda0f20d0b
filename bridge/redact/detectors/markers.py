"""Markers of an earlier pass: nothing inside one is a name or a value."""

from __future__ import annotations

from bridge.redact.spans import MARKER, Scan

MARKER_LITERAL = "[redacted:"


def skip_marker(scan: Scan, start: int, _end: int, _data: object) -> int:
    """Return the end of the marker at `start`, 0 if there is none."""
    found = MARKER.match(scan.text, start, scan.end)
    return found.end() if found is not None else 0
