"""Takes a connection over from aiohttp after the request head was parsed.

aiohttp keeps a task, a parser and timers per request, nine tenths of the memory of an idle stream
(0017-fan-out.md). A stream needs none of them after its head is sent. So the handler sets another
protocol on the transport, tells aiohttp that its connection is lost, and returns a response that
writes nothing; aiohttp's loop over the connection's requests then ends by itself.
"""

# ruff: noqa: ARG002 - signatures are aiohttp's
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.web_request import BaseRequest


class HandOver(web.StreamResponse):
    """The response of a connection that already belongs to another protocol."""

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing: the head is sent."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body belongs to the stream."""


def hand_over(request: web.Request, head: bytes, successor: asyncio.Protocol) -> web.StreamResponse:
    """Write the head and make `successor` the connection's protocol.

    This calls the successor's `connection_made`.

    Returns:
        What the handler must return.

    Raises:
        ConnectionResetError: The client left meanwhile; nothing was handed over.
    """
    handler, transport = request.protocol, request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client left before its stream began")
    transport.set_protocol(successor)
    handler.transport = None  # or the next line would close it
    handler.connection_lost(None)
    if not transport.is_reading():
        transport.resume_reading()
    transport.write(head)
    successor.connection_made(transport)
    return HandOver()
