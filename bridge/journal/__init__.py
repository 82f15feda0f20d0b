"""Stores records durably: one port, several engines."""
