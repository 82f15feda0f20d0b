"""Writes a range of a journal's past records as lines of any format.

A replay has no checkpoint. After an interruption it can resume only in a format whose lines carry
their sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.journal.port import Reader
from bridge.outputs.printed import formatter
from bridge.outputs.sinks.lines import PAGE_RECORDS, LineSettings
from bridge.wire import times
from bridge.wire.jsontext import loads
from bridge.wire.ndjson import Line, fit


class Range(NamedTuple):
    """Which records: after < sequence <= last, and since_s <= recorded < until_s, wall clock.

    `recorded` is the time at which the journal stored a record; it grows with the sequence as long
    as the clock is not set back.
    """

    after: int = 0
    last: int | None = None
    since_s: float | None = None
    until_s: float | None = None

    @property
    def has_times(self) -> bool:
        """Whether a time is given, so that each record must be read to compare."""
        return self.since_s is not None or self.until_s is not None

    def holds(self, record: Record) -> bool:
        """Whether the times, if any, include the record; the caller has checked the sequence."""
        recorded_s = times.seconds(loads(record.body).get("recordedtime"))
        if recorded_s is None:
            return False
        return (self.since_s is None or recorded_s >= self.since_s) and (
            self.until_s is None or recorded_s < self.until_s
        )


@dataclass(slots=True)
class Replayed:
    """The progress so far."""

    records: int = 0
    first: int | None = None
    last: int | None = None
    truncated: int = 0  # lines cut to the limit


async def replay(
    reader: Reader,
    settings: LineSettings,
    wanted: Range,
    write: Callable[[Sequence[bytes]], None],
    done: Replayed,
) -> None:
    """Write the lines of all records in the range up to the current head, oldest first.

    Errors of `write` pass through.

    Args:
        reader: The journal to read.
        settings: Which records become lines, and how.
        wanted: The range.
        write: Takes lines, each with its newline.
        done: Updated after each write, so that it is right if one fails.

    Raises:
        JournalError: The journal cannot be read.
    """
    to_line, limit = formatter(settings.format), settings.bytes_max
    after, end = wanted.after, min(reader.head, wanted.last or reader.head)
    while after < end:
        page = await reader.read(after, PAGE_RECORDS, settings.only)
        lines: list[bytes] = []
        records: list[Record] = []
        truncated = 0
        for record in page.records:
            if record.seq > end or (wanted.has_times and not wanted.holds(record)):
                continue
            line = to_line(record)
            if limit and len(line) > limit:
                line = fit(line, limit)
                truncated += 1
            if line:
                lines.append(line)
                records.append(record)
        if lines:
            write(lines)
            done.records += len(lines)
            done.first = done.first or records[0].seq
            done.last = records[-1].seq
            done.truncated += truncated
        after = page.next_after


async def place_to_go_on(reader: Reader, last: Line, wanted: Range) -> int:
    """The sequence of the last line that an earlier replay of this range wrote.

    Raises:
        ConfigError: The line is not one of this range of this journal.
    """
    if last.seq is None or last.reset_epoch is not None:
        raise ConfigError("its lines do not tell their place; choose another path")
    page = await reader.read(last.seq - 1, 1)
    is_here = any(record.seq == last.seq and record.id == last.id for record in page.records)
    if not is_here or last.seq <= wanted.after or (wanted.last and last.seq > wanted.last):
        raise ConfigError(
            f"its last line is record {last.seq}, which this range of this journal does not have;"
            " choose another path"
        )
    return last.seq
