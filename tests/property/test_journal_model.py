"""Both journals against a model of lists and dicts, with restarts and commits that fail.

The model shares nothing with the journals: it keeps drafts in a list and looks them up by walking.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.core.errors import JournalFullError
from bridge.core.event import Draft, Feed, Record
from bridge.core.filter import Filter
from bridge.core.state import By, FeedState, Wish
from bridge.journal.memory import MemoryJournal
from bridge.journal.sqlite.journal import SqliteJournal
from tests.journal_records import StillClock, draft, feed, holed

T = TypeVar("T")

RUNS = ("a", "b", "c")
TYPES = ("t.one", "t.two", "bridge.gap")

some_drafts = st.lists(
    st.builds(
        draft,
        st.sampled_from(RUNS),
        st.integers(0, 30).map(str),  # few ids, so that repeats are common
        st.sampled_from(TYPES),
        st.sampled_from((0, 3000)),
    ),
    max_size=12,
)
some_states = st.lists(
    st.builds(
        FeedState,
        st.sampled_from(RUNS).map(feed),
        status=st.sampled_from((None, "streaming", "success")),
        ended=st.booleans(),
        events=st.integers(0, 2**40),
        cursor=st.text(max_size=5).filter(lambda s: s.isprintable()),
    ),
    max_size=3,
)
some_wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(RUNS).map(feed),
        followed=st.booleans(),
        by=st.sampled_from(By),
        asked=st.integers(1, 3),
    ),
    max_size=3,
)
some_checkpoints = st.lists(
    st.tuples(st.sampled_from(("x", "y")), st.binary(max_size=4)), max_size=2
)
some_filters = st.builds(
    Filter,
    st.frozensets(st.sampled_from((*RUNS, "none")), max_size=2),
    st.sampled_from(((), ("t.*",), ("!bridge.*",), ("none",))),
)


class FailingCommit:
    """The writing connection, but the next COMMIT fails."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            error = sqlite3.OperationalError("disk full, for the test")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return self._real.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Model:
    """What a journal has to hold, the slow way."""

    def __init__(self, sequences: Callable[[], Iterator[int]] = lambda: itertools.count(1)) -> None:
        self.at = [0, *itertools.islice(sequences(), 5000)]  # the sequence of the n-th record
        self.stored: list[Draft] = []  # the n-th record is at place n - 1
        self.gone = 0  # so many of the oldest were dropped
        self.outlived: list[Draft] = []  # dropped, of feeds that went on: their ids stay known
        self.states: list[FeedState] = []
        self.wishes: list[Wish] = []
        self.checkpoints: dict[str, bytes] = {}

    def append(
        self,
        drafts: Sequence[Draft],
        states: Sequence[FeedState],
        checkpoints: Sequence[tuple[str, bytes]],
    ) -> list[int | None]:
        result: list[int | None] = []
        for one in drafts:
            kept = [*self.outlived, *self.stored[self.gone :]]
            if any((k.feed.source, k.id) == (one.feed.source, one.id) for k in kept):
                result.append(None)
            else:
                self.stored.append(one)
                result.append(self.at[len(self.stored)])
        for state in states:
            if state.ended:  # nothing is taken of it any more
                self.outlived = [d for d in self.outlived if d.feed != state.feed]
            at = [n for n, s in enumerate(self.states) if s.feed == state.feed]
            if at:
                self.states[at[0]] = state
            else:
                self.states.append(state)
        for name, value in checkpoints:
            self.checkpoints[name] = value
        return result

    def wish(self, wishes: Sequence[Wish]) -> None:
        for wish in wishes:
            at = [n for n, w in enumerate(self.wishes) if w.feed == wish.feed]
            if at:
                self.wishes[at[0]] = wish
            else:
                self.wishes.append(wish)

    def records(self, after: int, only: Filter) -> list[Record]:
        return [
            Record(self.at[n], d.feed, d.id, d.type, d.head + f"{self.at[n]:020}".encode() + d.tail)
            for n, d in enumerate(self.stored, 1)
            if n > self.gone
            and self.at[n] > after
            and (not only.ids or d.feed.id in only.ids)
            and only.matches_type(d.type)
        ]

    def ids(self, of: Feed, limit: int) -> list[str]:
        kept = [*self.outlived, *self.stored[self.gone :]]
        return [d.id for d in kept if d.feed == of][-limit:]

    def drop(self, count: int) -> None:
        """The records up to the `count`-th go; ids of feeds that go on outlive them."""
        live = [s.feed for s in self.states if not s.ended]
        self.outlived += [d for d in self.stored[self.gone : count] if d.feed in live]
        self.gone = count


