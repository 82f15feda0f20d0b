"""The one thread that writes; it commits all waiting appends together."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from bridge.clock import Clock
from bridge.core.errors import JournalCorruptError, JournalError, JournalFullError
from bridge.core.event import Draft, Feed, Record, record_of
from bridge.core.state import FeedState, Wish
from bridge.journal.port import RecordTooLargeError
from bridge.journal.sqlite.faults import corrupt, extended_code, to_journal_error
from bridge.journal.sqlite.formats import TYPES_MAX
from bridge.journal.sqlite.place import Place
from bridge.journal.sqlite.states import ids_among, put_checkpoints, put_state, put_wish

T = TypeVar("T")

# Drafts per transaction: at 500 a commit costs each record less than its own insert, and 2,000 take
# some 15 ms, which a small append may have to wait. A larger append stays in one transaction.
GROUP_DRAFTS_MAX = 2000
# Rows per INSERT: a fifth less CPU than one by one. Each statement releases the interpreter lock,
# which changes hands eight times instead of 500 (decision 0003).
ROWS_PER_INSERT = (256, 64, 16, 4, 1)
# Distance of the notes from which retention learns the age of records, seconds.
MOMENT_S = 10

_VALUES = 5  # seq, feed, type, id, body
# A conflict undoes the transaction. Repeats are rare (intake knows the recent ids), so this is the
# cheapest way to notice one: no single statement needs an undo log.
_INSERT_HEAD = "INSERT OR ROLLBACK INTO record(seq, feed, type, id, body) VALUES "
_INSERT = {rows: _INSERT_HEAD + ",".join(["(?,?,?,?,?)"] * rows) for rows in ROWS_PER_INSERT}
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


@dataclass(slots=True)
class _Append:
    drafts: Sequence[Draft]
    states: Sequence[FeedState]
    wishes: Sequence[Wish]
    checkpoints: Sequence[tuple[str, bytes]]
    done: asyncio.Future[Sequence[int | None]]


@dataclass(slots=True)
class _Call(Generic[T]):
    work: Callable[[sqlite3.Connection], T]
    done: asyncio.Future[T]


class _Stop:
    """The last request."""


@dataclass(slots=True)
class Outcome:
    """The result of one request; handed to the event loop."""

    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """Resolve the future with the result or the error; a cancelled caller gets neither."""
        if self.done.done():
            return  # the caller was cancelled
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.result)


# Called on the event loop: (outcomes, records added, head).
Publish = Callable[[Sequence[Outcome], Sequence[Record], int], None]


class Writer:
    """Owns the writing connection. `submit` and `call` belong to the event loop's thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        *,
        head: int,
        publish: Publish,
        clock: Clock,
        record_bytes_max: int,
        place: Place,
    ) -> None:
        """Create the writer.

        It checks `place` before each commit: nothing may be stored where nobody finds it.
        """
        self._place = place
        self._db = connection
        self._path = path
        self._head = head
        self._publish = publish
        self._clock = clock
        self._record_bytes_max = record_bytes_max
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[_Append | _Call[Any] | _Stop] = queue.SimpleQueue()
        self._feeds: dict[str, int] = dict(connection.execute("SELECT source, feed FROM feed"))
        # Feeds with ids that outlived their records.
        self._known = {row[0] for row in connection.execute("SELECT DISTINCT feed FROM known")}
        self._types: dict[str, int] = dict(connection.execute("SELECT name, type FROM type"))
        newest = connection.execute("SELECT at_s FROM moment ORDER BY seq DESC LIMIT 1").fetchone()
        self._moment_s: int | None = None if newest is None else int(newest[0])
        # undoes the changes of a failed transaction in this object
        self._undo: list[Callable[[], object]] = []
        self._broken: JournalCorruptError | None = None
        # A daemon thread: it must not keep a process alive that ends without closing.
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        drafts: Sequence[Draft],
        states: Sequence[FeedState],
        wishes: Sequence[Wish],
        checkpoints: Sequence[tuple[str, bytes]],
    ) -> asyncio.Future[Sequence[int | None]]:
        """Queue an append; the writer commits all that wait together.

        Returns:
            A future with the sequence of each draft, None for one that the journal had already. It
            fails
            with the errors of `Journal.append`.
        """
        done: asyncio.Future[Sequence[int | None]] = self._loop.create_future()
        self._requests.put(_Append(drafts, states, wishes, checkpoints, done))
        return done

    def call(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Run `work` on the connection between two commits; it leaves no transaction open."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._requests.put(_Call(work, done))
        return done

    def note_known(self, feeds: Sequence[int]) -> None:
        """Note feeds whose ids outlived their records. Call it only from within `call`."""
        self._known.update(feeds)

    def forget_feeds(self, sources: Sequence[str]) -> None:
        """Note feeds that were deleted from the file. Call it only from within `call`."""
        for source in sources:
            self._known.discard(self._feeds.pop(source, 0))

    def stop(self) -> None:
        """Finish earlier requests, then end the thread."""
        self._requests.put(_Stop())
        self._thread.join()

    def _run(self) -> None:
        while True:
            request: _Append | _Call[Any] | _Stop | None = self._requests.get()
            if isinstance(request, _Append):
                group, request = self._gather(request)
                self._commit_group(group)
            if isinstance(request, _Call):
                self._tell([self._run_call(request)], (), self._head)
            elif isinstance(request, _Stop):
                return

    def _gather(self, first: _Append) -> tuple[list[_Append], _Call[Any] | _Stop | None]:
        """Return all waiting appends, and the other request that ended the gathering, if any."""
        group, count = [first], len(first.drafts)
        while count < GROUP_DRAFTS_MAX:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                break
            if not isinstance(request, _Append):
                return group, request
            group.append(request)
            count += len(request.drafts)
        return group, None

    def _commit_group(self, group: list[_Append]) -> None:
        # Reading a future's state here is safe; J6 absorbs a later cancellation.
        group = [request for request in group if not request.done.cancelled()]
        if not group:
            return
        try:
            results, records = self._store(group)
        except JournalError as error:
            if isinstance(error, RecordTooLargeError) and len(group) > 1:
                self._commit_singly(group)
                return
            if isinstance(error, JournalCorruptError):
                self._broken = error
            self._tell([Outcome(request.done, error=error) for request in group], (), self._head)
        except Exception as error:  # noqa: BLE001 - a value SQLite cannot hold; the thread must live on
            if len(group) > 1:
                self._commit_singly(group)
            else:
                self._tell([Outcome(group[0].done, error=error)], (), self._head)
        else:
            outcomes = [
                Outcome(request.done, result)
                for request, result in zip(group, results, strict=True)
            ]
            self._tell(outcomes, records, self._head)

    def _commit_singly(self, group: list[_Append]) -> None:
        """Commit one by one after a refusal, so that only the bad append fails."""
        for request in group:
            self._commit_group([request])

    def _store(self, group: Sequence[_Append]) -> tuple[list[Sequence[int | None]], list[Record]]:
        """Store in one transaction; in a second one if the first met records that exist already."""
        if self._broken is not None:
            raise self._broken
        try:
            try:
                known = self._ids_in("known", group) if self._known else set()
                return self._transaction(group, known or None)
            except sqlite3.IntegrityError as error:
                self._roll_back()
                if extended_code(error) not in _TAKEN:
                    raise  # no table accepts the value: the caller's error
            return self._transaction(
                group, self._ids_in("record", group) | self._ids_in("known", group)
            )
        except sqlite3.IntegrityError as error:
            self._roll_back()
            if extended_code(error) not in _TAKEN:
                raise
            raise corrupt(self._path, f"table and index disagree: {error}") from error
        except sqlite3.Error as error:
            self._roll_back()
            failure = to_journal_error(error, self._path)
            if isinstance(failure, JournalFullError):
                self._fold_wal()
            raise failure from error
        except BaseException:
            self._roll_back()
            raise

    def _transaction(
        self, group: Sequence[_Append], there: set[tuple[str, str]] | None
    ) -> tuple[list[Sequence[int | None]], list[Record]]:
        """Store all of `group` but the drafts in `there`; adds stored drafts to it."""
        execute = self._db.execute
        if self._db.in_transaction:
            execute("ROLLBACK")
        self._place.check(self._head)
        execute("BEGIN IMMEDIATE")
        records: list[Record] = []
        values: list[Any] = []
        results: list[Sequence[int | None]] = []
        for request in group:
            first = self._head + len(records) + 1
            if there is None:
                self._lay_out(request.drafts, records, values)
                results.append(list(range(first, self._head + len(records) + 1)))
            else:
                results.append(self._lay_out_new(request.drafts, records, values, there))
        self._insert(values)
        if records:
            self._note_moment(records[0].seq)
        for request in group:
            for state in request.states:
                put_state(self._db, self._feed_number(state.feed), state)
            for wish in request.wishes:
                put_wish(self._db, self._feed_number(wish.feed), wish)
            put_checkpoints(self._db, request.checkpoints)
        execute("COMMIT")
        self._undo.clear()
        self._head += len(records)
        return results, records

    def _lay_out(self, drafts: Sequence[Draft], records: list[Record], values: list[Any]) -> None:
        """Assign sequences, build the final bytes, and lay out the values of the rows."""
        seq = self._head + len(records)
        feed_before: Feed | None = None
        feed_number = 0
        types, bytes_max = self._types, self._record_bytes_max
        for feed, id_, type_, head, tail in drafts:
            if feed is not feed_before:
                feed_before, feed_number = feed, self._feed_number(feed)
            type_value = types.get(type_) or self._type_value(type_)
            seq += 1
            body = head + str(seq).zfill(20).encode() + tail
            if len(body) > bytes_max:
                raise RecordTooLargeError(
                    f"a record of {feed.source} has {len(body)} bytes;"
                    f" the journal takes {bytes_max}"
                )
            values += (seq, feed_number, type_value, id_, body)
            records.append(record_of((seq, feed, id_, type_, body)))

    def _lay_out_new(
        self,
        drafts: Sequence[Draft],
        records: list[Record],
        values: list[Any],
        there: set[tuple[str, str]],
    ) -> list[int | None]:
        result: list[int | None] = []
        for draft in drafts:
            key = (draft.feed.source, draft.id)
            if key in there:
                result.append(None)
                continue
            there.add(key)
            self._lay_out((draft,), records, values)
            result.append(records[-1].seq)
        return result

    def _insert(self, values: list[Any]) -> None:
        start, left = 0, len(values) // _VALUES
        for rows in ROWS_PER_INSERT:
            while left >= rows:
                end = start + rows * _VALUES
                self._db.execute(_INSERT[rows], values[start:end])
                start, left = end, left - rows

    def _ids_in(
        self, table: Literal["record", "known"], group: Sequence[_Append]
    ) -> set[tuple[str, str]]:
        """Return the (source, id) of the drafts that exist already."""
        asked: dict[str, list[str]] = {}
        for request in group:
            for draft in request.drafts:
                asked.setdefault(draft.feed.source, []).append(draft.id)
        there: set[tuple[str, str]] = set()
        for source, ids in asked.items():
            number = self._feeds.get(source)
            if number is None or (table == "known" and number not in self._known):
                continue
            there.update((source, id_) for id_ in ids_among(self._db, table, number, ids))
        return there

    def _feed_number(self, feed: Feed) -> int:
        number = self._feeds.get(feed.source)
        if number is None:
            number = self._db.execute(
                "INSERT INTO feed(system, account, kind, id, source) VALUES (?, ?, ?, ?, ?)",
                (feed.system, feed.account, feed.kind, feed.id, feed.source),
            ).lastrowid
            assert number is not None
            self._feeds[feed.source] = number
            self._undo.append(lambda: self._feeds.pop(feed.source, None))
        return number

    def _type_value(self, name: str) -> int | str:
        if len(self._types) >= TYPES_MAX:
            return name
        number = self._db.execute("INSERT INTO type(name) VALUES (?)", (name,)).lastrowid
        assert number is not None
        self._types[name] = number
        self._undo.append(lambda: self._types.pop(name, None))
        return number

    def _note_moment(self, seq: int) -> None:
        now_s, before = int(self._clock.wall()), self._moment_s
        if before is not None and before <= now_s < before + MOMENT_S:
            return
        self._db.execute("INSERT INTO moment(seq, at_s) VALUES (?, ?)", (seq, now_s))
        self._moment_s = now_s

        def take_back() -> None:
            self._moment_s = before

        self._undo.append(take_back)

    def _roll_back(self) -> None:
        for take_back in reversed(self._undo):
            take_back()
        self._undo.clear()
        # Some errors have undone the transaction already.
        if self._db.in_transaction:
            with suppress(sqlite3.Error):  # the next transaction tries again, and reports the error
                self._db.execute("ROLLBACK")

    def _fold_wal(self) -> None:
        """Try to merge a WAL that cannot grow: the file itself may have free pages."""
        with suppress(sqlite3.Error):  # still full: the caller gets the refusal anyway
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _run_call(self, request: _Call[Any]) -> Outcome:
        if request.done.cancelled():
            return Outcome(request.done)
        try:
            return Outcome(request.done, request.work(self._db))
        except sqlite3.Error as error:
            self._roll_back()
            failure = to_journal_error(error, self._path)
            return Outcome(request.done, error=failure)
        except Exception as error:  # noqa: BLE001 - handed to the caller; the thread must live on
            return Outcome(request.done, error=error)

    def _tell(self, outcomes: Sequence[Outcome], records: Sequence[Record], head: int) -> None:
        self._place.left()
        with suppress(RuntimeError):  # the loop is closed: nobody waits for the result
            self._loop.call_soon_threadsafe(self._publish, outcomes, records, head)
