"""Writing the small things that share a commit with the records: feed states and checkpoints."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bridge.core.event import FeedState

_PUT_STATE = (
    "INSERT INTO state(feed, followed, status, ended, failed, events, gaps, marks, added_at_s,"
    " cursor) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT(feed) DO UPDATE SET"
    " followed = excluded.followed, status = excluded.status, ended = excluded.ended,"
    " failed = excluded.failed, events = excluded.events, gaps = excluded.gaps,"
    " marks = excluded.marks, added_at_s = excluded.added_at_s, cursor = excluded.cursor"
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
            state.followed,
            state.status,
            state.ended,
            state.failed,
            state.events,
            state.gaps,
            state.marks,
            state.added_at_s,
            state.cursor,
        ),
    )


def put_checkpoints(db: sqlite3.Connection, checkpoints: Sequence[tuple[str, bytes]]) -> None:
    """Store or replace values by name."""
    if checkpoints:
        db.executemany(_PUT_CHECKPOINT, checkpoints)
