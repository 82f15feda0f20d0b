"""The steps of a follow's two tasks, and their results."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from bridge.core.event import Event
from bridge.sources.moot.rules.catch_up import Hole, Page
from bridge.sources.moot.rules.ways import Way


class Phase(enum.Enum):
    """How far a follow is; OVER once the space has ended or the follow has failed."""

    START = "start"
    FOLLOWING = "following"
    ENDING = "ending"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Look:
    """Read the status."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open the stream or the WebSocket, as `way` says."""

    way: Way


@dataclass(frozen=True, slots=True)
class Read:
    """Take what the stream brings, at most until then."""

    until: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave the stream open and unread until something changes."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the stream; another connect may follow."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing before then, unless something changes."""

    until: float


Request = Look | Page | Wait
Stream = Connect | Read | Hold | Close | Wait


@dataclass(frozen=True, slots=True)
class Reading:
    """What upstream says of the space itself."""

    status: str
    count: int | None = None
    started_at: str | None = None


@dataclass(slots=True)
class Take:
    """To be handed over in this order: gap, events, status, end."""

    events: list[Event] = field(default_factory=list)
    hole: Hole | None = None
    status: str | None = None
    ended: bool = False

    def __bool__(self) -> bool:
        return bool(self.events or self.hole or self.status or self.ended)
