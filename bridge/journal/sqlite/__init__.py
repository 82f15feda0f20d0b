"""The embedded journal: one SQLite file, one writer, readers that never block it."""
