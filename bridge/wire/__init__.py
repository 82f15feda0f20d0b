"""Formats: bytes to small values and back. Pure."""
