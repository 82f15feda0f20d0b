"""Forwards requests that a worker does not answer to the daemon's process.

Heads, bodies, answers and streams pass unchanged. Only the client's address is added, because only
the worker sees it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from bridge.outputs.http.access import Identity, Need
from bridge.outputs.http.addresses import FORWARDED_FOR
from bridge.outputs.http.connection import Connection
from bridge.outputs.http.groups import Policy, Route
from bridge.outputs.http.problems import ProblemError

RELAY = "relay"  # name of the group

_CHUNK_BYTES = 64 * 1024
# Headers of one connection (RFC 9110, section 7.6.1); aiohttp frames the body again.
_NOT_PASSED_ON = frozenset(
    {
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "expect", "x-forwarded-for",
    }
)  # fmt: skip
_NOTHING_ADDED = ("Accept", "Accept-Encoding", "User-Agent", hdrs.CONTENT_TYPE)


class Dialled(aiohttp.BaseConnector):
    """Pooled connections to the process at the other end of `dial`."""

    def __init__(self, dial: Callable[[], socket.socket]) -> None:
        super().__init__(limit=0)  # the worker limits its own connections
        self._dial = dial

    async def _create_connection(self, *_: Any) -> Any:  # aiohttp's hook, as in its UnixConnector
        loop = asyncio.get_running_loop()
        made: Any = await loop.create_unix_connection(self._factory, sock=self._dial())
        return made[1]


class RelayRoutes:
    """Matches every request that no earlier route matches."""

    name = RELAY

    def __init__(self, dial: Callable[[], socket.socket], body_bytes_max: int) -> None:
        """Prepare the relay.

        Args:
            dial: Returns one end of a new connection, or raises OSError.
            body_bytes_max: Bytes of a request's body that are forwarded.
        """
        self._policy = Policy()
        self._body_bytes_max = body_bytes_max
        self._session = aiohttp.ClientSession(
            connector=Dialled(dial),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=_NOTHING_ADDED,
        )

    def routes(self) -> Sequence[Route]:
        """See `RouteGroup.routes`. Access is checked by the process that answers."""
        return (
            Route("*", "/{path:.*}", Need.NOTHING, self.relay, body_bytes_max=self._body_bytes_max),
        )

    def adopt(self, policy: Policy) -> None:
        """Apply this policy from the next request on."""
        self._policy = policy

    async def relay(self, request: web.Request, _: Identity) -> web.StreamResponse:
        """Forward a request, and return its answer.

        Raises:
            ProblemError: The daemon's process does not answer.
        """
        url = URL(f"http://bridge{_path(request)}", encoded=True)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _NOT_PASSED_ON]
        headers.append((FORWARDED_FOR, self._policy.proxies.client_address(request)))
        body = await request.read() if request.body_exists else None
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                return await _pass_back(request, answer)
        except (OSError, aiohttp.ClientError) as error:
            if isinstance(error, ConnectionResetError):
                raise  # the client left
            raise ProblemError(
                "not_ready",
                "the process that follows is not running; try again later",
                headers={"Retry-After": "5"},
            ) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


def _path(request: web.Request) -> str:
    """The path as written; the host of a whole URL must equal the header's."""
    if request.raw_path.startswith("/"):
        return request.raw_path
    url = URL(request.raw_path, encoded=True)
    host = request.headers.get(hdrs.HOST, "")
    if not url.is_absolute() or url.authority.lower() != host.lower():
        raise ProblemError(
            "bad_request", "the request line and the Host header name different servers"
        )
    return url.raw_path_qs


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in answer.headers.items():
        if name.lower() not in _NOT_PASSED_ON:
            response.headers.add(name, value)
    is_endless = hdrs.CONTENT_LENGTH not in answer.headers
    await response.prepare(request)
    if is_endless:
        cast("Connection", request.protocol).note_stream()
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except ConnectionResetError:
        pass  # the client left; every stream ends that way
    return response
