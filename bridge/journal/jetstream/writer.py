"""Appends batches, one after the other under each fence, all or nothing.

Appends that wait for their turn go together: a batch costs a single node of the engine some
milliseconds whatever its size, as it stages the batch in files of its own (with several copies, in
memory).

After a lost answer the batch may be stored or not. The last message of each batch is the cursor of
its fence, with the batch's name, so a read of the cursor shows the result.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bridge.core.errors import JournalError, JournalFullError, JournalUnavailableError
from bridge.core.event import Draft
from bridge.core.state import FeedState, Wish
from bridge.journal.jetstream.engine import BATCH_MESSAGES_MAX, Engine, EngineError, batch_name
from bridge.journal.jetstream.ids import Ids
from bridge.journal.jetstream.messages import (
    ROLLUP,
    Outgoing,
    Subjects,
    checkpoint_payload,
    feed_payload,
    name_token,
    record_payload,
    state_payload,
    token_of,
    wish_payload,
)
from bridge.journal.jetstream.tables import Tables
from bridge.journal.port import FencedError

# Per batch, so that each may need a message for its feed too.
DRAFTS_MAX = 400
THINGS_MAX = 450  # drafts, states, wishes and checkpoints
MERGED_BYTES_MAX = 1024 * 1024  # of the records of appends that go together: a fair wait for each
_FULL = frozenset({10047, 10077, 10023, 10028})  # no room in the stream, the account or on the disk


@dataclass(slots=True)
class Append:
    """An append whose caller waits."""

    drafts: Sequence[Draft]
    states: Sequence[FeedState]
    wishes: Sequence[Wish]
    checkpoints: Sequence[tuple[str, bytes]]


class _Entry(NamedTuple):
    """A draft of a waiting append."""

    draft: Draft
    message: Outgoing
    result: list[int | None]  # of its append
    place: int  # there


@dataclass(slots=True)
class _Batch:
    """A batch on its way: its messages, and which of them are records."""

    messages: list[Outgoing] = field(default_factory=list)  # without the cursor
    records: list[tuple[int, _Entry]] = field(default_factory=list)  # with their places there


class _Waiting:
    """An append that waits for its turn, and what became of it."""

    def __init__(self, append: Append, subjects: Subjects) -> None:
        self.append = append
        self.result: list[int | None] = [None] * len(append.drafts)
        self.stored = 0  # last sequence of its batch
        self.is_done = False
        self.error: Exception | None = None
        # Encoded while the engine still works on the batch before.
        self.entries = [
            _Entry(draft, _message(draft, subjects), self.result, index)
            for index, draft in enumerate(append.drafts)
        ]
        self.bytes = sum([len(entry.message.payload) for entry in self.entries])
        self.things = (
            len(append.drafts) + len(append.states) + len(append.wishes) + len(append.checkpoints)
        )


def _message(draft: Draft, subjects: Subjects) -> Outgoing:
    return Outgoing(subjects.of("ev", token_of(draft.feed.source)), record_payload(draft))


class Lane:
    """The appends under one fence, in order. Belongs to the event loop."""

    def __init__(
        self,
        engine: Engine,
        subjects: Subjects,
        tables: Tables,
        ids: Ids,
        *,
        cursor: str,
        fence_seq: int,
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Create the lane of one fence.

        `cursor` is its subject, `fence_seq` the sequence of the message there. The lane calls
        `lost` when another process stored there; None where no other process may.
        """
        self._engine = engine
        self._subjects = subjects
        self._tables = tables
        self._ids = ids
        self._cursor = cursor
        self._fence_seq = fence_seq
        self._lost = lost
        self._is_lost = False
        self._turn = asyncio.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._doubtful: dict[str, _Batch] = {}  # sent, without an answer

    async def append(self, append: Append) -> tuple[Sequence[int | None], int]:
        """Store an append.

        Returns:
            The sequences, and the last one that this lane has stored: the tail may still have to
            bring drafts that were stored before.

        Raises:
            FencedError: Another process holds the fence now.
            JournalFullError: There is no space; nothing is stored.
            JournalUnavailableError: No answer came; all is stored, or nothing.
        """
        given: list[int | None] = []
        drafts = append.drafts
        # more than a batch holds: states go with the last batch, as they follow from all drafts
        while len(drafts) > DRAFTS_MAX:
            given += (await self._in_turn(Append(drafts[:DRAFTS_MAX], (), (), ()))).result
            drafts = drafts[DRAFTS_MAX:]
        last = await self._in_turn(replace(append, drafts=drafts))
        return given + last.result, last.stored

    async def _in_turn(self, append: Append) -> _Waiting:
        mine = _Waiting(append, self._subjects)
        self._waiting.append(mine)
        try:
            async with self._turn:
                if not mine.is_done:  # else another's batch took it along
                    await self._store_waiting()
        finally:
            if not mine.is_done:  # cancelled before its turn
                self._waiting.remove(mine)
        if mine.error is not None:
            raise mine.error
        return mine

    async def _store_waiting(self) -> None:
        """Store the append that waits longest, and those behind it that fit into its batch."""
        group = self._next_group()
        await self._settle(group)
        if len(group) > 1 and isinstance(group[0].error, JournalUnavailableError):
            # The engine may refuse one of them for ever: that must not stop the others.
            for each in group:
                if self._engine.is_connected:
                    await self._settle([each])

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        error: Exception | None = self._engine.unavailable("the journal is closing")
        try:
            await self._store_group(group)
            error = None
        except Exception as raised:  # noqa: BLE001 - each caller of the group gets it
            error = raised
        finally:
            for each in group:
                each.error, each.is_done = error, True

    def _next_group(self) -> list[_Waiting]:
        group = [self._waiting.popleft()]
        things, size = group[0].things, group[0].bytes
        while self._waiting:
            things += self._waiting[0].things
            size += self._waiting[0].bytes
            if things > THINGS_MAX or size > MERGED_BYTES_MAX:
                break
            group.append(self._waiting.popleft())
        return group

    async def _store_group(self, group: Sequence[_Waiting]) -> None:
        if self._doubtful:
            await self._resolve()
        entries = [entry for each in group for entry in each.entries]
        await self._ids.load({entry.draft.feed.source: entry.draft.feed for entry in entries})
        batch, stored = self._batch(entries), 0
        small_things = _small_things_of([each.append for each in group])
        for more in _in_parts(small_things, THINGS_MAX - len(batch.messages) // 2):
            self._add_small_things(batch, more)
            stored = await self._store(batch) or stored
            batch = _Batch()
        for each in group:
            each.stored = stored or self._fence_seq

    def _batch(self, entries: Sequence[_Entry]) -> _Batch:
        batch = _Batch()
        new: set[tuple[str, str]] = set()
        announced: set[str] = set()
        for entry in entries:
            draft = entry.draft
            key = (draft.feed.source, draft.id)
            if key in new or self._ids.has(draft.feed, draft.id):
                continue
            new.add(key)
            if draft.feed.source not in announced:
                announced.add(draft.feed.source)
                if not self._tables.knows(draft.feed):
                    self._announce(batch, draft)
            batch.records.append((len(batch.messages), entry))
            batch.messages.append(entry.message)
        return batch

    def _announce(self, batch: _Batch, of: Draft | FeedState | Wish) -> None:
        subject = self._subjects.of("feed", token_of(of.feed.source))
        batch.messages.append(Outgoing(subject, feed_payload(of.feed), ROLLUP))

    def _add_small_things(self, batch: _Batch, append: Append) -> None:
        announced = {m.subject for m in batch.messages}
        for things, kind in ((append.states, "st"), (append.wishes, "wi")):
            for thing in {thing.feed.source: thing for thing in things}.values():
                token = token_of(thing.feed.source)
                named = self._subjects.of("feed", token)
                if not self._tables.knows(thing.feed) and named not in announced:
                    announced.add(named)
                    self._announce(batch, thing)
                payload = (
                    state_payload(thing, self._tables.place_of_state(thing.feed))
                    if isinstance(thing, FeedState)
                    else wish_payload(thing, self._tables.place_of_wish(thing.feed))
                )
                batch.messages.append(Outgoing(self._subjects.of(kind, token), payload, ROLLUP))
        for name, value in dict(append.checkpoints).items():
            subject = self._subjects.of("cp", name_token(name))
            batch.messages.append(Outgoing(subject, checkpoint_payload(name, value), ROLLUP))

    async def _store(self, batch: _Batch) -> int:
        """Store a batch, note its sequences, return its last one; 0 without any message."""
        if not batch.messages:
            return 0
        if self._is_lost:
            raise self._fenced()
        if len(batch.messages) >= BATCH_MESSAGES_MAX:
            raise JournalError("an append of so many feeds at once does not fit into one batch")
        name = batch_name()
        headers = {**ROLLUP, "Nats-Expected-Last-Subject-Sequence": str(self._fence_seq)}
        cursor = Outgoing(self._cursor, name.encode(), headers)
        try:
            last = await self._engine.store_all([*batch.messages, cursor], name)
        except EngineError as error:
            if error.is_wrong_sequence:
                await self._resolve()
                if self._is_lost:
                    raise self._fenced() from None
                raise JournalUnavailableError(
                    "a batch that was not answered is stored after all; ask again"
                ) from None
            # a leader that steps down may refuse a batch that is stored
            self._doubtful[name] = batch
            raise self._refused(error) from None
        except JournalUnavailableError:
            self._doubtful[name] = batch
            raise
        self._doubtful.clear()  # a batch under an older fence cannot be stored any more
        self._took(batch, last)
        return last

    def _took(self, batch: _Batch, last: int) -> None:
        """Note a stored batch, whose cursor is at `last`, and the sequences of its records."""
        self._fence_seq = last
        first = last - len(batch.messages)
        for place, (draft, _, result, index) in batch.records:
            self._ids.add(draft.feed, draft.id)
            result[index] = first + place

    async def _resolve(self) -> None:
        """Find out whether the batches without an answer were stored."""
        found = await self._engine.last_of(self._cursor)
        seq, name = (0, "") if found is None else (found.seq, found.payload.decode())
        if name in self._doubtful:
            self._took(self._doubtful[name], seq)
            self._doubtful.clear()
        elif seq != self._fence_seq and self._lost is not None:
            self._is_lost = True
            self._lost()
        else:  # no other process stores here, but an engine may have lost messages
            self._fence_seq = seq

    def _fenced(self) -> FencedError:
        return FencedError(f'lease "{self._cursor}": another holds it by now; nothing was stored')

    def _refused(self, error: EngineError) -> JournalError:
        if error.err_code in _FULL or "resource" in str(error) or "maximum" in str(error):
            return JournalFullError(
                f"journal {self._engine.address}: NATS has no space: {error}; nothing was"
                " stored. Free some space or lower [retention]; the bridge recovers automatically"
            )
        return JournalUnavailableError(
            f"journal {self._engine.address}: refused: {error}; nothing was stored"
        )


def _small_things_of(appends: Sequence[Append]) -> Append:
    return Append(
        (),
        [state for append in appends for state in append.states],
        [wish for append in appends for wish in append.wishes],
        [pair for append in appends for pair in append.checkpoints],
    )


def _in_parts(append: Append, first_max: int) -> Iterator[Append]:
    """Split states, wishes and checkpoints into parts that fit in one batch.

    The first part goes with the drafts.
    """
    room = first_max
    states, wishes, checkpoints = append.states, append.wishes, append.checkpoints
    while True:
        now, left = states[:room], room - len(states[:room])
        too, rest = wishes[:left], left - len(wishes[:left])
        yield Append((), now, too, checkpoints[:rest])
        states, wishes, checkpoints = states[len(now) :], wishes[len(too) :], checkpoints[rest:]
        if not (states or wishes or checkpoints):
            return
        room = THINGS_MAX
