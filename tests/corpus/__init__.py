"""Labelled events of our own making: built from a seed, so that no secret stands in the repository."""
