"""Where records go: every output is a reader of the journal with a cursor."""
