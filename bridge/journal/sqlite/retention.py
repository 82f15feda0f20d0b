"""Chooses the records to drop, and drops them in small steps between the appends."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from bridge.core.position import SEQUENCE_MAX
from bridge.journal.sqlite.file import BUSY_S, WAL_KEPT_BYTES
from bridge.journal.sqlite.writer import MOMENT_S

# Records per step: with random ids 200 take 4 ms (24 at most), 1,000 take 37
# (0003-embedded-journal.md).
STEP_RECORDS = 200
STEP_IDS = 2000  # ids that outlived their records, forgotten per step
# Pages returned to the file system per step: 0.5 MiB, some milliseconds.
STEP_PAGES = 64
# Free pages that stay in the file for the next records: 8 MiB, or a quarter of the file if that is
# more. In a steady state no page is returned: new records soon use what retention frees.
FREE_PAGES_KEPT = 1024
LOG_BYTES_MIN = 256 * 1024  # of the write-ahead log, however small the journal's limit is
AUTOCHECKPOINT_PAGES = 1000  # SQLite's own default
# States of ended feeds without records; the oldest above this number are dropped. They are kept
# that long because only the state shows that a run was followed to its end: without it the bridge
# would follow, and write, a run that is still listed in the configuration once more.
DONE_STATES_MAX = 10_000
# Ids that outlive their records, of feeds that go on: upstream's windows show 200 events, its
# streams those of a whole run, some thousands. About 100 bytes each. Above this number the feed
# with most of them loses its oldest: a busy feed must not cost a quiet one its window.
WINDOW_IDS = 200
KNOWN_PER_FEED_MAX = 20_000
KNOWN_MAX = 500_000
KNOWN_BYTES = 100


def cut_by_age(db: sqlite3.Connection, cutoff_s: float, now_s: float, head: int) -> int:
    """Return the sequence below which all records are older than `cutoff_s`, within MOMENT_S.

    The wall clock may have jumped, so notes are judged in the order of writing. Records after the
    first note within (cutoff, now] are young, whatever later notes say: a start in 1970 protects
    its records. Before that, the last old note decides, so records just after a note from the
    future stay until a later note is old.
    """
    after_s = cutoff_s - MOMENT_S  # a note stands for all that was written in the seconds after it
    (young,) = db.execute(
        "SELECT min(seq) FROM moment WHERE at_s > ? AND at_s <= ?", (after_s, now_s)
    ).fetchone()
    (old,) = db.execute(
        "SELECT max(seq) FROM moment WHERE at_s <= ? AND seq < ?",
        (after_s, SEQUENCE_MAX if young is None else young),
    ).fetchone()
    (cut,) = db.execute("SELECT min(seq) FROM moment WHERE seq > ?", (old or 0,)).fetchone()
    return head + 1 if cut is None else int(cut)


def used_bytes(db: sqlite3.Connection) -> int:
    """Return the bytes of the file that are in use."""
    pages, free, page_bytes = _pages(db)
    return (pages - free) * page_bytes


def drop_below(db: sqlite3.Connection, floor: int) -> Sequence[int]:
    """Delete the records below the new `floor`; return feeds whose ids are kept.

    The ids of a feed that goes on stay known: upstream may still show those events.
    """
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        "INSERT OR IGNORE INTO known(seq, feed, id) SELECT seq, feed, id FROM record"
        " WHERE seq < ? AND feed IN (SELECT feed FROM state WHERE NOT ended)",
        (floor,),
    )
    feeds = db.execute(
        "SELECT DISTINCT feed FROM known WHERE seq >= (SELECT min(seq) FROM record) AND seq < ?",
        (floor,),
    ).fetchall()
    db.execute("DELETE FROM record WHERE seq < ?", (floor,))
    # The newest note at or below the floor stays: it gives the age of what follows.
    db.execute(
        "DELETE FROM moment WHERE seq < (SELECT max(seq) FROM moment WHERE seq <= ?)", (floor,)
    )
    db.execute("UPDATE meta SET value = ? WHERE name = 'floor'", (floor,))
    db.execute("COMMIT")
    return [feed for (feed,) in feeds]


class KnownMax(NamedTuple):
    """How many ids may outlive their records."""

    wished: int  # more only for the window of each feed
    all: int


def known_max(bytes_max: int | None) -> KnownMax:
    """Return the limit for a file of this size: an eighth of it, half of it for many feeds."""
    if bytes_max is None:
        return KnownMax(KNOWN_MAX, KNOWN_MAX)
    ids = bytes_max // KNOWN_BYTES
    return KnownMax(min(KNOWN_MAX, ids // 8), min(KNOWN_MAX, ids // 2))


def trim_known(db: sqlite3.Connection, count_max: KnownMax) -> bool:
    """Forget one step of the surplus ids; True if there may be more."""
    (count,) = db.execute("SELECT count(*) FROM known").fetchone()
    if count <= min(KNOWN_PER_FEED_MAX, count_max.wished):
        return False
    feed, most = db.execute(
        "SELECT feed, count(*) AS most FROM known GROUP BY feed ORDER BY most DESC LIMIT 1"
    ).fetchone()
    kept = max(WINDOW_IDS, most - (count - count_max.wished))
    if most > (kept := min(kept, KNOWN_PER_FEED_MAX)):
        _trim(db, "WHERE feed = ?", (feed,), most - kept)
        return True
    if count > count_max.all:
        _trim(db, "", (), count - count_max.all)
        return True
    return False


def _trim(db: sqlite3.Connection, which: str, feed: tuple[int, ...], excess: int) -> None:
    db.execute(
        f"DELETE FROM known WHERE seq IN (SELECT seq FROM known {which} ORDER BY seq LIMIT ?)",  # noqa: S608 - constants
        (*feed, min(excess, STEP_IDS)),
    )


def done_feeds(db: sqlite3.Connection) -> Sequence[tuple[int, str]]:
    """Return (number, source) of feeds whose states may be dropped, at most one step of them."""
    (count,) = db.execute("SELECT count(*) FROM state").fetchone()
    if count <= DONE_STATES_MAX:
        return ()
    return db.execute(
        "SELECT s.feed, f.source FROM state s JOIN feed f USING (feed)"
        " LEFT JOIN wish w USING (feed)"
        " WHERE (s.ended OR s.failed IS NOT NULL OR w.followed IS NOT 1)"
        " AND NOT EXISTS (SELECT 1 FROM record r INDEXED BY record_by_feed WHERE r.feed = s.feed)"
        " ORDER BY s.place DESC LIMIT ? OFFSET ?",
        (STEP_RECORDS, DONE_STATES_MAX),
    ).fetchall()


def forget_feeds(db: sqlite3.Connection, feeds: Sequence[tuple[int, str]]) -> Sequence[str]:
    """Delete those of `feeds` that are still over and empty; return their sources."""
    gone = []
    db.execute("BEGIN IMMEDIATE")
    for number, source in feeds:
        deleted = db.execute(
            "DELETE FROM state WHERE feed = ? AND (ended OR failed IS NOT NULL OR NOT EXISTS"
            " (SELECT 1 FROM wish w WHERE w.feed = state.feed AND w.followed))"
            " AND NOT EXISTS (SELECT 1 FROM record r INDEXED BY record_by_feed"
            " WHERE r.feed = state.feed)",
            (number,),
        ).rowcount
        if deleted:
            db.execute("DELETE FROM known WHERE feed = ?", (number,))
            db.execute("DELETE FROM wish WHERE feed = ?", (number,))
            db.execute("DELETE FROM feed WHERE feed = ?", (number,))
            gone.append(source)
    db.execute("COMMIT")
    return gone


class Room(NamedTuple):
    """The shares of a journal's bytes on disk: data, free pages, log."""

    data: int | None  # None: no limit
    free: int
    log: int


