"""Decides which requests a token may send, and when. Pure."""
