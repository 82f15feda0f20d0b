"""Turns the journal into lines: pages, the chosen format, reset lines, and where to resume.

An output stores a checkpoint in the journal: the journal's epoch, the position that is surely
written, and the target's own mark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bridge.core import marks
from bridge.core.errors import ConfigError
from bridge.core.event import Record
from bridge.core.filter import EVERYTHING, Filter
from bridge.journal.port import Journal
from bridge.outputs.printed import formatter
from bridge.wire.jsontext import JsonError, dumps, loads
from bridge.wire.ndjson import (
    LINE_BYTES_DEFAULT,
    LINE_BYTES_MIN,
    Line,
    fit,
    reset_line,
)
from bridge.wire.times import rfc3339

PAGE_RECORDS = 512  # records per read, usually 300 KB; amortizes a thread switch
_SEARCH_PAGES_MAX = 2_000  # pages searched for a file's last line; checkpoints are seconds old

Format = Literal["cloudevents", "mogplex"]


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Which records become lines, and how.

    `mogplex` lines are upstream's own objects, as the vendor's CLI prints them; the bridge's own
    records (gaps, resets) have no form there. `bytes_max` 0 means no limit.

    Raises:
        ConfigError: `bytes_max` is too small for a line.
    """

    only: Filter = EVERYTHING
    format: Format = "cloudevents"
    bytes_max: int = LINE_BYTES_DEFAULT

    def __post_init__(self) -> None:
        if self.bytes_max and self.bytes_max < LINE_BYTES_MIN:
            raise ConfigError(
                f"line_bytes is {self.bytes_max}: use at least {LINE_BYTES_MIN}, or 0 for no limit"
            )


class Checkpoint(NamedTuple):
    """An output's state in the journal under `sink/<name>`: one flat JSON object."""

    epoch: str
    seq: int
    mark: Mapping[str, Any]  # the target's own members

    def encode(self) -> bytes:
        """Return the value to store in the journal."""
        return dumps({**self.mark, "epoch": self.epoch, "seq": self.seq})

    @classmethod
    def maybe_decode(cls, value: bytes | None) -> Checkpoint | None:
        """Decode a stored value; None if there is none or it is not a checkpoint."""
        try:
            fields = loads(value) if value is not None else {}
            return cls(str(fields.pop("epoch")), int(fields.pop("seq")), fields)
        except (JsonError, AttributeError, KeyError, TypeError, ValueError):
            return None


def checkpoint_key(sink: str) -> str:
    """Return the name of an output's checkpoint in the journal."""
    return f"sink/{sink}"


class Batch(NamedTuple):
    """Lines in order, and the position after each of them."""

    lines: list[bytes]
    seqs: list[int]
    next_after: int  # position after all lines; a filter moves it without lines too
    is_broken: bool = False  # retention dropped records before this output read them
    missing: int | None = None  # number of dropped records; None: unknown
    truncated: int = 0  # lines cut to the limit
    marks: int = 0  # reset lines among the lines

    def position(self, written: int, before: int) -> int:
        """The position after the first `written` lines; `before` is the position at the start."""
        if written == len(self.lines):
            return self.next_after
        return self.seqs[written - 1] if written else before


class Resume(NamedTuple):
    """Where an output resumes, and whether its earlier lines belong to another journal."""

    after: int
    is_reset: bool
    asked: str | None = None  # the position that this journal does not have, for the reset line


def resume(
    stored: Checkpoint | None, last: Line | None, *, has_lines: bool, journal: Journal
) -> Resume:
    """Decide where to resume, from the checkpoint and the last whole line.

    The line wins where it is ahead, because the checkpoint follows the lines by seconds. The first
    checkpoint precedes the first line, so lines without a checkpoint come from a journal that no
    longer exists.
    """
    epoch, head, oldest = journal.epoch, journal.head, journal.floor - 1
    last_seq = last.seq if last is not None else None
    is_same = stored is not None and stored.epoch == epoch
    if last is not None and last.reset_epoch == epoch:
        is_same = True  # killed between the reset line and its checkpoint
    if is_same:
        known = stored.seq if stored is not None and stored.epoch == epoch else 0
        after = max(known, last_seq or 0)
        if after <= head:
            return Resume(after, is_reset=False)
        # The journal lost records that are in the file; it will assign their sequences to other
        # records.
        return Resume(head, is_reset=True, asked=f"{epoch}-{after}")
    if stored is not None:  # a restored journal: equal up to the checkpoint
        after = max(min(stored.seq, head), oldest)
        return Resume(
            after, is_reset=True, asked=f"{stored.epoch}-{max(stored.seq, last_seq or 0)}"
        )
    if has_lines:
        return Resume(oldest, is_reset=True, asked=str(last_seq) if last_seq is not None else None)
    return Resume(oldest, is_reset=False)