def share(bytes_max: int | None) -> Room:
    """Return the shares: an eighth each for free pages and log, less in a large journal."""
    if bytes_max is None:
        return Room(None, SEQUENCE_MAX, WAL_KEPT_BYTES)
    log = min(WAL_KEPT_BYTES, max(bytes_max // 8, LOG_BYTES_MIN))
    free = bytes_max // 8
    return Room(max(bytes_max - log - free, 0), free, log)


def fold(db: sqlite3.Connection, log_bytes: int) -> int:
    """Limit the write-ahead log to `log_bytes`; return the bytes that a reader keeps.

    Never waits for that reader, because appends wait for this.
    """
    page_bytes = _pages(db)[2]
    pages = max(log_bytes // page_bytes, 1)
    db.execute(f"PRAGMA journal_size_limit={log_bytes}")
    db.execute(f"PRAGMA wal_autocheckpoint={min(pages, AUTOCHECKPOINT_PAGES)}")
    db.execute("PRAGMA busy_timeout=0")
    try:
        (_, logged, folded) = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if folded < logged:
            return int(logged - folded) * page_bytes
        if logged > pages:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return 0
    finally:
        db.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")


def shrink_step(db: sqlite3.Connection, free_bytes: int = SEQUENCE_MAX) -> bool:
    """Return free pages above the reserve to the file system; True if there may be more."""
    pages, free, page_bytes = _pages(db)
    spare = free - min(max(FREE_PAGES_KEPT, pages // 4), free_bytes // page_bytes)
    if spare <= 0:
        return False
    # `execute` would free one page: it steps the statement once, executescript steps to the end.
    db.executescript(f"PRAGMA incremental_vacuum({min(spare, STEP_PAGES)})")
    return spare > STEP_PAGES


def _pages(db: sqlite3.Connection) -> tuple[int, int, int]:
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    return pages, free, page_bytes
