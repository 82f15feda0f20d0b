"""Formats. Pure: bytes to small values and back."""
