"""GET /v1/events and /v1/runs/{runId}/events: one resource, four representations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate

from aiohttp import hdrs, web

from bridge.clock import Clock
from bridge.core.filter import Filter
from bridge.core.position import Position
from bridge.journal.port import Reader
from bridge.metrics import Metrics
from bridge.outputs.compression import compress
from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.feed_lists import may_see
from bridge.outputs.http.groups import Policy, Route
from bridge.outputs.http.pages import has_records, read_page, search
from bridge.outputs.http.port import InvalidIdError, KnownFeeds
from bridge.outputs.http.problems import COMMON_HEADERS, ProblemError
from bridge.outputs.http.query import (
    FeedPath,
    Query,
    invalid,
    is_connection_upgrade,
    maybe_format,
    read_query,
)
from bridge.outputs.http.routes_feeds import unknown_feed
from bridge.outputs.http.routes_runs import RUN, unknown_run
from bridge.outputs.http.start import Start, find_start
from bridge.outputs.http.streaming import STREAM_HEADERS, Beginning, Streams
from bridge.outputs.http.turns import HungUpError, Reading, Turns
from bridge.outputs.streams.formats import WEBSOCKET, Format, reset_facts
from bridge.wire.websocket import maybe_accept_key

_WEBSOCKET_VERSION = "13"


class EventRoutes:
    """The handlers of the two routes."""

    name = "events"

    def __init__(
        self,
        journal: Reader,
        known: KnownFeeds,
        streams: Streams,
        turns: Turns,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._policy = Policy()
        self._pages = asyncio.Semaphore(self._policy.limits.pages_at_once_max)
        self._journal = journal
        self._known = known
        self._streams = streams
        self._turns = turns
        self._clock = clock
        self._pages_delivered = metrics.deliveries_total.labels(transport="page")

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`."""
        return (
            Route("GET", "/v1/events", Need.STREAM, self.get),
            Route("GET", "/v1/runs/{id}/events", Need.STREAM, self.get),
            Route("GET", "/v1/feeds/{kind}/{id}/events", Need.STREAM, self.get),
        )

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next request on."""
        if policy.limits.pages_at_once_max != self._policy.limits.pages_at_once_max:
            self._pages = asyncio.Semaphore(policy.limits.pages_at_once_max)
        self._policy = policy

    async def get(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        """Answer in the requested representation.

        Raises:
            ProblemError: The request is invalid, forbidden, or over a limit.
        """
        policy = self._policy
        path = request.match_info
        feed = FeedPath(path.get("kind", RUN), path["id"]) if "id" in path else None
        query = read_query(request, policy.limits, self._ids, feed)
        format_ = maybe_format(request, may_compress=policy.may_compress)
        only = identity.narrow(query.only)
        if feed is not None and (only is None or not await self._is_known(feed, identity, only)):
            raise unknown_run(feed.id) if "kind" not in path else unknown_feed(*feed)
        if only is None:
            raise ProblemError("forbidden", "your token does not allow what this filter selects")
        query = replace(query, only=only)
        if format_ is None:
            try:
                return await self._page(request, query, identity)
            except HungUpError:
                return web.Response(status=503)  # nobody reads it
        if query.sought is not None:
            raise invalid(
                "text", "works on pages only: a stream sends all that the other filters match"
            )
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=_stream_headers(format_))
        return await self._stream(request, query, format_, identity)

    def _ids(self, kind: str | None, text: str) -> frozenset[str]:
        try:
            return self._known.ids(kind, text)
        except InvalidIdError:  # no such feed: the filter matches nothing
            return frozenset((text,))

    async def _is_known(self, feed: FeedPath, identity: Identity, only: Filter) -> bool:
        """Whether anything of a feed exists that `identity` may see."""
        view = await self._known.find(feed.kind, feed.id)
        is_theirs = view is not None and may_see(identity, view)
        return is_theirs or await has_records(self._journal, only)

    def _reading(self, request: web.Request, identity: Identity) -> Reading:
        address = self._policy.proxies.client_address(request)
        return self._turns.reading(f"{address} {identity.name}", lambda: request.transport is None)

    async def _page(
        self, request: web.Request, query: Query, identity: Identity
    ) -> web.StreamResponse:
        async with self._reading(request, identity) as reading:
            start = await find_start(self._journal, query, reading)
            if start.missed is not None:
                raise ProblemError(
                    "position_gone",
                    "records after this position are not available; start again with after=0",
                    members=reset_facts(self._journal, query.asked or "", start.missed),
                )
            response = await self._read_and_pack(request, query, start.after, reading)
            if response is None:  # a search; it keeps no place meanwhile
                after = await search(self._journal, query, start.after, reading)
                response = await self._read_and_pack(request, query, after, reading, is_last=True)
        assert response is not None
        return response

    async def _read_and_pack(
        self,
        request: web.Request,
        query: Query,
        after: int,
        reading: Reading,
        *,
        is_last: bool = False,
    ) -> web.Response | None:
        """A page; None if the first reads found nothing and more of the journal remains."""
        async with self._pages:  # limits the pages that wait for compression
            page = await read_page(self._journal, query, after, self._policy.limits, reading)
            if not page.records and page.next_after < self._journal.head and not is_last:
                return None
            self._pages_delivered.inc(page.records)
            response = web.Response(
                body=page.body,
                content_type="application/json",
                headers={"Cache-Control": "no-store", hdrs.VARY: hdrs.ACCEPT},
            )
            if self._policy.may_compress:
                await compress(request, response)
            return response

    async def _stream(
        self, request: web.Request, query: Query, format_: Format, identity: Identity
    ) -> web.StreamResponse:
        self._streams.refuse_when_draining()
        head = (
            _websocket_head(request)
            if format_ is WEBSOCKET
            else _stream_head(format_, self._clock.wall(), self._cors(request, format_))
        )

        async def begin() -> Beginning:
            async with self._reading(request, identity) as reading:
                start = await find_start(self._journal, query, reading)
            return Beginning(start.after, self._first_bytes(query, format_, start))

        return await self._streams.open(request, identity, query.only, format_, head, begin)

    def _cors(self, request: web.Request, format_: Format) -> Mapping[str, str]:
        vary = ["Accept", self._policy.origins.vary]
        if self._policy.may_compress and format_.transport == "ndjson":
            vary.append("Accept-Encoding")
        return {**self._policy.origins.headers(request), "Vary": ", ".join(filter(None, vary))}

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
    """Accept the handshake (RFC 6455, section 4.2).

    Raises:
        ProblemError: The version or a header of the handshake is wrong.
    """
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