class LineReader:
    """Reads one journal through one filter and formats lines."""

    def __init__(self, journal: Journal, settings: LineSettings, wall: Callable[[], float]) -> None:
        self._journal = journal
        self._settings = settings
        self._wall = wall
        self._is_plain = settings.format == "cloudevents"
        self._format = formatter(settings.format)

    async def read(self, after: int) -> Batch:
        """Return the next lines after a position; empty at the head.

        A `bridge.reset` line takes the place of records that retention dropped in the meantime.
        """
        journal, only = self._journal, self._settings.only
        lost_to = max(after, journal.floor - 1)
        page = await journal.read(lost_to, PAGE_RECORDS, only)
        # Retention may have moved during the read: records below the new floor that the page lacks
        # are lost, or never matched the filter. Report too large a hole rather than none.
        first = page.records[0].seq if page.records else page.next_after + 1
        floor = journal.floor
        if floor > lost_to + 1 and first > lost_to + 1:
            lost_to = min(first, floor) - 1
        missing = journal.records_between(after, lost_to)
        lines: list[bytes] = []
        seqs: list[int] = []
        if lost_to > after:
            lines, seqs = self.reset("retention", lost_to, f"{journal.epoch}-{after}", missing)
        told = len(lines)
        if self._is_plain:
            lines += [record.body + b"\n" for record in page.records]
            seqs += [record.seq for record in page.records]
        else:
            for record in page.records:
                if line := self._format(record):
                    lines.append(line)
                    seqs.append(record.seq)
        truncated = self._cut(lines)
        next_after = max(page.next_after, lost_to)
        return Batch(lines, seqs, next_after, lost_to > after, missing, truncated, told)

    def reset(
        self, reason: str, after: int, asked: str | None, missing: int | None
    ) -> tuple[list[bytes], list[int]]:
        """Return the reset line and its sequence; nothing in upstream's format."""
        if not self._is_plain:
            return [], []
        line = reset_line(
            epoch=self._journal.epoch, after=after, reason=reason, asked=asked, missing=missing,
            time=rfc3339(self._wall()),
        )  # fmt: skip
        return [line], [after]

    def _cut(self, lines: list[bytes]) -> int:
        limit = self._settings.bytes_max
        if not limit or not lines or len(max(lines, key=len)) <= limit:
            return 0
        count = 0
        for i, line in enumerate(lines):
            if len(line) > limit:
                lines[i] = fit(line, limit)
                count += 1
        return count

    async def recognise(self, last: Line) -> Resume | None:
        """Where to resume if the line's record has the same sequence in this journal; else None.

        Such a line comes from this journal even if the checkpoint or epoch differ: the output was
        renamed, or the journal restored.
        """
        if last.seq is None or last.reset_epoch is not None or last.seq > self._journal.head:
            return None
        page = await self._journal.read(last.seq - 1, 1)
        is_here = any(r.seq == last.seq and r.id == last.id for r in page.records)
        return Resume(last.seq, is_reset=False) if is_here else None

    async def find(self, last: Line, after: int) -> int:
        """Return the sequence of a line in upstream's format, which carries none.

        The search covers the records after the checkpoint; without a match the line is the last one
        before the checkpoint.
        """
        for _ in range(_SEARCH_PAGES_MAX):
            start = after
            page = await self._journal.read(start, PAGE_RECORDS, self._settings.only)
            for record in page.records:
                if _is_of(last, record):
                    return record.seq
            after = page.next_after
            if after <= start or after >= self._journal.head:
                break
        return -1


def _is_of(line: Line, record: Record) -> bool:
    if line.run_id is not None:
        return marks.is_ended(record.type) and record.feed.id == line.run_id
    return record.id == line.id
