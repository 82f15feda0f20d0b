"""The statements for feeds, states and wishes in each format that a reader may meet.

The writer upgrades a journal to the newest format; a reader takes the file as it is.
"""

from __future__ import annotations

import sqlite3

# Types stored as numbers; further ones are stored as text, so that no upstream can grow the table
# without limit.
TYPES_MAX = 4096

# The meaning of Mogplex's words; format 1 knew no other system. The migration has the same table.
_STATE_OF_STATUS = (
    "CASE WHEN s.status IS NULL OR s.status = 'pending' THEN 'pending'"
    " WHEN s.status = 'awaiting_input' THEN 'waiting' WHEN s.status = 'success' THEN 'succeeded'"
    " WHEN s.status IN ('failed', 'cancelled') THEN s.status ELSE 'running' END"
)
_FEED = {
    1: "'mogplex', f.account, 'run', f.id, f.source",
    2: "f.system, f.account, f.kind, f.id, f.source",
    3: "f.system, f.account, f.kind, f.id, f.source",
}
_STATE = {
    1: f"s.status, {_STATE_OF_STATUS}, s.ended, s.failed, 1, s.events, s.gaps,"
    " s.marks, s.cursor, NULL, x'', x''",
    2: "s.status, s.state, s.ended, s.failed, s.asked, s.events, s.gaps, s.marks, s.cursor,"
    " s.last_event_at_s, s.\"row\", x''",
    3: "s.status, s.state, s.ended, s.failed, s.asked, s.events, s.gaps, s.marks, s.cursor,"
    ' s.last_event_at_s, s."row", s.notes',
}
_WISH = {
    1: "w.followed, 'operator', w.added_at_s, 1 FROM state",
    2: "w.followed, w.by, w.added_at_s, w.asked FROM wish",
    3: "w.followed, w.by, w.added_at_s, w.asked FROM wish",
}


class Asked:
    """The statements for one file: a feed is five columns, in the order of `Feed`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        version = min(max(version, 1), max(_FEED))
        self.feeds_above = f"SELECT f.feed, {_FEED[version]} FROM feed f WHERE f.feed > ?"  # noqa: S608 - constants
        self.states = (
            f"SELECT {_FEED[version]}, {_STATE[version]}"  # noqa: S608 - constants
            " FROM state s JOIN feed f USING (feed) ORDER BY s.place"
        )
        self.wishes = (
            f"SELECT {_FEED[version]}, {_WISH[version]} w JOIN feed f USING (feed) ORDER BY w.place"
        )
