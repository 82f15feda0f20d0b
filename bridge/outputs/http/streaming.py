"""Endless responses of all route groups: one hub, one count of seats, one end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from bridge.clock import Clock
from bridge.core.filter import Filter
from bridge.metrics import Metrics
from bridge.outputs.http.access import Identity
from bridge.outputs.http.groups import Policy
from bridge.outputs.http.handover import hand_over
from bridge.outputs.http.limits import Limits, Seats
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.tally import Tally
from bridge.outputs.streams.formats import WEBSOCKET, Format
from bridge.outputs.streams.hub import Hub, Tail
from bridge.outputs.streams.subscriber import Subscriber, WebSocketSubscriber

# No proxy may keep, compress or gather what should arrive at once (readers.md).
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class Beginning(NamedTuple):
    """Where a stream goes on from, and what is written before its records."""

    after: int
    first: bytes = b""


class Streams:
    """Open streams: `run` serves them, `drain` ends them in order."""

    def __init__(
        self, journal: Tail, metrics: Metrics, clock: Clock, taken: Tally | None = None
    ) -> None:
        """`taken` counts the seats; given where other processes serve streams too."""
        self._seats = Seats(Limits(), taken)
        self._policy = Policy()
        self._is_draining = False
        self.hub = Hub(
            journal, metrics, clock, on_lost=lambda stream: self._seats.leave(stream.address)
        )

    def adopt(self, policy: Policy) -> None:
        """Hold to this from the next stream on."""
        self._policy = policy
        self._seats.limits = policy.limits

    async def open(
        self,
        request: web.Request,
        identity: Identity,
        only: Filter,
        format_: Format,
        head: bytes,
        begin: Callable[[], Awaitable[Beginning]],
    ) -> web.StreamResponse:
        """Take the connection over for a stream. `begin` is asked when there is a seat for it.

        Raises ProblemError, and what `begin` raises.
        """
        self.refuse_when_draining()
        address = self._policy.proxies.client_address(request)
        self._seats.take(address)
        try:
            after, first = await begin()
            made = WebSocketSubscriber if format_ is WEBSOCKET else Subscriber
            subscriber = made(self.hub, only, format_, after, address)
            subscriber.identity = identity
            return hand_over(request, head + first, subscriber)
        except BaseException as error:
            self._seats.leave(address)
            if isinstance(error, ConnectionResetError):
                return web.Response(status=503)  # nobody reads it
            raise

    def refuse_when_draining(self) -> None:
        """Raises ProblemError while the bridge stops."""
        if self._is_draining:
            raise ProblemError("not_ready", "the bridge is stopping", headers={"Retry-After": "5"})

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.hub.run()

    def end_those(self, is_over: Callable[[Identity], bool]) -> None:
        """End the streams of those who may not have them any more."""
        self.hub.end_those(
            lambda stream: stream.identity is not None and is_over(stream.identity), "auth"
        )

    async def drain(self, deadline_s: float) -> None:
        """Open none any more, hand out what is committed, end all; cut who has not left by then."""
        self._is_draining = True
        await self.hub.drain(deadline_s)

    def cut_all(self) -> None:
        """Drop every connection, now."""
        self.hub.cut_all()
