"""The last steps of a request: send an answer, half of one, or none."""

from __future__ import annotations

import zlib

from aiohttp import web

from bridge.simulator.kit.clock import SimClock, sleep
from bridge.simulator.kit.replies import Reply
from bridge.simulator.kit.requestlog import RequestRecord
from bridge.simulator.kit.times import http_date

GZIP_BYTES_MIN = 860  # smaller bodies do not shrink enough to matter
_GZIP_WBITS = 31  # deflate with a gzip header


def bearer(request: web.Request) -> str | None:
    """None when the header is absent or does not start with `Bearer `."""
    header = request.headers.get("Authorization", "")
    return header[7:].strip() if header.startswith("Bearer ") else None


async def send(
    request: web.Request,
    record: RequestRecord,
    reply: Reply,
    clock: SimClock,
    *,
    delay_s: float = 0.0,
    gzip: bool = False,
) -> web.StreamResponse:
    """Answer, `delay_s` simulated seconds from now; `gzip`: compress for clients that ask."""
    if delay_s > 0:
        await sleep(clock, delay_s)
    record.status = reply.status
    headers = {**reply.headers, "Date": http_date(clock.now())}
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    body = reply.body
    asked = request.headers.get("Accept-Encoding", "")
    if gzip and "gzip" in asked and len(body) >= GZIP_BYTES_MIN:
        packer = zlib.compressobj(1, wbits=_GZIP_WBITS)
        body = packer.compress(body) + packer.flush()
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    response = web.Response(status=reply.status, body=body, headers=headers)
    if reply.content_type is None:
        # aiohttp would call an empty body a download; the framework names no type.
        response.headers.popall("Content-Type", None)
    return response


async def send_half(
    request: web.Request, record: RequestRecord, reply: Reply
) -> web.StreamResponse:
    """Promise the whole body, send half of it, and close."""
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    record.status = reply.status
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def drop(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    # The exception never leaves the process: the server finds the transport closed.
    return web.Response(status=500)
