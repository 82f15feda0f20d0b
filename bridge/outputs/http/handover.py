"""Take a connection over from aiohttp once the request is understood.

aiohttp keeps a task, a parser and timers per request, nine tenths of the memory of an idle stream
(0017-fan-out.md). A stream needs none of them after its head is out. So the handler gives the
transport a protocol of ours, tells aiohttp that its connection is lost, and returns a
response that writes nothing; aiohttp's own loop over the requests of the connection then ends by
itself.
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
    """The response of a connection that is another protocol's by the time aiohttp writes it."""

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Do nothing: the head is out."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: the body is not ours."""


def hand_over(request: web.Request, head: bytes, successor: asyncio.Protocol) -> web.StreamResponse:
    """Write `head`, make `successor` the protocol of the connection and call its
    `connection_made`; return what the handler has to return.

    Raises ConnectionResetError when the client left meanwhile; nothing was handed over then.
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
