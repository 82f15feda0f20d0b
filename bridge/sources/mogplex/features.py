"""The features of the server behind one base URL; found out once, checked again now and then.

Mogplex has no version header (mogplex.md 1.0), so only requests to the routes show what exists.
"""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field

from bridge.sources.mogplex.rules.window import Kind

ABSENT_RETRY_S = 600.0  # the bridge notices a new route of a deployment within ten minutes
BROKEN_RETRY_S = (120.0, 900.0)  # first and longest wait while the server's listener is down
BROKEN_STRIKES = 3  # failed connects in a row until the stream counts as broken; one may be chance
SCOUT_S = 5.0  # longest wait for the first connect to a server: it saves all others a request


class StreamKind(enum.StrEnum):
    """`GET …/events/stream` (mogplex.md 1.0 and 1.8)."""

    UNKNOWN = "unknown"
    RESUMABLE = "resumable"  # v2: `Last-Event-ID` replays all that followed
    REPLAYING = "replaying"  # v1: every connect replays what `/events` shows
    ABSENT = "absent"  # the route answers 404 in HTML
    BROKEN = "broken"  # connects fail while `/events` works


@dataclass(slots=True)
class Features:
    """The features of one base URL, shared by all its runs. Instants are monotonic seconds."""

    stream: StreamKind = StreamKind.UNKNOWN
    window: Kind = Kind.UNKNOWN
    _retry_at: float = 0.0
    _broken_wait_s: float = BROKEN_RETRY_S[0]
    _strikes: int = 0
    # Cleared while one run tries the stream for all others.
    scouted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.scouted.set()

    def has_stream(self, now: float) -> bool:
        """Whether a connect is worth a request."""
        if self.stream in (StreamKind.ABSENT, StreamKind.BROKEN):
            return now >= self._retry_at
        return True

    async def scout(self) -> None:
        """Wait while another run tries the stream; if that fails, this run may be the next."""
        try:
            async with asyncio.timeout(SCOUT_S):
                while self.stream is StreamKind.UNKNOWN and not self.scouted.is_set():
                    await self.scouted.wait()
        except TimeoutError:
            pass
        if self.stream is StreamKind.UNKNOWN:
            self.scouted.clear()

    @property
    def may_resume(self) -> bool:
        """Whether a stream may still bring what a page no longer shows."""
        return self.stream in (StreamKind.UNKNOWN, StreamKind.RESUMABLE)

    def remembered(self, stream: StreamKind) -> None:
        """Load what a predecessor knew; only a stream that resumes is worth remembering."""
        if self.stream is StreamKind.UNKNOWN and stream is StreamKind.RESUMABLE:
            self.stream = stream

    def stream_connected(self) -> None:
        """Note that a stream began; it is resumable until its first event shows otherwise."""
        self.scouted.set()
        self._strikes = 0
        self._broken_wait_s = BROKEN_RETRY_S[0]
        if self.stream is not StreamKind.REPLAYING:
            self.stream = StreamKind.RESUMABLE

    def stream_began(self, *, before_cursor: bool) -> None:
        """Note whether a resumed stream's first event is one that it should have skipped."""
        self.stream = StreamKind.REPLAYING if before_cursor else StreamKind.RESUMABLE

    def stream_absent(self, now: float) -> None:
        """Note a missing route, so that runs are polled; tried again after ABSENT_RETRY_S."""
        self.stream = StreamKind.ABSENT
        self._retry_at = now + ABSENT_RETRY_S

    def stream_failed(self, now: float) -> None:
        """Note a connect without a stream, when the server or the network is the reason."""
        self._strikes += 1
        if self._strikes < BROKEN_STRIKES:
            return
        self.stream = StreamKind.BROKEN
        self._retry_at = now + self._broken_wait_s
        self._broken_wait_s = min(self._broken_wait_s * 2, BROKEN_RETRY_S[1])
