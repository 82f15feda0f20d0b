-- What a run is about stands in its events, not in its row: it is kept beside the state, so that a restart
-- and retention take nothing of it away.

CREATE TEMP TABLE old_state AS SELECT * FROM state;

DROP TABLE state;
CREATE TABLE state (
  place INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL UNIQUE,
  status TEXT,
  state TEXT NOT NULL,
  ended INTEGER NOT NULL,
  failed TEXT,
  asked INTEGER NOT NULL,
  events INTEGER NOT NULL,
  gaps INTEGER NOT NULL,
  marks INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  last_event_at_s REAL,
  "row" BLOB NOT NULL,
  notes BLOB NOT NULL
);
INSERT INTO state SELECT *, x'' FROM temp.old_state ORDER BY place;

DROP TABLE temp.old_state;
