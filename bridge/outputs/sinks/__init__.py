"""Outputs that write: files and stdout, each with its own place in the journal."""
