"""The drafts of one batch, and the state that is committed with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.core import marks
from bridge.core.event import Draft, Event, draft_of
from bridge.core.kind import Kind
from bridge.core.state import FeedState
from bridge.journal.port import RECORD_BYTES_MAX
from bridge.log import get_logger
from bridge.redact import Memory, Redactor
from bridge.sources.port import Batch, Gap
from bridge.wire import times
from bridge.wire.cloudevents import Encoder
from bridge.wire.jsontext import JsonError, dumps, loads
from bridge.wire.ndjson import fit

log = get_logger()

# Bytes of records redacted and encoded before the loop gets its turn: some 10 ms of work.
TURN_BYTES = 256 * 1024
# Characters and values of an event above which it is redacted in a thread: it may take a second,
# and the interpreter gives the loop its turn every 5 ms.
ASIDE_FROM = 64 * 1024
ROW_BYTES_MAX = 64 * 1024  # of upstream's object about a feed; a run's is 1 KB
UNREADABLE = "unreadable"  # reason of the gap in the place of an event that cannot be a record
_SEQUENCE_DIGITS = 20  # outside.md 2


class Writing:
    """Builds drafts in the order of their records; `state` is the one behind the last of them."""

    def __init__(
        self,
        state: FeedState,
        kind: Kind,
        encoder: Encoder,
        redactor: Redactor,
        now_s: float,
        memory: Memory,
        record_bytes_max: int = RECORD_BYTES_MAX,
    ) -> None:
        """`record_bytes_max`: the journal's; a longer record is cut."""
        self.drafts: list[Draft] = []
        self.state = state
        self.taken: list[Event] = []  # the events that are among the drafts
        self.told: Mapping[str, Any] = {}  # what the kind says of a feed that ended with this batch
        self.left_out: list[str] = []  # ids of events that cannot be records
        self.gaps: list[str] = []  # the reasons of those that are among the drafts
        self._feed = state.feed
        self._kind = kind
        self._encoder = encoder
        self._redactor = redactor
        self._memory = memory
        self._recorded = times.rfc3339(now_s)
        self._record_bytes_max = record_bytes_max
        self._room = record_bytes_max - _SEQUENCE_DIGITS

    async def write(
        self, batch: Batch, fresh: Sequence[Event], row: Mapping[str, Any] | None
    ) -> None:
        """All of a batch: gaps, its fresh events, status, end. `row` None: it is as it was."""
        before = self.state
        for gap in batch.gaps:
            self._gap(gap)
        status = before.status if batch.status is None else self._redactor.text(batch.status)
        await self._events(fresh, status)
        if row is not None:
            self.state = replace(self.state, row=_row_bytes(self._redactor.event(row)))
        if status != before.status:
            state = batch.state or before.state
            self.state = replace(self.state, status=status, state=state)
            if not state.is_over:
                self.state = replace(self.state, ended=False)  # upstream has taken it up again
            shown = self._redactor.event(batch.row) if batch.row is not None else None
            self._mark(marks.status(self._kind, before, self.state, shown))
        if batch.ended and not self.state.ended:
            self.state = replace(self.state, ended=True, failed=None)
            self.told = self._kind.tell(row_of(self.state), notes_of(self.state))
            self._mark(marks.ended(self._kind, self.state, self.told))
        if batch.failure is not None:
            self.state = replace(self.state, failed=batch.failure.code)
            message = self._redactor.text(batch.failure.message)
            self._mark(marks.failed(self._kind, self.state, batch.failure, message))
        if batch.cursor is not None:
            self.state = replace(self.state, cursor=batch.cursor)

    async def _events(self, events: Sequence[Event], status: str | None) -> None:
        """`runstatus` of an event is the status of the reply that brought it.

        A page may hold 64 MiB (`sources.http`): others get their turn in between.
        """
        written = 0
        redact, encode, recorded = self._redactor.event, self._encoder.encode, self._recorded
        said: list[Mapping[str, Any]] = []  # the data of the events, redacted
        newest_s = self.state.last_event_at_s or 0.0
        for event in events:
            id_, type_, time, at_s, raw, json = event  # in one step: this runs for every event
            try:
                if json is None and _is_large(raw):
                    data = await self._redacted_aside(event)
                else:
                    data = redact(raw, self._memory)
                head, tail = encode(
                    id_,
                    type_,
                    time=time or recorded,
                    recorded=recorded,
                    status=status,
                    # Written once, where redaction has changed nothing.
                    data=json if json is not None and data is raw else data,
                )
                size = len(head) + len(tail)
                if size > self._room:
                    head, tail = _shortened(head, tail, self._record_bytes_max)
            except (JsonError, RecursionError, ValueError) as error:
                self._leave_out(event, error)
                continue
            said.append(data)
            self.taken.append(event)
            self.drafts.append(draft_of((self._feed, id_, type_, head, tail)))
            if at_s is not None and at_s > newest_s:
                newest_s = at_s
            written += size
            if written >= TURN_BYTES:
                written = 0
                await asyncio.sleep(0)
        if self._kind.note is not None and said:
            notes = self._kind.note(notes_of(self.state), said)
            self.state = replace(self.state, notes=dumps(notes))
        self.state = replace(
            self.state,
            events=self.state.events + len(self.taken),
            last_event_at_s=newest_s or None,
        )

    async def _redacted_aside(self, event: Event) -> Mapping[str, Any]:
        """In a thread: the loop goes on."""
        aside = self._redactor.aside()
        data = await asyncio.to_thread(aside.event, event.data, self._memory)
        self._redactor.add_counts(aside.take_counts())
        return data

    def _leave_out(self, event: Event, error: Exception) -> None:
        """One event that cannot be a record must not stop the others: it is told as missing.

        The gap has the event's own id, so it is told once, over restarts too.
        """
        log.warning("intake.event_left_out", feed=self._feed.source, reason=type(error).__name__)
        self.left_out.append(event.id)
        after = self.taken[-1].id if self.taken else None
        self._gap(Gap(UNREADABLE, after, None, 1), event.id)

    def _gap(self, gap: Gap, id_: str | None = None) -> None:
        self.state = replace(self.state, gaps=self.state.gaps + 1)
        reason = str(gap.reason)
        self.gaps.append(reason)
        mark = marks.gap(self._kind, self.state, reason, gap.after, gap.before, gap.missing)
        self._mark(mark, id_)

    def _mark(self, mark: marks.Mark, id_: str | None = None) -> None:
        """A record of our own; its id is numbered by the state it is committed with."""
        if id_ is None:
            self.state = replace(self.state, marks=self.state.marks + 1)
            id_ = f"{self._feed.id}.{self.state.marks}"
        head, tail = self._encoder.encode(
            id_,
            mark.type,
            time=self._recorded,
            recorded=self._recorded,
            status=self.state.status,
            data=mark.data,
        )
        if len(head) + len(tail) > self._room:
            head, tail = _shortened(head, tail, self._record_bytes_max)
        self.drafts.append(Draft(self._feed, id_, mark.type, head, tail))


