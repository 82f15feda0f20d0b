"""A connection before it is a stream: aiohttp's, plus what it lacks.

Clients that do not send a whole request in time are cut, there is a limit on open connections, and
what cannot be parsed is answered with a problem document too.
"""

# ruff: noqa: ARG002 - signatures are aiohttp's
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bridge.outputs.limits import Limits
from bridge.outputs.problems import ProblemError, respond

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest


_LINGER_S = 1.0  # for the rest of a body nobody reads, before the connection is closed


class Connection(web.RequestHandler):
    """One client connection that speaks HTTP."""

    __slots__ = ("_count_open", "_limits", "_patience")

    def __init__(self, server: web.Server, limits: Limits, count_open: Callable[[], int]) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own runner passes None too
            keepalive_timeout=limits.keepalive_s,
            max_line_size=limits.line_bytes_max,
            max_field_size=limits.line_bytes_max,
            max_headers=limits.headers_max,
            lingering_time=_LINGER_S,
        )
        self._limits = limits
        self._count_open = count_open
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._count_open() > self._limits.other_connections_max:
            self.force_close()
            return
        self._patience = self._loop.call_later(self._limits.header_wait_s, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.note_request()
        super().connection_lost(exc)

    def note_request(self) -> None:
        """A whole request head has arrived. From here on aiohttp's keep-alive timer watches."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never reached a route: mostly requests that are not HTTP."""
        self.note_request()
        code = "bad_request" if status < 500 else "internal_error"
        response = respond(ProblemError(code, "this is not an HTTP request that can be read here"))
        response.force_close()
        return response
