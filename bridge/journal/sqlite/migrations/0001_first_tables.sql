-- Version 1: the first tables. Frozen: a later change is a later file.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;
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
CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  feed INTEGER NOT NULL,
  type NOT NULL,
  id TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (feed, id)
);
CREATE INDEX record_by_feed ON record (feed);
CREATE TABLE moment (
  seq INTEGER PRIMARY KEY,
  at_s INTEGER NOT NULL
);
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
