"""Limits contacts while nobody knows how full the server's window is.

After a start without a predecessor's log, and after a refusal, the window may be full of requests
that this process knows nothing of: a predecessor without a disk, other programs. As in TCP's slow
start, a few requests find out: four at once, then two for each that was not refused, up to 16 on
the wire. A free window costs a few round trips; in a full one, the server refuses those on the
wire.
"""

from __future__ import annotations

import math

from bridge.core.pace.budget import WINDOW_S

FIRST = 4  # unverified requests at once; a wrong guess costs as many refusals
WIRE_MAX = 16  # on the wire at once: the most that a late refusal can hit


class Opening:
    """Open from an instant of doubt until a window later, when all requests in it are known."""

    __slots__ = ("_allowed", "_refused", "_until")

    def __init__(self) -> None:
        self._until = -math.inf
        self._allowed = FIRST
        self._refused = False

    def begin(self, now: float, *, after_refusal: bool = False) -> None:
        """Note that from `now` on nothing is known of the window."""
        self._until = now + WINDOW_S
        self._allowed = FIRST
        self._refused = after_refusal

    def is_open(self, now: float) -> bool:
        """Whether the window is still unknown."""
        return now < self._until

    @property
    def was_refused(self) -> bool:
        """Whether a refusal opened it; another refusal then shows other programs on the token.

        A refusal within the first window may be due to the predecessor and says nothing about
        others.
        """
        return self._refused

    def may_send(self, now: float, on_the_wire: int) -> bool:
        """Whether another contact may join those `on_the_wire`."""
        return not self.is_open(now) or on_the_wire < self._allowed

    def taken(self) -> None:
        """Note that a contact was not refused."""
        self._allowed = min(WIRE_MAX, self._allowed + 1)
