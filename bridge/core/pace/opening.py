"""How fast contacts may follow one another while nobody knows how full the server's window is.

After a start without a predecessor's log, and after a refusal, the window may be full of requests
that this process knows nothing of: a predecessor without a disk, other programs. As TCP does, a few
requests find out: four at once, then two for each that was not refused, up to 16 on the wire. Where
the window is ours that costs a few round trips; where it is not, those that were on the wire.
"""

from __future__ import annotations

import math

from bridge.core.pace.budget import WINDOW_S

FIRST = 4  # requests at once on which nothing is known; so many refusals a wrong guess costs
WIRE_MAX = 16  # on the wire at once, however well it went: the most that a late refusal can hit


class Opening:
    """Open from the instant of not knowing until a window later, when all in it is ours."""

    __slots__ = ("_allowed", "_refused", "_until")

    def __init__(self) -> None:
        self._until = -math.inf
        self._allowed = FIRST
        self._refused = False

    def begin(self, now: float, *, after_refusal: bool = False) -> None:
        """Nothing is known of the window from `now` on."""
        self._until = now + WINDOW_S
        self._allowed = FIRST
        self._refused = after_refusal

    def is_open(self, now: float) -> bool:
        return now < self._until

    @property
    def was_refused(self) -> bool:
        """Whether it began with a refusal: another one is the doing of others, who are still there.

        One within the first window may be the predecessor's, and teaches nothing about others.
        """
        return self._refused

    def may_send(self, now: float, on_the_wire: int) -> bool:
        """Whether one more contact may join those `on_the_wire`."""
        return not self.is_open(now) or on_the_wire < self._allowed

    def taken(self) -> None:
        """A contact was not refused."""
        self._allowed = min(WIRE_MAX, self._allowed + 1)
