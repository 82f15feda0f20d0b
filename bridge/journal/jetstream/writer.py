"""Appends batches, one after the other under each fence, all or nothing.

After a lost answer the batch may be stored or not. The last message of each batch is the cursor of
its fence, with the batch's name, so a read of the cursor shows the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

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

# Drafts per batch; its states, wishes, checkpoints and feeds need room too.
DRAFTS_MAX = 400  # each may need a message for its feed too
SMALL_THINGS_MAX = 450
_FULL = frozenset({10047, 10077, 10023, 10028})  # no room in the stream, the account or on the disk


@dataclass(slots=True)
class Append:
    """An append whose caller waits."""

    drafts: Sequence[Draft]
    states: Sequence[FeedState]
    wishes: Sequence[Wish]
    checkpoints: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class _Batch:
    """A batch on its way: its messages, and which of them are records."""

    messages: list[Outgoing] = field(default_factory=list)
    # Place among the messages, index among the drafts of the append, and the draft.
    records: list[tuple[int, int, Draft]] = field(default_factory=list)


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
        async with self._turn:
            if self._doubtful:
                await self._resolve()
            await self._ids.load({draft.feed.source: draft.feed for draft in append.drafts})
            result: list[int | None] = [None] * len(append.drafts)
            indexed = list(enumerate(append.drafts))
            stored = 0
            # more than a batch holds: states go with the last batch, as they follow from all drafts
            while len(indexed) > DRAFTS_MAX:
                stored = await self._store(self._batch(indexed[:DRAFTS_MAX]), result) or stored
                indexed = indexed[DRAFTS_MAX:]
            batch = self._batch(indexed)
            for more in _in_parts(append, SMALL_THINGS_MAX - len(batch.messages) // 2):
                self._add_small_things(batch, more)
                stored = await self._store(batch, result) or stored
                batch = _Batch()
            return result, stored or self._fence_seq

    def _batch(self, drafts: Sequence[tuple[int, Draft]]) -> _Batch:
        batch = _Batch()
        new: set[tuple[str, str]] = set()
        announced: set[str] = set()
        for index, draft in drafts:
            key = (draft.feed.source, draft.id)
            if key in new or self._ids.has(draft.feed, draft.id):
                continue
            new.add(key)
            if not self._tables.knows(draft.feed) and draft.feed.source not in announced:
                announced.add(draft.feed.source)
                self._announce(batch, draft)
            subject = self._subjects.of("ev", token_of(draft.feed.source))
            batch.records.append((len(batch.messages), index, draft))
            batch.messages.append(Outgoing(subject, record_payload(draft)))
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

    async def _store(self, batch: _Batch, result: list[int | None]) -> int:
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
        for index, seq in self._took(batch, last):
            result[index] = seq
        return last

    def _took(self, batch: _Batch, last: int) -> list[tuple[int, int]]:
        """Note a stored batch, whose cursor is at `last`; return its (index, sequence) pairs."""
        self._fence_seq = last
        first = last - len(batch.messages)
        for _, _, draft in batch.records:
            self._ids.add(draft.feed, draft.id)
        return [(index, first + place) for place, index, _ in batch.records]

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
        room = SMALL_THINGS_MAX
