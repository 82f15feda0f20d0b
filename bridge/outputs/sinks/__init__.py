"""Outputs that write lines: files and stdout, each with its own position in the journal."""
