"""Numbers with their nouns, for people. Pure."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return `1 run`, `2 runs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
