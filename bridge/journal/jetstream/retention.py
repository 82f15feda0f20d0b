"""Chooses what to drop from the stream: only records, by the engine's clock and sizes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from bridge.journal.jetstream.engine import Engine
from bridge.journal.jetstream.messages import Subjects


class Size(NamedTuple):
    """The size of the stream."""

    bytes: int
    messages: int
    first: int  # sequence
    last: int
    now: str  # the engine's clock, RFC 3339


async def size(engine: Engine) -> Size:
    """Return the present size of the stream.

    Raises:
        JournalUnavailableError: The engine does not answer now.
    """
    said = await engine.api(f"STREAM.INFO.{engine.address.stream}")
    state = said["state"]
    return Size(
        int(state["bytes"]),
        int(state["messages"]),
        int(state["first_seq"]),
        int(state["last_seq"]),
        _micros(said["ts"]),
    )


async def cut_by_age(
    engine: Engine, subjects: Subjects, floor: int, last: int, oldest_s: float
) -> int:
    """Return the sequence below which all records are older; found by halving."""
    low, high = floor, last + 1  # all records below `low` are old
    while low < high:
        middle = (low + high) // 2
        found = await engine.next_of(subjects.records, middle)
        if found is None or datetime.fromisoformat(_micros(found.at)).timestamp() >= oldest_s:
            high = middle
        else:
            low = found.seq + 1
    return low


def cut_by_bytes(floor: int, now: Size, bytes_max: int) -> int:
    """Estimate the sequence from which on the records fit; the next call drops the rest."""
    share = (now.bytes - bytes_max) / max(now.bytes, 1)
    return floor + int((now.last + 1 - floor) * share) + 1


async def purge(engine: Engine, subject: str, below: int | None) -> None:
    """Drop older messages of a subject; without a limit, all of them."""
    wanted: dict[str, object] = {"filter": subject}
    if below is not None:
        wanted["seq"] = below
    await engine.api(f"STREAM.PURGE.{engine.address.stream}", wanted, timeout_s=30.0)


def _micros(time: str) -> str:
    """Cut nanoseconds, as the engine writes them, to microseconds for Python."""
    whole, dot, rest = time.rstrip("Z").partition(".")
    return f"{whole}{dot}{rest[:6]}+00:00"
