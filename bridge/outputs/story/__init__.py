"""Presents runs to people: lines for a terminal and for CI logs. Pure."""
