-- A feed gets its system and kind, and what is wanted of it a table apart from what was seen of it.
-- Until here there were only runs of Mogplex. Numbers of feeds, their places and the memory of numbers
-- given away stay as they are.

CREATE TEMP TABLE old_feed AS SELECT feed, account, id, source FROM feed;
CREATE TEMP TABLE old_sequence AS SELECT seq FROM sqlite_sequence WHERE name = 'feed';
CREATE TEMP TABLE old_state AS SELECT * FROM state;

DROP TABLE feed;
CREATE TABLE feed (
  feed INTEGER PRIMARY KEY AUTOINCREMENT,
  system TEXT NOT NULL,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL UNIQUE
);
CREATE INDEX feed_by_id ON feed (id);
INSERT INTO feed (feed, system, account, kind, id, source)
  SELECT feed, 'mogplex', account, 'run', id, source FROM temp.old_feed ORDER BY feed;
DELETE FROM sqlite_sequence WHERE name = 'feed';
INSERT INTO sqlite_sequence (name, seq) SELECT 'feed', seq FROM temp.old_sequence;

CREATE TABLE wish (
  place INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL UNIQUE,
  followed INTEGER NOT NULL,
  by TEXT NOT NULL,
  added_at_s REAL NOT NULL,
  asked INTEGER NOT NULL
);
INSERT INTO wish (place, feed, followed, by, added_at_s, asked)
  SELECT place, feed, followed, 'operator', added_at_s, 1 FROM temp.old_state ORDER BY place;

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
  "row" BLOB NOT NULL
);
INSERT INTO state (place, feed, status, state, ended, failed, asked, events, gaps, marks, cursor, last_event_at_s, "row")
  SELECT place, feed, status,
    CASE
      WHEN status IS NULL OR status = 'pending' THEN 'pending'
      WHEN status = 'awaiting_input' THEN 'waiting'
      WHEN status = 'success' THEN 'succeeded'
      WHEN status IN ('failed', 'cancelled') THEN status
      ELSE 'running'
    END,
    ended, failed, 1, events, gaps, marks, cursor, NULL, x''
  FROM temp.old_state ORDER BY place;

DROP TABLE temp.old_feed;
DROP TABLE temp.old_sequence;
DROP TABLE temp.old_state;

-- Ids of records that retention dropped while their feed goes on: upstream may still show those events.
CREATE TABLE known (
  seq INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (feed, id)
);
