"""Errors of the simulator's user; the text is for people."""

from __future__ import annotations


class NotFoundError(LookupError):
    """No such thing; the text says what."""


class StateError(ValueError):
    """The feed is not in a state that allows this."""


class FullError(ValueError):
    """A limit of the simulator itself is reached."""
