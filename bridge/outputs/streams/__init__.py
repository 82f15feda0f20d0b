"""Streams for subscribers: cursors on the journal, one tick for all, each record encoded once."""
