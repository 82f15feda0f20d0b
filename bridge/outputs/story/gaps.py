"""A gap in words: what is missing, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WHY_GAP: Final[Mapping[str, str]] = {
    "window_exhausted": "the run has more events than upstream shows on one page",
    "window_jumped": "more events came between two reads than upstream shows on one page",
    "segment_switched": (
        "the run continued in a new segment before the old one was read completely"
    ),
    "joined_late": "the run started before the bridge followed it",
    "history_shrank": "upstream shows fewer events than before",
    "unreadable": "an event from upstream could not be read",
}


def gap_words(data: Mapping[str, Any]) -> str:
    """Describe a gap in words."""
    missing, reason = data.get("missing"), str(data.get("reason"))
    if missing == 1:
        count = "1 event is"
    elif isinstance(missing, int):
        count = f"{missing:,} events are"
    else:
        count = "an unknown number of events is"
    return f"gap: {count} missing: {WHY_GAP.get(reason, reason)}"