class MemoryMachine(RuleBasedStateMachine):
    """The rules that hold for every journal."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        self.heard: list[int] = []
        self.clock = StillClock()
        self.start()

    def start(self) -> None:
        self.journal: Any = MemoryJournal()
        self.journal.add_listener(self.heard.append)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.journal.close())
        self.loop.close()

    @rule(drafts=some_drafts, states=some_states, checkpoints=some_checkpoints)
    def append(
        self,
        drafts: list[Draft],
        states: list[FeedState],
        checkpoints: list[tuple[str, bytes]],
    ) -> None:
        got = self.run(self.journal.append(drafts, states=states, checkpoints=checkpoints))
        assert list(got) == self.model.append(drafts, states, checkpoints)

    @rule(wishes=some_wishes)
    def wish(self, wishes: list[Wish]) -> None:
        self.run(self.journal.append((), wishes=wishes))
        self.model.wish(wishes)

    @rule(groups=st.lists(some_drafts, min_size=2, max_size=4))
    def append_together(self, groups: list[list[Draft]]) -> None:
        async def together() -> list[Any]:
            return await asyncio.gather(*(self.journal.append(g) for g in groups))

        got = self.run(together())
        assert [list(g) for g in got] == [self.model.append(g, (), ()) for g in groups]

    @rule(after=st.integers(0, 80), limit=st.integers(1, 20), only=some_filters)
    def read(self, after: int, limit: int, only: Filter) -> None:
        page = self.run(self.journal.read(after, limit, only))
        wanted = self.model.records(after, only)
        found = list(page.records)
        assert found == wanted[: len(found)]
        assert len(found) <= limit
        missed = [r for r in wanted[len(found) :] if r.seq <= page.next_after]
        assert missed == [], "a page may end early, but not pass over a match"
        assert page.next_after > after or after >= self.journal.head

    @rule(count=st.integers(0, 20), only=some_filters)
    def read_last(self, count: int, only: Filter) -> None:
        got = list(self.run(self.journal.read_last(count, only)))
        wanted = self.model.records(0, only)
        assert got == wanted[len(wanted) - min(count, len(wanted)) :]

    @rule(run=st.sampled_from(RUNS), limit=st.integers(1, 10))
    def event_ids(self, run: str, limit: int) -> None:
        got = self.run(self.journal.event_ids(feed(run), limit))
        assert list(got) == self.model.ids(feed(run), limit)

    @invariant()
    def the_bounds_and_the_small_things_agree(self) -> None:
        assert self.journal.head == self.model.at[len(self.model.stored)]
        assert self.journal.floor == self.model.gone + 1
        assert list(self.run(self.journal.states())) == self.model.states
        assert list(self.run(self.journal.wishes())) == self.model.wishes
        for name in ("x", "y"):
            assert self.run(self.journal.checkpoint(name)) == self.model.checkpoints.get(name)
        assert self.heard == sorted(set(self.heard))
        assert not self.heard or self.heard[-1] <= self.journal.head


class HoledMachine(MemoryMachine):
    """And where sequences have holes."""

    def start(self) -> None:
        self.model = Model(holed)
        self.journal = MemoryJournal(sequences=holed())
        self.journal.add_listener(self.heard.append)


class SqliteMachine(MemoryMachine):
    """And those of the one that outlives its process."""

    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="journal-model-"))
        self.open_again(8 * 1024 * 1024)
        self.epoch = self.journal.epoch

    def open_again(self, recent_bytes: int) -> None:
        self.journal = self.run(
            SqliteJournal.open(
                self.directory / "journal.db",
                recent_bytes_max=recent_bytes,
                clock=self.clock,
                synchronous="full",
            )
        )
        self.journal.add_listener(self.heard.append)

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.directory)

    @rule(recent_bytes=st.sampled_from((1, 5000, 8 * 1024 * 1024)))
    def reopen(self, recent_bytes: int) -> None:
        self.run(self.journal.close())
        self.open_again(recent_bytes)
        assert self.journal.epoch == self.epoch

    @rule(recent_bytes=st.sampled_from((1, 8 * 1024 * 1024)))
    def carry_on_from_a_copy_made_without_a_close(self, recent_bytes: int) -> None:
        """As after a kill: file and WAL as they are, no word of goodbye."""
        other = Path(tempfile.mkdtemp(prefix="journal-model-"))
        for suffix in ("", "-wal"):
            if (source := self.directory / f"journal.db{suffix}").exists():
                shutil.copy(source, other / source.name)
        self.run(self.journal.close())
        shutil.rmtree(self.directory)
        self.directory = other
        self.open_again(recent_bytes)
        assert self.journal.epoch == self.epoch

    @rule(drafts=some_drafts.filter(bool), states=some_states)
    def append_to_a_full_disk(self, drafts: list[Draft], states: list[FeedState]) -> None:
        writer = self.journal._writer
        real, writer._db = writer._db, FailingCommit(writer._db)
        with pytest.raises(JournalFullError):
            self.run(self.journal.append(drafts, states=states, checkpoints=[("x", b"lost")]))
        writer._db = real

    @precondition(lambda self: self.model.stored)
    @rule(data=st.data())
    def drop_the_oldest(self, data: st.DataObject) -> None:
        """Whatever the size, at least one step of retention goes: here that is everything old."""
        self.clock.wall_s += 1000
        keep = data.draw(
            st.lists(st.builds(draft, st.just("new"), st.uuids().map(str)), max_size=3)
        )
        before = len(self.model.stored)
        got = self.run(self.journal.append(keep))
        assert list(got) == self.model.append(keep, (), ())
        done = self.run(
            self.journal.retain(older_than_s=500, bytes_max=None, now_s=self.clock.wall_s)
        )
        assert done.dropped == before - self.model.gone
        self.model.drop(before)

    @precondition(lambda self: self.model.gone)
    @rule(data=st.data())
    def repeat_what_was_dropped(self, data: st.DataObject) -> None:
        """As a page does that still shows the events of a run that goes on."""
        again = data.draw(
            st.lists(st.sampled_from(self.model.stored[: self.model.gone]), min_size=1, max_size=8)
        )
        got = self.run(self.journal.append(again))
        assert list(got) == self.model.append(again, (), ())


TestMemoryJournal = MemoryMachine.TestCase
TestMemoryJournal.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestHoledJournal = HoledMachine.TestCase
TestHoledJournal.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSqliteJournal = SqliteMachine.TestCase
TestSqliteJournal.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
