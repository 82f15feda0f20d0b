"""GET /v1/events and /v1/runs/{runId}/events: one resource, four representations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from email.utils import formatdate

from aiohttp import hdrs, web

from bridge.clock import Clock
from bridge.core.filter import Filter
from bridge.core.position import Position
from bridge.metrics import Metrics
from bridge.outputs.compression import compress
from bridge.outputs.http.access import Identity
from bridge.outputs.http.addresses import Proxies
from bridge.outputs.http.handover import hand_over
from bridge.outputs.http.limits import Limits, Seats
from bridge.outputs.http.origins import Origins
from bridge.outputs.http.pages import has_records, read_page
from bridge.outputs.http.problems import COMMON_HEADERS, ProblemError
from bridge.outputs.http.query import Query, is_connection_upgrade, maybe_format, read_query
from bridge.outputs.http.routes_runs import may_see, unknown_run
from bridge.outputs.http.start import Start, find_start
from bridge.outputs.port import Runs
from bridge.outputs.streams.formats import WEBSOCKET, Format
from bridge.outputs.streams.hub import Hub, Tail, reset_facts
from bridge.outputs.streams.subscriber import Subscriber, WebSocketSubscriber
from bridge.wire.websocket import maybe_accept_key

# No proxy may keep, compress or gather what should arrive at once (readers.md).
STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_WEBSOCKET_VERSION = "13"


class EventRoutes:
    """The handlers of the two routes."""

    def __init__(
        self, journal: Tail, runs: Runs, hub: Hub, metrics: Metrics, limits: Limits, clock: Clock
    ) -> None:
        self.origins = Origins()
        self.proxies = Proxies()
        self.may_compress = True
        self._pages = asyncio.Semaphore(limits.pages_at_once_max)
        self._journal = journal
        self._runs = runs
        self._hub = hub
        self._limits = limits
        self._clock = clock
        self._seats = Seats(limits)
        self._pages_delivered = metrics.deliveries_total.labels(transport="page")
        hub.on_lost = lambda subscriber: self._seats.leave(subscriber.address)
        self.is_draining = False

    def set_limits(self, limits: Limits) -> None:
        """Hold to these limits from the next request on."""
        self._limits = limits
        self._seats.limits = limits

    async def get(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Answer in the representation that is asked for. Raises ProblemError."""
        run_id = request.match_info.get("run_id")
        query = read_query(request, self._limits, run_id)
        format_ = maybe_format(request, may_compress=self.may_compress)
        only = identity.narrow(query.only)
        if run_id is not None and (
            only is None or not await self._is_known(run_id, identity, only)
        ):
            raise unknown_run(run_id)
        if only is None:
            raise ProblemError("forbidden", "your token does not reach what this filter asks for")
        query = replace(query, only=only)
        if format_ is None:
            async with self._pages:
                page = await self._page(query)
                if self.may_compress:  # here, or pages would gather before the compressor
                    await compress(request, page)
                return page
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=_stream_headers(format_))
        return await self._stream(request, query, format_, identity)

    async def _is_known(self, run_id: str, identity: Identity, only: Filter) -> bool:
        """Tell whether there is anything of a run that `identity` may see."""
        view = self._runs.view(run_id)
        return (view is not None and may_see(identity, view)) or await has_records(
            self._journal, only
        )

    async def _page(self, query: Query) -> web.Response:
        start = await find_start(self._journal, query)
        if start.missed is not None:
            raise ProblemError(
                "position_gone",
                "what you asked for is not available; begin again with after=0",
                members=reset_facts(self._journal, query.asked or "", start.missed),
            )
        page = await read_page(self._journal, query, start, self._limits)
        self._pages_delivered.inc(page.records)
        return web.Response(
            body=page.body,
            content_type="application/json",
            headers={"Cache-Control": "no-store", hdrs.VARY: hdrs.ACCEPT},
        )

    async def _stream(
        self, request: web.Request, query: Query, format_: Format, identity: Identity
    ) -> web.StreamResponse:
        if self.is_draining:
            raise ProblemError("not_ready", "the bridge is stopping", headers={"Retry-After": "5"})
        head = (
            _websocket_head(request)
            if format_ is WEBSOCKET
            else _stream_head(format_, self._clock.wall(), self._cors(request, format_))
        )
        address = self.proxies.client_address(request)
        self._seats.take(address)
        try:
            async with self._pages:  # a long tail is a large read too
                start = await find_start(self._journal, query)
            subscriber = self._subscriber(query.only, format_, start, address)
            subscriber.identity = identity
            first = self._first_bytes(query, format_, start)
            return hand_over(request, head + first, subscriber)
        except BaseException as error:
            self._seats.leave(address)
            if isinstance(error, ConnectionResetError):
                return web.Response(status=503)  # nobody reads it
            raise

    def _cors(self, request: web.Request, format_: Format) -> Mapping[str, str]:
        vary = ["Accept", self.origins.vary]
        if self.may_compress and format_.transport == "ndjson":
            vary.append("Accept-Encoding")
        return {**self.origins.headers(request), "Vary": ", ".join(filter(None, vary))}

    def _subscriber(self, only: Filter, format_: Format, start: Start, address: str) -> Subscriber:
        made = WebSocketSubscriber if format_ is WEBSOCKET else Subscriber
        return made(self._hub, only, format_, start.after, address)

    def _first_bytes(self, query: Query, format_: Format, start: Start) -> bytes:
        position = str(Position(self._journal.epoch, start.after))
        first = format_.greeting(position)
        if start.missed is not None:
            facts = reset_facts(self._journal, query.asked or "", start.missed)
            first += format_.reset(facts, position)
        return first


def _stream_headers(format_: Format) -> Mapping[str, str]:
    headers = {"Content-Type": format_.content_type, **STREAM_HEADERS}
    if format_.content_coding:
        headers["Content-Encoding"] = format_.content_coding
    return headers


def _stream_head(format_: Format, now_s: float, more: Mapping[str, str]) -> bytes:
    framing = (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
        if format_.is_chunked
        else "HTTP/1.0 200 OK\r\nConnection: close"
    )
    headers = {**_stream_headers(format_), **COMMON_HEADERS, **more}
    lines = [
        framing,
        f"Date: {formatdate(now_s, usegmt=True)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _websocket_head(request: web.Request) -> bytes:
    """Accept the handshake (RFC 6455, section 4.2). Raises ProblemError."""
    if request.headers.get(hdrs.SEC_WEBSOCKET_VERSION) != _WEBSOCKET_VERSION:
        raise ProblemError(
            "unsupported_websocket_version",
            "send Sec-WebSocket-Version: 13",
            headers={hdrs.SEC_WEBSOCKET_VERSION: _WEBSOCKET_VERSION},
        )
    accept = maybe_accept_key(request.headers.get(hdrs.SEC_WEBSOCKET_KEY, ""))
    if accept is None or not is_connection_upgrade(request) or request.version < (1, 1):
        raise ProblemError(
            "invalid_websocket",
            "a handshake is GET over HTTP/1.1 with Connection: Upgrade, Upgrade: websocket"
            " and a Sec-WebSocket-Key of 16 bytes in base64",
        )
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()
