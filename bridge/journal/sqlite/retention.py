"""Which records may go, and how they go: in small steps between the appends."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bridge.core.position import SEQUENCE_MAX
from bridge.journal.sqlite.writer import MOMENT_S

# Records per step: with random ids 200 take 4 ms (24 at most), 1,000 take 37
# (0003-embedded-journal.md).
STEP_RECORDS = 200
# Pages given back to the file system per step: 0.5 MiB, some milliseconds.
STEP_PAGES = 64
# Free pages that stay in the file for the next records: 8 MiB, or a quarter of the file if that is
# more. In a steady state nothing is given back: what retention frees is used again soon after.
FREE_PAGES_KEPT = 1024
# States of feeds that are over and have no records left; the oldest above this number go. They are
# kept that long because a state is the only memory that a run was followed to its end: without it a
# run that is still listed in the configuration would be followed, and written, once more.
DONE_STATES_MAX = 10_000


def cut_by_age(db: sqlite3.Connection, cutoff_s: float, now_s: float, head: int) -> int:
    """The sequence below which all records are older than `cutoff_s`; at most MOMENT_S too low.

    The wall clock may have jumped, so the notes are judged in the order of writing. What was
    written after the first note within (cutoff, now] is young, whatever later notes say: a start
    in 1970 protects its records. Before that, the last old note decides, so what was written just
    after a note from the future stays until a later note is old.
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
    """Bytes of the file that hold something."""
    pages, free, page_bytes = _pages(db)
    return (pages - free) * page_bytes


def drop_below(db: sqlite3.Connection, floor: int) -> None:
    """Delete the records below `floor`, which is the new floor."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM record WHERE seq < ?", (floor,))
    # The newest note at or below the floor stays: it tells the age of what follows.
    db.execute(
        "DELETE FROM moment WHERE seq < (SELECT max(seq) FROM moment WHERE seq <= ?)", (floor,)
    )
    db.execute("UPDATE meta SET value = ? WHERE name = 'floor'", (floor,))
    db.execute("COMMIT")


def done_feeds(db: sqlite3.Connection) -> Sequence[tuple[int, str]]:
    """(number, source) of the feeds whose states may go, at most one step of them."""
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
            db.execute("DELETE FROM wish WHERE feed = ?", (number,))
            db.execute("DELETE FROM feed WHERE feed = ?", (number,))
            gone.append(source)
    db.execute("COMMIT")
    return gone


def shrink_step(db: sqlite3.Connection) -> bool:
    """Give free pages above the reserve back; True if there may be more."""
    pages, free, _ = _pages(db)
    spare = free - max(FREE_PAGES_KEPT, pages // 4)
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
