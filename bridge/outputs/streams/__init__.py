"""What subscribers get: cursors on the journal, one tick for all, encoded once."""
