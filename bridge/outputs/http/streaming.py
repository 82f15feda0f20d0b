"""Endless responses of all groups of routes: they share a hub, a count and an end."""

from __future__ import annotations

import sys
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

# No proxy may cache, compress or buffer a stream (readers.md).
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class Beginning(NamedTuple):
    """The position at which a stream starts, and the bytes before its records."""

    after: int
    first: bytes = b""


class Streams:
    """Open streams: `run` serves them, `drain` ends them in order."""

    def __init__(
        self, journal: Tail, metrics: Metrics, clock: Clock, taken: Tally | None = None
    ) -> None:
        """`taken` counts streams; given if other processes serve streams too."""
        self._seats = Seats(Limits(), taken)
        self._policy = Policy()
        self._is_draining = False
        self.hub = Hub(
            journal, metrics, clock, on_lost=lambda stream: self._seats.leave(stream.address)
        )

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next stream on."""
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
        """Turn the connection into a stream.

        Args:
            request: The request to answer.
            identity: The client.
            only: The filter.
            format_: The representation.
            head: The response's head.
            begin: Finds the start; called only if limits allow the stream. Its errors pass through.

        Returns:
            What the handler must return.

        Raises:
            ProblemError: The bridge is stopping, or a limit is reached.
        """
        self.refuse_when_draining()
        # Interned: the streams of one proxy keep one text.
        address = sys.intern(self._policy.proxies.client_address(request))
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
        """Refuse new work while the bridge stops.

        Raises:
            ProblemError: The bridge is stopping.
        """
        if self._is_draining:
            raise ProblemError("not_ready", "the bridge is stopping", headers={"Retry-After": "5"})

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.hub.run()

    def end_those(self, is_over: Callable[[Identity], bool]) -> None:
        """End the streams of clients that have lost access."""
        self.hub.end_those(
            lambda stream: stream.identity is not None and is_over(stream.identity), "auth"
        )

    async def drain(self, deadline_s: float) -> None:
        """Open no more streams, deliver committed records, end all; cut the rest in the end."""
        self._is_draining = True
        await self.hub.drain(deadline_s)

    def cut_all(self) -> None:
        """Drop every connection now."""
        self.hub.cut_all()
