-- The current tables of the embedded journal, and why they are as they are. A new file is made from this one;
-- an older file is brought here by migrations/. A test holds the two to the same result.
-- Settings that belong to the file (page_size, auto_vacuum, WAL) are made in file.py, before this.

-- epoch (text), floor (oldest sequence kept), clean (1 after an orderly close), synchronous and boot
-- (of the last session: they decide whether a crash may have cost commits, and so the epoch).
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

-- A feed is named by three strings of some 100 bytes together; a record names it with one or two bytes.
-- AUTOINCREMENT, because readers in other processes remember numbers: none may come to mean another feed.
CREATE TABLE feed (
  feed INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL UNIQUE
);
CREATE INDEX feed_by_id ON feed (id);

CREATE TABLE type (
  type INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- seq is the rowid: reading on from a position is one seek and then a walk.
-- type has no declared kind: a number from the table above, or the text itself once that table is full.
-- body holds the final bytes, sequence included, so that readers copy and never encode.
-- UNIQUE (feed, id) is the dedupe. The feed comes first, so that the random ids of one run land on the
-- few index pages of that run and not all over the index.
CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL,
  type NOT NULL,
  id TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (feed, id)
);

-- Every index ends with the rowid, so this one is (feed, seq): one run's records in order, without a sort.
CREATE INDEX record_by_feed ON record (feed);

-- When records were written: the first sequence of a commit, at most one row per ten seconds. Retention by age
-- needs no more, and it costs nothing per record. Times are as the wall clock gave them, so they may run back.
CREATE TABLE moment (
  seq INTEGER PRIMARY KEY,
  at_s INTEGER NOT NULL
);

-- place keeps the order in which feeds were added; an update leaves it alone.
CREATE TABLE state (
  place INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL UNIQUE,
  followed INTEGER NOT NULL,
  status TEXT,
  ended INTEGER NOT NULL,
  failed TEXT,
  events INTEGER NOT NULL,
  gaps INTEGER NOT NULL,
  marks INTEGER NOT NULL,
  added_at_s REAL NOT NULL,
  cursor TEXT NOT NULL
);

CREATE TABLE checkpoint (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
