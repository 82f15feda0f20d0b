-- The current tables of the embedded journal, and why they are as they are. A new file is made from this one;
-- an older file is brought here by migrations/. A test holds the two to the same result.
-- Settings that belong to the file (page_size, auto_vacuum, WAL) are made in file.py, before this.

-- epoch (text), floor (oldest sequence kept), clean (1 after an orderly close), synchronous and boot
-- (of the last session: they decide whether a crash may have cost commits, and so the epoch).
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

-- A feed is named by five strings of some 120 bytes together; a record names it with one or two bytes.
-- AUTOINCREMENT, because readers in other processes remember numbers: none may come to mean another feed.
CREATE TABLE feed (
  feed INTEGER PRIMARY KEY AUTOINCREMENT,
  system TEXT NOT NULL,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
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

-- What somebody wants of a feed (a PUT, a list, discovery) and, below, what was seen of it by the one that
-- follows it: two writers, two tables. place keeps the order in which they came; an update leaves it alone.
CREATE TABLE wish (
  place INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL UNIQUE,
  followed INTEGER NOT NULL,
  by TEXT NOT NULL,
  added_at_s REAL NOT NULL,
  asked INTEGER NOT NULL
);

-- row is upstream's object about the feed as it was seen last, redacted JSON; empty when none was.
-- notes is what the kind of the feed keeps of its events for people (a title, a tool that runs), redacted JSON.
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

-- Ids of records that retention dropped while their feed goes on: upstream may still show those events, and
-- they must not be taken for new ones. seq is the one the record had, so the oldest are known by it.
CREATE TABLE known (
  seq INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL,
  id TEXT NOT NULL,
  UNIQUE (feed, id)
);

CREATE TABLE checkpoint (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
