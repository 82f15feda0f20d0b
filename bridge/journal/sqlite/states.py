"""The small values that share a commit with the records: states, wishes, checkpoints, ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Literal

from bridge.core.state import FeedState, Wish

# Ids per statement, when an append holds records that the journal has already.
IDS_PER_SELECT = 200

_PUT_STATE = (
    "INSERT INTO state(feed, status, state, ended, failed, asked, events, gaps, marks, cursor,"
    ' last_event_at_s, "row", notes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)'
    " ON CONFLICT(feed) DO UPDATE SET"
    " status = excluded.status, state = excluded.state, ended = excluded.ended,"
    " failed = excluded.failed, asked = excluded.asked, events = excluded.events,"
    " gaps = excluded.gaps, marks = excluded.marks, cursor = excluded.cursor,"
    ' last_event_at_s = excluded.last_event_at_s, "row" = excluded."row",'
    " notes = excluded.notes"
)
_PUT_WISH = (
    "INSERT INTO wish(feed, followed, by, added_at_s, asked) VALUES (?,?,?,?,?)"
    " ON CONFLICT(feed) DO UPDATE SET followed = excluded.followed, by = excluded.by,"
    " added_at_s = excluded.added_at_s, asked = excluded.asked"
)
_PUT_CHECKPOINT = (
    "INSERT INTO checkpoint(name, value) VALUES (?, ?)"
    " ON CONFLICT(name) DO UPDATE SET value = excluded.value"
)


def put_state(db: sqlite3.Connection, feed: int, state: FeedState) -> None:
    """Store or replace the state of a feed; its place in the order stays.

    The state of an ended feed deletes the ids that outlived their records: nothing follows.
    """
    if state.ended:
        db.execute("DELETE FROM known WHERE feed = ?", (feed,))
    db.execute(
        _PUT_STATE,
        (
            feed,
            state.status,
            state.state,
            state.ended,
            state.failed,
            state.asked,
            state.events,
            state.gaps,
            state.marks,
            state.cursor,
            state.last_event_at_s,
            state.row,
            state.notes,
        ),
    )


def put_wish(db: sqlite3.Connection, feed: int, wish: Wish) -> None:
    """Store or replace the wish about a feed; its place in the order stays."""
    db.execute(_PUT_WISH, (feed, wish.followed, wish.by, wish.added_at_s, wish.asked))


def put_checkpoints(db: sqlite3.Connection, checkpoints: Sequence[tuple[str, bytes]]) -> None:
    """Store or replace values by name."""
    if checkpoints:
        db.executemany(_PUT_CHECKPOINT, checkpoints)


def ids_among(
    db: sqlite3.Connection, table: Literal["record", "known"], feed: int, ids: Sequence[str]
) -> Iterator[str]:
    """Yield those of `ids` that the table has for the feed."""
    for start in range(0, len(ids), IDS_PER_SELECT):
        some = ids[start : start + IDS_PER_SELECT]
        marks = ",".join("?" * len(some))
        for (id_,) in db.execute(
            f"SELECT id FROM {table} WHERE feed = ? AND id IN ({marks})",  # noqa: S608 - constants
            (feed, *some),
        ):
            yield id_
