"""A connection before it becomes a stream: aiohttp's, with limits added.

The server cuts clients that send their request too slowly, send too much, or do not read their
answer. It counts open connections and answers unparsable requests with a problem document.
"""

# ruff: noqa: ARG002 - signatures are aiohttp's
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from bridge.outputs.http.limits import Limits
from bridge.outputs.http.open_connections import OpenConnections
from bridge.outputs.http.problems import COMMON_HEADERS, ProblemError, as_bytes, respond

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest


_LINGER_S = 1.0  # wait for the rest of an unread body before closing
_TAKEN_BYTES_MIN = 32 * 1024  # per `answer_wait_s`: about 1 KiB/s; a slower client is cut


class Connection(web.RequestHandler):
    """One client connection that speaks HTTP."""

    __slots__ = (
        "_answer_anyway",
        "_answer_bytes",
        "_largest_body",
        "_limits",
        "_next_look",
        "_open",
        "_patience",
        "_unread_bytes",
        "_unsent_bytes",
        "address",
    )

    def __init__(
        self,
        server: web.Server,
        limits: Limits,
        others: OpenConnections,
        answer_anyway: Callable[[web.Request], Awaitable[web.StreamResponse]],
        largest_body: int = 0,
    ) -> None:
        """Wait for requests.

        Args:
            server: aiohttp's server.
            limits: Of sizes and times.
            others: Counts this connection.
            answer_anyway: Answers a request without a route, whose `Expect` aiohttp refused.
            largest_body: Bytes of the largest body that any route reads.
        """
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own runner passes None too
            keepalive_timeout=limits.keepalive_s,
            max_line_size=limits.line_bytes_max,
            max_field_size=limits.line_bytes_max,
            max_headers=limits.headers_max,
            lingering_time=_LINGER_S,
            auto_decompress=False,  # no route reads compressed bodies; do not unpack a bomb
        )
        self._limits = limits
        self._answer_anyway = answer_anyway
        self._largest_body = max(largest_body, limits.body_bytes_max)
        self._open = others
        self._patience: asyncio.TimerHandle | None = None  # until the first whole head
        self._next_look: asyncio.TimerHandle | None = None  # next check of a pending answer
        self._unread_bytes = 0  # since the last parsed head
        self._unsent_bytes = 0  # at the last check
        self._answer_bytes = 0  # of the current answer, which stays in memory until sent
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection in, or close it at once if too many are open."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._open.may_enter(self):
            self.force_close()
            return
        self._patience = self._loop.call_later(self._limits.header_wait_s, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection out, and stop its timers."""
        self._be_patient()
        self._stop_looking()
        self._open.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on to aiohttp, or refuse a client that sends too many."""
        self._unread_bytes += len(data)
        # After one head comes its body, of which little is in memory at a time; after several come
        # more requests, each of which costs far more than its bytes.
        is_one = len(self._messages) <= 1
        body_max = self._largest_body if is_one else self._limits.body_bytes_max
        if self._unread_bytes > self._limits.head_bytes_max + body_max:
            self._refuse()
            return
        super().data_received(data)
        is_within_head = self._waiter is not None and not self._messages
        if is_within_head and self._unread_bytes > self._limits.head_bytes_max:
            self._refuse()

    def _refuse(self) -> None:
        """End a request that is too large; answer only if no other answer is pending."""
        if self._patience is not None and self.transport is not None:
            self.transport.write(as_bytes(_TOO_LARGE))
        self.force_close()

    def note_request(self) -> None:
        """Note a complete request head. From here on aiohttp's keep-alive timer applies."""
        self._unread_bytes = 0
        self._be_patient()

    def note_answer(self, size: int) -> None:
        """Note that an answer of `size` bytes is about to be sent."""
        self._answer_bytes = size

    def note_stream(self) -> None:
        """Note that the answer is endless: limits for other connections no longer apply."""
        self._open.leave(self)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # Answers that the client does not read

    def pause_writing(self) -> None:
        """Note a client that does not read; it is cut after `answer_wait_s`."""
        super().pause_writing()
        self._open.note_slow(self)
        self._unsent_bytes = self._buffered_bytes()
        self._next_look = self._loop.call_later(self._limits.answer_wait_s, self._look_at_reader)

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._stop_looking()
        self._open.note_drained(self)
        super().resume_writing()

    def _look_at_reader(self) -> None:
        unsent = self._buffered_bytes()
        if self._unsent_bytes - unsent < _TAKEN_BYTES_MIN:
            self.cut()
            return
        self._unsent_bytes = unsent
        self._next_look = self._loop.call_later(self._limits.answer_wait_s, self._look_at_reader)

    def _stop_looking(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def held_bytes(self) -> int:
        """Bytes that wait in this process; the kernel may hold the beginning of the answer."""
        return max(self._buffered_bytes(), self._answer_bytes)

    def _buffered_bytes(self) -> int:
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def cut(self) -> None:
        """Drop the connection and its buffer now."""
        if self.transport is not None:
            self.transport.abort()

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response, but not aiohttp's own text about an unknown `Expect`.

        Where no route matches, aiohttp reads that header before any of our code.
        """
        if isinstance(resp, web.HTTPExpectationFailed) and isinstance(request, web.Request):
            resp = await self._answer_anyway(request)
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that reached no route, usually because it is not HTTP."""
        self.note_request()
        code = "bad_request" if status < 500 else "internal_error"
        response = respond(ProblemError(code, "this is not a readable HTTP request"))
        response.headers.update(COMMON_HEADERS)
        response.force_close()
        return response


_TOO_LARGE = ProblemError(
    "head_too_large", "the header fields of this request, or its trailers, are too large"
)
