"""Outputs deliver records; each one reads the journal with its own cursor."""
