"""J1-J7 of bridge/journal/port.py, held by every journal."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import JournalError
from bridge.core.event import Record, feed_of
from bridge.core.filter import Filter
from bridge.core.state import By, FeedState, Wish
from bridge.core.status import State
from bridge.journal.jetstream.address import parse
from bridge.journal.jetstream.journal import StreamJournal
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import Journal, RecordTooLargeError
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from tests.journal_records import draft, drafts, feed, holed, read_all, record
from tests.nats_server import new_stream, shared_server

RECORD_BYTES_MAX = 10_000

# One journal whose reads come from memory, one that must go to disk for nearly all of them; one
# whose sequences have holes, as those of an engine that numbers other things too.
KINDS = (
    "sqlite",
    "sqlite, nothing recent",
    "memory",
    "memory with holes",
    "jetstream",
    "jetstream, nothing recent",
)


async def _open(kind: str, path: Path) -> Journal:
    if kind.startswith("jetstream"):
        return await WatchedJournal.open(
            parse(shared_server().url(new_stream())),
            recent_bytes_max=1 if "nothing" in kind else 8 * 1024 * 1024,
            record_bytes_max=RECORD_BYTES_MAX,
        )
    if kind.startswith("memory"):
        sequences = holed() if "holes" in kind else None
        return MemoryJournal(record_bytes_max=RECORD_BYTES_MAX, sequences=sequences)
    recent = 1 if "nothing" in kind else 8 * 1024 * 1024
    return await SqliteJournal.open(
        path, recent_bytes_max=recent, record_bytes_max=RECORD_BYTES_MAX
    )


class WatchedJournal(StreamJournal):
    """The engine decides on the sequences: `given` are those that appends returned."""

    async def append(self, *drafts: Any, **more: Any) -> Sequence[int | None]:
        result = await super().append(*drafts, **more)
        self.given: list[int] = getattr(self, "given", [])
        self.given += [seq for seq in result if seq is not None]
        return result


@pytest.fixture(params=KINDS)
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    opened = await _open(request.param, tmp_path / "journal.db")
    yield opened
    await opened.close()


@pytest.fixture
def at(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """The sequence that the journal of this test gives to its n-th record; 0 for 0."""
    kind = request.node.callspec.params["journal"]
    if kind.startswith("jetstream"):
        journal = request.getfixturevalue("journal")
        return lambda n: [0, *sorted(journal.given)][n]
    if "holes" not in kind:
        return lambda n: n
    given = [0, *itertools.islice(holed(), 1000)]
    return given.__getitem__


@pytest.fixture
async def reopened(
    tmp_path: Path,
) -> AsyncIterator[Callable[[], Awaitable[SqliteJournal]]]:
    """Each call closes the journal of the call before and opens the file again."""
    opened: list[SqliteJournal] = []

    async def reopen() -> SqliteJournal:
        for one in opened:
            await one.close()
        opened.append(await SqliteJournal.open(tmp_path / "journal.db"))
        return opened[-1]

    yield reopen
    for one in opened:
        await one.close()


async def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert (journal.head, journal.floor) == (0, 1)
    assert re.fullmatch(r"[0-9a-f]{12}", journal.epoch)
    assert await journal.read(0, 10) == ([], 0)
    assert await journal.read_last(10) == []
    assert await journal.states() == []
    assert await journal.event_ids(feed("r"), 10) == []
    assert await journal.checkpoint("file") is None


async def test_j1_what_append_returned_for_is_read(
    journal: Journal, at: Callable[[int], int]
) -> None:
    given = drafts("r", 0, 3)
    assert list(await journal.append(given)) == [at(1), at(2), at(3)]
    assert await read_all(journal) == [record(d, at(n)) for n, d in enumerate(given, 1)]
    assert (journal.head, journal.floor) == (at(3), 1)
    await journal.catch_up()
    assert journal.head == at(3)


async def test_j2_sequences_increase_over_calls_and_feeds(
    journal: Journal, at: Callable[[int], int]
) -> None:
    for number in range(10):
        await journal.append([draft("a", f"a{number}"), draft("b", f"b{number}")])
    assert [r.seq for r in await read_all(journal, limit=3)] == [at(n) for n in range(1, 21)]
    between = journal.records_between(at(5), at(20))
    assert between in (15, None)
    assert between == 15 or at(20) > 20


async def test_j2_the_body_holds_the_sequence_in_twenty_digits(
    journal: Journal, at: Callable[[int], int]
) -> None:
    await journal.append(drafts("r", 0, 11))
    (page, _) = await journal.read(at(10), 1)
    assert page[0].body.count(f'"sequence": "{at(11):020}"'.encode()) == 1


async def test_a_position_within_a_hole_goes_on_with_the_next_record(
    journal: Journal, at: Callable[[int], int]
) -> None:
    await journal.append(drafts("r", 0, 12))
    for after in range(at(12)):
        (page, next_after) = await journal.read(after, 3)
        assert page[0].seq == min(at(n) for n in range(1, 13) if at(n) > after)
        assert next_after == page[-1].seq


async def test_j2_concurrent_appends_each_keep_their_order(
    journal: Journal, at: Callable[[int], int]
) -> None:
    async def produce(run: str) -> list[int | None]:
        got: list[int | None] = []
        for number in range(20):
            got += await journal.append(drafts(run, number * 3, 3))
        return got

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(produce(f"r{n}")) for n in range(8)]
    given = [seq for task in tasks for seq in task.result()]
    assert sorted(seq for seq in given if seq is not None) == [at(n) for n in range(1, 481)]
    for number, task in enumerate(tasks):
        assert task.result() == sorted(seq for seq in task.result() if seq is not None)
        (mine, _) = await journal.read(0, 1000, Filter(ids=frozenset({f"r{number}"})))
        assert [r.seq for r in mine] == task.result()
        assert [r.id for r in mine] == [f"e{n}" for n in range(60)]


async def test_j3_states_and_checkpoints_come_with_the_records(journal: Journal) -> None:
    state = FeedState(
        feed("r"),
        status="streaming",
        state=State.RUNNING,
        ended=True,
        failed="NOT_FOUND",
        asked=3,
        events=7,
        gaps=2,
        marks=9,
        cursor="c\u00e9",
        last_event_at_s=1_000.25,
        row=b'{"title":"t"}',
        notes=b'{"tool":"shell"}',
    )
    wish = Wish(feed("r"), followed=False, by=By.DISCOVERY, added_at_s=1_000.5, asked=4)
    await journal.append(
        drafts("r", 0, 1), states=[state], wishes=[wish], checkpoints=[("file", b"\x00\xff")]
    )
    assert await journal.states() == [state]
    assert await journal.wishes() == [wish]
    assert await journal.checkpoint("file") == b"\x00\xff"
    assert await journal.checkpoint("other") is None


async def test_j3_states_and_checkpoints_need_no_records(journal: Journal) -> None:
    assert list(await journal.append([], states=[FeedState(feed("r"))])) == []
    assert list(await journal.append([], checkpoints=[("file", b"1")])) == []
    assert [s.feed for s in await journal.states()] == [feed("r")]
    assert journal.head == 0


async def test_j3_states_stay_in_the_order_they_were_added(journal: Journal) -> None:
    await journal.append([draft("z", "1")])  # a record alone adds no state
    for run in ("b", "a", "z"):
        await journal.append([], states=[FeedState(feed(run))])
    await journal.append([], states=[FeedState(feed("b"), status="success")])
    states = await journal.states()
    assert [(s.feed.id, s.status) for s in states] == [("b", "success"), ("a", None), ("z", None)]


async def test_j7_a_wish_and_a_state_of_one_feed_do_not_overwrite_each_other(
    journal: Journal,
) -> None:
    """A PUT and the follow it is about have two writers; each knows an old half of the other."""
    old = Wish(feed("r"), followed=True)
    await journal.append([], wishes=[old], states=[FeedState(feed("r"), events=1)])
    stopped = replace(old, followed=False)
    await journal.append([], wishes=[stopped])
    assert [s.events for s in await journal.states()] == [1]
    await journal.append(drafts("r", 0, 1), states=[FeedState(feed("r"), events=2)])
    assert await journal.wishes() == [stopped]
    assert [s.events for s in await journal.states()] == [2]


async def test_j3_wishes_stay_in_the_order_they_were_added(journal: Journal) -> None:
    for run in ("b", "a", "b"):
        await journal.append([], wishes=[Wish(feed(run), by=By.LISTED)])
    assert [w.feed.id for w in await journal.wishes()] == ["b", "a"]


async def test_feeds_that_differ_only_in_system_kind_or_case_are_apart(journal: Journal) -> None:
    feeds = [
        feed_of("mogplex", "default", "run", "Ab/1 \u00fc"),
        feed_of("mogplex", "default", "run", "ab/1 \u00fc"),
        feed_of("moot", "default", "space", "Ab/1 \u00fc"),
        feed_of("moot", "other", "space", "Ab/1 \u00fc"),
    ]
    await journal.append([draft(of, "e") for of in feeds], wishes=[Wish(of) for of in feeds])
    assert [r.feed for r in await read_all(journal)] == feeds
    assert [w.feed for w in await journal.wishes()] == feeds
    assert [await journal.event_ids(of, 10) for of in feeds] == [["e"]] * 4


async def test_j3_nothing_of_an_append_with_a_record_too_large_is_kept(
    journal: Journal, at: Callable[[int], int]
) -> None:
    await journal.append(drafts("r", 0, 1))
    with pytest.raises(RecordTooLargeError, match="/mogplex/default/runs/r"):
        await journal.append(
            [draft("r", "small"), draft("r", "large", pad=RECORD_BYTES_MAX)],
            states=[FeedState(feed("r"))],
            checkpoints=[("file", b"1")],
        )
    assert journal.head == at(1)
    assert await journal.states() == []
    assert await journal.checkpoint("file") is None
    assert list(await journal.append([draft("r", "small")])) == [at(2)]


async def test_j3_a_record_too_large_does_not_hurt_the_appends_beside_it(
    journal: Journal, at: Callable[[int], int]
) -> None:
    large = draft("r", "large", pad=RECORD_BYTES_MAX)
    results = await asyncio.gather(
        journal.append(drafts("r", 0, 2)),
        journal.append([large]),
        journal.append(drafts("r", 2, 2)),
        return_exceptions=True,
    )
    stored = [list(r) for r in results if not isinstance(r, BaseException)]
    assert stored == [[at(1), at(2)], [at(3), at(4)]]
    assert isinstance(results[1], RecordTooLargeError)


async def test_j4_everything_is_there_after_a_reopen_before_the_first_append(
    reopened: Callable[[], Awaitable[SqliteJournal]],
) -> None:
    journal = await reopened()
    given = drafts("r", 0, 5)
    state = FeedState(feed("r"), status="streaming", events=5, cursor="e4")
    wish = Wish(feed("r"), added_at_s=3.25)
    await journal.append(given, states=[state], wishes=[wish], checkpoints=[("file", b"4")])
    journal = await reopened()
    assert await journal.wishes() == [wish]
    assert (journal.head, journal.floor) == (5, 1)
    assert await journal.states() == [state]
    assert await journal.checkpoint("file") == b"4"
    assert await journal.event_ids(feed("r"), 2) == ["e3", "e4"]
    assert await read_all(journal) == [record(d, n) for n, d in enumerate(given, 1)]
    assert list(await journal.append([given[4], draft("r", "e5")])) == [None, 6]


async def test_j4_a_waiter_of_a_reopened_journal_sees_what_is_there(
    reopened: Callable[[], Awaitable[SqliteJournal]],
) -> None:
    await (await reopened()).append(drafts("r", 0, 5))
    journal = await reopened()
    async with asyncio.timeout(5):
        await journal.wait_above(4)


async def test_j5_the_epoch_stays_over_a_reopen_and_differs_between_files(
    reopened: Callable[[], Awaitable[SqliteJournal]], tmp_path: Path
) -> None:
    first = (await reopened()).epoch
    assert (await reopened()).epoch == first
    other = await SqliteJournal.open(tmp_path / "other.db")
    await other.close()
    assert other.epoch != first
    assert MemoryJournal().epoch != MemoryJournal().epoch


async def test_j6_an_id_is_kept_once_per_feed(journal: Journal, at: Callable[[int], int]) -> None:
    first = await journal.append([draft("a", "x"), draft("a", "x"), draft("b", "x")])
    assert list(first) == [at(1), None, at(2)]
    second = await journal.append([draft("a", "y"), draft("a", "x"), draft("b", "y")])
    assert list(second) == [at(3), None, at(4)]
    assert list(await journal.append([draft("a", "x"), draft("b", "x")])) == [None, None]
    assert [(r.feed.id, r.id) for r in await read_all(journal)] == [
        ("a", "x"),
        ("b", "x"),
        ("a", "y"),
        ("b", "y"),
    ]


async def test_j6_of_two_appends_at_once_one_stores(
    journal: Journal, at: Callable[[int], int]
) -> None:
    same = drafts("r", 0, 50)
    results = await asyncio.gather(*(journal.append(same) for _ in range(4)))
    stored = sorted(seq for r in results for seq in r if seq is not None)
    assert stored == [at(n) for n in range(1, 51)]
    assert journal.head == at(50)


async def test_j6_states_are_stored_although_all_records_were_there(journal: Journal) -> None:
    await journal.append(drafts("r", 0, 3))
    await journal.append(
        drafts("r", 0, 3), states=[FeedState(feed("r"), events=3)], checkpoints=[("f", b"3")]
    )
    assert [s.events for s in await journal.states()] == [3]
    assert await journal.checkpoint("f") == b"3"


async def test_j6_holds_for_a_feed_that_ended(journal: Journal, at: Callable[[int], int]) -> None:
    await journal.append(drafts("r", 0, 3), states=[FeedState(feed("r"), ended=True)])
    assert list(await journal.append(drafts("r", 0, 4))) == [None, None, None, at(4)]


async def test_unusual_ids_and_types_come_back_as_they_were(
    journal: Journal, at: Callable[[int], int]
) -> None:
    names = ["", " ", "e\u0301", "\u00e9", "a\x00b", "\U0001f600", "1", "01", "x" * 500, "NULL"]
    given = [draft("r", n, type_=f"t.{n}") for n in names]
    assert list(await journal.append(given)) == [at(n) for n in range(1, len(names) + 1)]
    assert await read_all(journal) == [record(d, at(n)) for n, d in enumerate(given, 1)]


async def test_a_value_that_cannot_be_stored_hurts_only_its_own_append(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    bad = drafts("r", 100, 1)[0]._replace(id="\ud800")  # a lone surrogate has no UTF-8
    results = await asyncio.gather(
        journal.append(drafts("r", 0, 2)),
        journal.append([bad], states=[FeedState(feed("bad"))]),
        journal.append(drafts("r", 2, 2)),
        return_exceptions=True,
    )
    assert [list(r) for r in results if not isinstance(r, BaseException)] == [[1, 2], [3, 4]]
    assert isinstance(results[1], UnicodeEncodeError)
    assert await journal.states() == []
    await journal.close()


A, B = feed("a"), feed("b", "other")
MIXED = [
    draft(of, f"{of.id}{n}", type_)
    for n in range(40)
    for of, type_ in ((A, "t.run.one"), (B, "t.run.two"), (feed("c"), "bridge.gap"))
]
FILTERS = [
    Filter(),
    Filter(ids=frozenset({"a"})),
    Filter(ids=frozenset({"a", "b"})),
    Filter(ids=frozenset({"a", "b", *(f"none{n}" for n in range(40))})),
    Filter(ids=frozenset({"none"})),
    Filter(types=("t.*",)),
    Filter(types=("*", "!bridge.*")),
    Filter(types=("none.*",)),
    Filter(accounts=frozenset({"other"})),
    Filter(ids=frozenset({"a", "b"}), types=("*.two",)),
    Filter(ids=frozenset({"a", "b"}), accounts=frozenset({"other"})),
    Filter(ids=frozenset({"a"}), accounts=frozenset({"other"})),
]


@pytest.mark.parametrize("only", FILTERS, ids=range(len(FILTERS)))
@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_filtered_pages_hold_what_matches_and_end_at_the_head(
    journal: Journal, at: Callable[[int], int], only: Filter, limit: int
) -> None:
    await journal.append(MIXED)
    all_of_them = [record(d, at(n)) for n, d in enumerate(MIXED, 1)]
    wanted = [r for r in all_of_them if only.matches(r.feed, r.type) and r.seq > at(5)]
    found: list[Record] = []
    after = at(5)
    while after < journal.head:
        page = await journal.read(after, limit, only)
        assert page.next_after > after
        assert len(page.records) <= limit
        found += page.records
        after = page.next_after
    assert found == wanted
    assert await journal.read(journal.head, limit, only) == ([], journal.head)
    for count in (1, 3, 1000):
        assert (
            list(await journal.read_last(count, only))
            == [r for r in all_of_them if only.matches(r.feed, r.type)][-count:]
        )


async def test_reading_beyond_the_head_is_an_empty_page(journal: Journal) -> None:
    await journal.append(drafts("r", 0, 3))
    assert await journal.read(99, 10) == ([], 99)


async def test_wait_above_returns_at_the_append_and_not_before(
    journal: Journal, at: Callable[[int], int]
) -> None:
    if isinstance(journal, StreamJournal):
        pytest.skip("its sequences are not known beforehand")
    woken: list[int] = []

    async def wait(seq: int) -> None:
        await journal.wait_above(seq)
        assert journal.head > seq
        woken.append(seq)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for seq in (0, at(1), at(2), at(2)):
            group.create_task(wait(seq))
        await asyncio.sleep(0)
        assert woken == []
        await journal.append(drafts("r", 0, 2))
        await asyncio.sleep(0.01)
        assert sorted(woken) == [0, at(1)]
        await journal.append(drafts("r", 0, 2))  # repeats: nothing new
        await asyncio.sleep(0.01)
        assert sorted(woken) == [0, at(1)]
        await journal.append(drafts("r", 2, 1))
    assert sorted(woken) == [0, at(1), at(2), at(2)]


async def test_a_waiter_that_is_cancelled_leaves_the_others_waiting(journal: Journal) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.wait_above(0)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.sleep(0.01)
        assert [t.done() for t in tasks] == [True, False] * 25
        await journal.append(drafts("r", 0, 1))
    assert [t.cancelled() for t in tasks] == [True, False] * 25


async def test_listeners_hear_of_each_growth_when_it_can_be_read(
    journal: Journal, at: Callable[[int], int]
) -> None:
    heard: list[int] = []

    def listen(head: int) -> None:
        assert journal.head == head
        reading = journal.read(head - 1, 10)
        with pytest.raises(StopIteration) as done:  # the newest comes from memory, without a wait
            reading.send(None)
        assert [r.seq for r in done.value.value.records] == [head]
        heard.append(head)

    remove = journal.add_listener(listen)
    await journal.append(drafts("r", 0, 2))
    await journal.append(drafts("r", 0, 2))
    await journal.append([], checkpoints=[("f", b"")])
    await journal.append(drafts("r", 2, 1))
    remove()
    remove()
    await journal.append(drafts("r", 3, 1))
    assert heard == [at(2), at(3)]


async def test_readers_beside_appends_see_every_record_once(journal: Journal) -> None:
    total = 600

    async def produce() -> None:
        for first in range(0, total, 20):
            await journal.append(drafts("r", first, 20))

    async def consume(limit: int) -> Sequence[str]:
        seen: list[str] = []
        after = 0
        while len(seen) < total:
            await journal.wait_above(after)
            page = await journal.read(after, limit)
            seen += [r.id for r in page.records]
            after = page.next_after
        return seen

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        readers = [group.create_task(consume(limit)) for limit in (1, 7, 50, 1000)]
        group.create_task(produce())
    for reader in readers:
        assert reader.result() == [f"e{n}" for n in range(total)]


async def test_a_cancelled_append_may_be_repeated(journal: Journal) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(journal.append(drafts("r", 0, 5)))
        await asyncio.sleep(0)
        task.cancel()
    await journal.append(drafts("r", 0, 5))
    assert [r.id for r in await read_all(journal)] == [f"e{n}" for n in range(5)]


async def test_a_closed_journal_says_so(journal: Journal) -> None:
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(_outcome(journal.wait_above(0)))
        await asyncio.sleep(0)
        await journal.close()
        await journal.close()
    assert isinstance(waiter.result(), JournalError)
    with pytest.raises(JournalError, match="closed"):
        await journal.append(drafts("r", 0, 1))
    with pytest.raises(JournalError, match="closed"):
        await journal.wait_above(0)


async def test_close_finishes_the_appends_that_wait(
    reopened: Callable[[], Awaitable[SqliteJournal]],
) -> None:
    journal = await reopened()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(journal.append(drafts(f"r{n}", 0, 50))) for n in range(20)]
        await asyncio.sleep(0)
        await journal.close()
    assert sorted(seq for t in tasks for seq in t.result() if seq) == list(range(1, 1001))
    assert (await reopened()).head == 1000


async def test_a_second_reader_of_the_file_sees_the_same(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db")
    await journal.append(MIXED[:50], states=[FeedState(A)])
    reader = await SqliteReader.open(tmp_path / "journal.db")
    await journal.append(MIXED[50:])
    await reader.catch_up()
    assert (reader.epoch, reader.head, reader.floor) == (journal.epoch, len(MIXED), 1)
    for only in FILTERS:
        assert await reader.read(5, 50, only) == await journal.read(5, 50, only)
        assert list(await reader.read_last(5, only)) == list(await journal.read_last(5, only))
    assert await reader.states() == await journal.states()
    await reader.close()
    await journal.close()


async def _outcome(wanted: Awaitable[object]) -> object:
    try:
        return await wanted
    except JournalError as error:
        return error