def _is_large(data: Mapping[str, Any]) -> bool:
    """Has it more than `ASIDE_FROM` characters and values? Looks no further than to know that.

    Level by level, with an inner loop over members only: this is asked of every event.
    """
    left = ASIDE_FROM
    level: list[Any] = [data]
    while level:
        below: list[Any] = []
        for item in level:
            left -= len(item)
            if left < 0:
                return True
            for each in item if type(item) is list else item.values():
                kind = type(each)
                if kind is str:
                    left -= len(each)
                elif kind is dict or kind is list:
                    below.append(each)
            if left < 0:
                return True
        level = below
    return False


def _shortened(head: bytes, tail: bytes, bytes_max: int) -> tuple[bytes, bytes]:
    """Cut the longest strings of a record that the journal would refuse, with a mark in it."""
    gap = b"0" * _SEQUENCE_DIGITS
    line = fit(head + gap + tail, bytes_max).removesuffix(b"\n")
    at = line.index(b'"sequence":"' + gap) + len(b'"sequence":"')
    return line[:at], line[at + len(gap) :]


def row_of(state: FeedState) -> Mapping[str, Any]:
    """Upstream's object about a feed as it is kept; empty when there is none."""
    if not state.row:
        return {}
    row = loads(state.row)
    return row if isinstance(row, dict) else {}


def notes_of(state: FeedState) -> Mapping[str, Any]:
    """What a feed's kind keeps of its events; empty when there is nothing."""
    if not state.notes:
        return {}
    notes = loads(state.notes)
    return notes if isinstance(notes, dict) else {}


def _row_bytes(row: Mapping[str, Any]) -> bytes:
    """A row as it is kept; one far above any seen is cut, or left out when that does not help."""
    line = dumps(row)
    if len(line) > ROW_BYTES_MAX:
        line = fit(line, ROW_BYTES_MAX).removesuffix(b"\n")
    return line if len(line) <= ROW_BYTES_MAX else b""
