"""Old records go, by age and by bytes; what has to stay stays."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.core.errors import JournalFullError
from bridge.core.filter import Filter
from bridge.core.state import FeedState, Wish
from bridge.journal.sqlite import retention as sqlite_retention
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from bridge.journal.sqlite.writer import MOMENT_S
from tests.journal_records import StillClock, draft, drafts, feed, read_all

DAY_S = 86_400.0


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: StillClock) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    yield opened
    await opened.close()


async def _age(journal: SqliteJournal, clock: StillClock, older_than_s: float = DAY_S) -> int:
    done = await journal.retain(older_than_s=older_than_s, bytes_max=None, now_s=clock.wall_s)
    assert done.floor == journal.floor
    return done.floor


@pytest.mark.slow
async def test_a_record_goes_when_it_is_old_and_never_before(
    journal: SqliteJournal, clock: StillClock
) -> None:
    written_s: dict[int, float] = {}
    for number in range(400):
        (seq,) = await journal.append([draft("r", f"e{number}")])
        assert seq is not None
        written_s[seq] = clock.wall_s
        clock.wall_s += 1.7
    for _ in range(60):
        floor = await _age(journal, clock, older_than_s=300)
        for seq, at_s in written_s.items():
            age_s = clock.wall_s - at_s
            if seq < floor:
                assert age_s >= 300
            else:
                assert age_s <= 300 + MOMENT_S + 1
        clock.wall_s += 13
    assert (journal.floor, journal.head) == (401, 400)


async def test_sequences_go_on_after_everything_went(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await journal.append(drafts("r", 0, 450))
    clock.wall_s += 2 * DAY_S
    assert await _age(journal, clock) == 451
    assert (journal.head, journal.stats().records) == (450, 0)
    await journal.close()
    again = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    assert (again.head, again.floor) == (450, 451)
    assert list(await again.append(drafts("r", 0, 1))) == [451]  # its id went with the record
    await again.close()


async def test_readers_see_only_what_is_kept(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await journal.append(drafts("r", 0, 450))
    clock.wall_s += 2 * DAY_S
    await journal.append(drafts("r", 450, 50))
    assert await _age(journal, clock) == 451
    reader = await SqliteReader.open(tmp_path / "journal.db")
    for of in (journal, reader):
        assert of.floor == 451
        assert [r.seq for r in await read_all(of)] == list(range(451, 501))
        last = await of.read_last(1000, Filter(ids=frozenset({"r"})))
        assert [r.seq for r in last] == list(range(451, 501))
    assert await journal.event_ids(feed("r"), 1000) == [f"e{n}" for n in range(450, 500)]
    await reader.close()


@pytest.mark.parametrize(
    ("jumps", "kept_from"),
    [
        # (seconds to move the clock after each of three batches), first batch that must stay
        ((5 * DAY_S, 5 * DAY_S, 0), 2),  # no jump: two batches are old
        ((-9_000 * DAY_S, 9_001 * DAY_S, 0), 0),  # a start in 1997 in between: nothing is old yet
        ((9_000 * DAY_S, -9_000 * DAY_S, 0), 0),  # a batch from the future
        ((9_005 * DAY_S, -9_000 * DAY_S, 0), 1),  # between an old and a new batch: not known, stays
        ((9_005 * DAY_S, -9_000 * DAY_S, 5 * DAY_S), 3),  # and goes when the one after it is old
    ],
)
async def test_a_clock_that_jumps_drops_nothing_early(
    journal: SqliteJournal,
    clock: StillClock,
    tmp_path: Path,
    jumps: tuple[float, ...],
    kept_from: int,
) -> None:
    for number, jump_s in enumerate(jumps):
        await journal.append(drafts("r", number * 10, 10))
        clock.wall_s += jump_s
    await journal.close()
    later = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    assert await _age(later, clock, older_than_s=2 * DAY_S) == kept_from * 10 + 1
    await later.close()


async def test_what_was_written_before_the_clock_was_set_is_not_as_old_as_it_says(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    """A machine that starts in 1970: what it wrote a moment ago is not 56 years old."""
    await journal.append(drafts("r", 0, 10))
    await journal.close()
    clock.jump(-9_000 * DAY_S)
    again = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    await again.append(drafts("r", 10, 10))
    clock.jump(9_005 * DAY_S)
    assert await _age(again, clock) == 11
    await again.close()


async def test_a_jump_forward_does_not_age_what_this_process_wrote(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await journal.append(drafts("r", 0, 10))
    clock.jump(2 * DAY_S)
    await journal.append(drafts("r", 10, 10))
    clock.wall_s += 60
    assert await _age(journal, clock) == 1
    clock.jump(-2 * DAY_S)
    clock.wall_s += DAY_S - 120
    assert await _age(journal, clock) == 1
    clock.wall_s += 180  # a day by the clock that does not jump; the second note is of tomorrow
    assert await _age(journal, clock) == 11


async def test_a_jump_forward_does_not_age_what_was_there_at_the_start(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await journal.append(drafts("r", 0, 10))
    await journal.close()
    later = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    clock.jump(2 * DAY_S)
    clock.wall_s += 75
    assert await _age(later, clock) == 1
    clock.wall_s += DAY_S
    assert await _age(later, clock) == 11
    await later.close()


async def test_a_start_before_the_clock_was_set_does_not_keep_old_records_for_ever(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await journal.append(drafts("r", 0, 10))
    await journal.close()
    clock.jump(-9_000 * DAY_S)  # this machine starts in the past, and then asks for the time
    later = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    clock.jump(9_002 * DAY_S)
    assert await _age(later, clock) == 11
    await later.close()


@pytest.mark.slow
async def test_the_file_is_brought_below_its_bytes_and_shrinks(
    journal: SqliteJournal, clock: StillClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sqlite_retention, "FREE_PAGES_KEPT", 16)
    for first in range(0, 6000, 500):
        await journal.append(drafts("r", first, 500, pad=600))
    limit = 1_500_000
    done = await journal.retain(older_than_s=None, bytes_max=limit, now_s=clock.wall_s)
    assert done.bytes <= limit
    assert done.dropped == journal.floor - 1
    assert 200 < journal.stats().records < 6000
    assert [r.seq for r in await read_all(journal)] == list(range(journal.floor, 6001))
    again = await journal.retain(older_than_s=None, bytes_max=limit, now_s=clock.wall_s)
    assert again.dropped == 0
    await journal.close()
    size = (tmp_path / "journal.db").stat().st_size
    assert size <= limit * 4 / 3 + 17 * 8192  # free pages: a quarter of the file, or the reserve
    assert size < 6000 * 600 * 0.6


async def test_one_byte_of_room_drops_all_and_ends(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await journal.append(drafts("r", 0, 500))
    done = await journal.retain(older_than_s=None, bytes_max=1, now_s=clock.wall_s)
    assert (done.dropped, done.floor) == (500, 501)


async def test_appends_pass_between_the_steps(journal: SqliteJournal, clock: StillClock) -> None:
    await journal.append(drafts("r", 0, 4000))
    clock.wall_s += 2 * DAY_S
    floors: list[int] = []
    async with asyncio.TaskGroup() as group:
        going = group.create_task(_age(journal, clock))
        number = 0
        while not going.done():
            await journal.append([draft("live", f"e{number}")])
            floors.append(journal.floor)
            number += 1
    steps = sorted({floor for floor in floors if 1 < floor < 4001})
    assert len(steps) >= 10, "an append saw the floor in between"
    assert max(b - a for a, b in pairwise(steps)) <= 2 * 200


async def test_states_stay_when_their_records_go(journal: SqliteJournal, clock: StillClock) -> None:
    ended = FeedState(feed("r"), ended=True, events=10)
    await journal.append(drafts("r", 0, 10), states=[ended])
    clock.wall_s += 2 * DAY_S
    await _age(journal, clock)
    assert await journal.states() == [ended]


async def test_only_the_newest_states_of_ended_runs_without_records_stay(
    journal: SqliteJournal, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retention, "DONE_STATES_MAX", 5)
    monkeypatch.setattr(sqlite_retention, "STEP_RECORDS", 2)
    live = FeedState(feed("live"))
    await journal.append([], states=[live], wishes=[Wish(live.feed)])
    for number in range(10):
        of = feed(f"r{number}")
        await journal.append([draft(of, "e")], states=[FeedState(of, ended=True)])
    kept = feed("kept")
    clock.wall_s += 2 * DAY_S
    await journal.append([draft(kept, "e")], states=[FeedState(kept, ended=True)])
    await _age(journal, clock)
    names = [s.feed.id for s in await journal.states()]
    assert names == ["live", "r5", "r6", "r7", "r8", "r9", "kept"]
    # A run that was forgotten may come again.
    assert list(await journal.append([draft("r0", "e")], states=[FeedState(feed("r0"))])) == [12]
    page = await journal.read(0, 10, Filter(ids=frozenset({"r0"})))
    assert [r.seq for r in page.records] == [12]


async def test_retention_on_a_journal_that_is_empty(
    journal: SqliteJournal, clock: StillClock
) -> None:
    done = await journal.retain(older_than_s=1, bytes_max=1, now_s=clock.wall_s)
    assert (done.dropped, done.floor) == (0, 1)


async def test_a_cancelled_retention_leaves_whole_steps(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await journal.append(drafts("r", 0, 3000))
    clock.wall_s += 2 * DAY_S
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_age(journal, clock))
        while journal.floor < 600:
            await asyncio.sleep(0)
        task.cancel()
    assert [r.seq for r in await read_all(journal)] == list(range(journal.floor, 3001))
    assert await _age(journal, clock) == 3001


@pytest.mark.slow
async def test_no_page_has_a_hole_above_the_floor(tmp_path: Path, clock: StillClock) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.db", clock=clock, recent_bytes_max=1)
    await journal.append(drafts("r", 0, 3000))
    clock.wall_s += 2 * DAY_S
    whole = cut = 0
    async with asyncio.TaskGroup() as group:
        going = group.create_task(_age(journal, clock))
        while not going.done():
            after = journal.floor - 1
            page = await journal.read(after, 5)
            await asyncio.sleep(0)  # at the head a page comes from memory, without giving way
            seqs = [r.seq for r in page.records]
            if journal.floor <= after + 1 and seqs:
                whole += 1
                assert seqs == list(range(after + 1, after + 1 + len(seqs)))
            else:
                cut += 1
    assert whole
    assert cut
    await journal.close()


async def test_a_step_that_fails_is_made_up_for_by_the_next(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await journal.append(drafts("r", 0, 500))
    clock.wall_s += 2 * DAY_S
    await journal._writer.call(lambda db: db.execute("PRAGMA query_only=ON").fetchall())
    with pytest.raises(JournalFullError):
        await _age(journal, clock)
    assert [r.seq for r in await read_all(journal)] == list(range(journal.floor, 501))
    await journal._writer.call(lambda db: db.execute("PRAGMA query_only=OFF").fetchall())
    assert await _age(journal, clock) == 501
    left = await journal._writer.call(lambda db: db.execute("SELECT * FROM record").fetchall())
    assert left == []


async def test_stats_count_what_is_there(journal: SqliteJournal, tmp_path: Path) -> None:
    await journal.append(drafts("r", 0, 100))
    stats = journal.stats()
    assert (stats.records, stats.recent_records) == (100, 100)
    assert stats.bytes == os.stat(tmp_path / "journal.db").st_size
    assert stats.wal_bytes == os.stat(tmp_path / "journal.db-wal").st_size > 0


# Ids of a feed that goes on outlive its records.


async def _live_run_without_records(journal: SqliteJournal, clock: StillClock) -> None:
    live, over = feed("live"), feed("over")
    wishes = [Wish(live), Wish(over)]
    await journal.append(drafts("live", 0, 40), states=[FeedState(live)], wishes=wishes)
    await journal.append(drafts("over", 0, 10), states=[FeedState(over, ended=True)])
    clock.wall_s += 2 * DAY_S
    assert await _age(journal, clock) == 51


async def test_j6_what_retention_dropped_of_a_live_feed_is_not_stored_again(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await _live_run_without_records(journal, clock)
    assert list(await journal.append(drafts("live", 35, 7))) == [None] * 5 + [51, 52]
    both = [*drafts("other", 0, 2), *drafts("live", 39, 2), draft("live", "e42")]
    assert list(await journal.append(both)) == [53, 54, None, None, 55]
    assert list(await journal.append(drafts("over", 9, 1))) == [56], "nothing more comes of it"


async def test_j6_ids_of_a_live_feed_are_known_after_a_restart(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await _live_run_without_records(journal, clock)
    await journal.close()
    again = await SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    assert await again.event_ids(feed("live"), 3) == ["e37", "e38", "e39"]
    assert list(await again.append(drafts("live", 0, 41))) == [None] * 40 + [51]
    assert await again.event_ids(feed("live"), 3) == ["e38", "e39", "e40"]
    assert await again.event_ids(feed("over"), 3) == []
    await again.close()


async def test_ids_that_outlived_their_records_go_with_the_end_of_their_feed(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await _live_run_without_records(journal, clock)
    await journal.append(drafts("live", 40, 1), states=[FeedState(feed("live"), ended=True)])
    assert await journal.event_ids(feed("live"), 100) == ["e40"]


async def test_ids_that_outlive_their_records_are_bounded(
    journal: SqliteJournal, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retention, "KNOWN_PER_FEED_MAX", 30)
    monkeypatch.setattr(sqlite_retention, "KNOWN_MAX", 50)
    monkeypatch.setattr(sqlite_retention, "STEP_IDS", 7)
    for run in ("a", "b", "c"):
        await journal.append(drafts(run, 0, 40), states=[FeedState(feed(run))])
    clock.wall_s += 2 * DAY_S
    await _age(journal, clock)
    kept = [await journal.event_ids(feed(run), 100) for run in ("a", "b", "c")]
    newest = [f"e{n}" for n in range(40)]
    assert kept == [[], newest[20:], newest[10:]]


@pytest.mark.slow
async def test_a_busy_feed_does_not_cost_a_quiet_one_the_ids_that_upstream_still_shows(
    journal: SqliteJournal, clock: StillClock
) -> None:
    """The oldest went first, whosever they were: a restart journalled the quiet run anew."""
    await journal.append(drafts("quiet", 0, 41), states=[FeedState(feed("quiet"))])
    await journal.append([], states=[FeedState(feed("busy"))])
    for first in range(0, 3_000, 500):
        await journal.append(drafts("busy", first, 500))
    clock.wall_s += 2 * DAY_S
    bytes_max = 1_000_000
    await journal.retain(older_than_s=DAY_S, bytes_max=bytes_max, now_s=clock.wall_s)
    assert journal.stats().records == 0
    assert len(await journal.event_ids(feed("quiet"), 1_000)) == 41
    busy = await journal.event_ids(feed("busy"), 10_000)
    assert len(busy) == bytes_max // 8 // sqlite_retention.KNOWN_BYTES - 41
    assert busy[-1] == "e2999"


@pytest.mark.slow
async def test_many_feeds_keep_their_windows_beyond_the_share_of_ids_up_to_half_of_the_bytes(
    journal: SqliteJournal, clock: StillClock
) -> None:
    for run in range(20):
        await journal.append(drafts(f"r{run}", 0, 250), states=[FeedState(feed(f"r{run}"))])
    clock.wall_s += 2 * DAY_S
    for bytes_max, kept in ((1_000_000, 200 * 20), (400_000, 400_000 // 2 // 100)):
        await journal.retain(older_than_s=DAY_S, bytes_max=bytes_max, now_s=clock.wall_s)
        ids = [len(await journal.event_ids(feed(f"r{run}"), 1_000)) for run in range(20)]
        assert sum(ids) == kept


@pytest.mark.slow
async def test_known_ids_keep_a_small_journal_small(
    journal: SqliteJournal, clock: StillClock
) -> None:
    await journal.append([], states=[FeedState(feed("live"))])
    for first in range(0, 20_000, 500):
        await journal.append(drafts("live", first, 500))
    limit = 1_000_000
    done = await journal.retain(older_than_s=None, bytes_max=limit, now_s=clock.wall_s)
    assert done.bytes <= limit
    assert journal.stats().records > 500
    ids = await journal.event_ids(feed("live"), 100_000)
    assert len(ids) - journal.stats().records == limit // 8 // sqlite_retention.KNOWN_BYTES


@pytest.mark.slow
async def test_the_bytes_that_are_kept_are_those_on_the_disk(
    journal: SqliteJournal, clock: StillClock
) -> None:
    """Free pages and the write-ahead log count too, also where the journal is to be small."""
    limit = 2 * 1024 * 1024
    await journal.retain(older_than_s=None, bytes_max=limit, now_s=clock.wall_s)
    for first in range(0, 12_000, 500):
        await journal.append(drafts("r", first, 500, pad=600))
        if first % 3000 == 2500:
            await journal.retain(older_than_s=None, bytes_max=limit, now_s=clock.wall_s)
    stats = journal.stats()
    assert stats.bytes + stats.wal_bytes <= limit
    assert stats.records is not None
    assert stats.records > 800


async def test_a_reader_that_keeps_the_log_from_going_is_told(
    journal: SqliteJournal, clock: StillClock, tmp_path: Path
) -> None:
    await journal.append(drafts("r", 0, 10))
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM record").fetchone()
        for first in range(0, 2000, 500):
            await journal.append(drafts("s", first, 500, pad=600))
        done = await journal.retain(older_than_s=None, bytes_max=2**21, now_s=clock.wall_s)
        assert done.held_bytes > 1_000_000
        other.execute("ROLLBACK")
    done = await journal.retain(older_than_s=None, bytes_max=2**21, now_s=clock.wall_s)
    assert done.held_bytes == 0
    assert journal.stats().wal_bytes <= 2**18
