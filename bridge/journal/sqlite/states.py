"""Writing the small things that share a commit with the records: states, wishes, checkpoints."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bridge.core.state import FeedState, Wish

_PUT_STATE = (
    "INSERT INTO state(feed, status, state, ended, failed, asked, events, gaps, marks, cursor,"
    ' last_event_at_s, "row") VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(feed) DO UPDATE SET'
    " status = excluded.status, state = excluded.state, ended = excluded.ended,"
    " failed = excluded.failed, asked = excluded.asked, events = excluded.events,"
    " gaps = excluded.gaps, marks = excluded.marks, cursor = excluded.cursor,"
    ' last_event_at_s = excluded.last_event_at_s, "row" = excluded."row"'
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
    """Store or replace the state of the feed with this number; its place in the order stays."""
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
        ),
    )


def put_wish(db: sqlite3.Connection, feed: int, wish: Wish) -> None:
    """Store or replace what is wanted of the feed with this number; its place stays."""
    db.execute(_PUT_WISH, (feed, wish.followed, wish.by, wish.added_at_s, wish.asked))


def put_checkpoints(db: sqlite3.Connection, checkpoints: Sequence[tuple[str, bytes]]) -> None:
    """Store or replace values by name."""
    if checkpoints:
        db.executemany(_PUT_CHECKPOINT, checkpoints)
