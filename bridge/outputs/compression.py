"""Compresses answers for clients that accept it (docs/decisions has the measurements).

Whole answers are compressed in a thread, so that a large page delays no stream. Of the endless
responses only NDJSON can be compressed: each batch is one zstd frame, made once for all
subscribers.
"""

from __future__ import annotations

import asyncio
import functools
import zlib

import zstandard
from aiohttp import hdrs, web

GZIP, ZSTD = "gzip", "zstd"
SMALLEST_BYTES = 1024  # under that the head of the answer is most of it
IN_PLACE_BYTES_MAX = 32 * 1024  # compressed at once: 0.3 ms at most; a thread would cost more
_GZIP_LEVEL = 4
_ZSTD_LEVEL = 3
_TYPES = frozenset(
    {
        "application/json",
        "application/openmetrics-text",
        "application/problem+json",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)


def maybe_coding(request: web.Request) -> str | None:
    """Return the supported coding that the client prefers; None for none."""
    return _liked_best(",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, [])))


@functools.lru_cache(maxsize=64)  # clients are many, their kinds are few
def _liked_best(accepted: str) -> str | None:
    wishes: dict[str, float] = {}
    for item in accepted.split(","):
        name, *parameters = [part.strip().lower() for part in item.split(";")]
        q = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                q = _number(value)
        if name:
            wishes[name] = q
    # Between equal preferences choose zstd, which costs a third of gzip and is smaller.
    found = max((ZSTD, GZIP), key=lambda name: wishes.get(name, wishes.get("*", 0.0)))
    return found if wishes.get(found, wishes.get("*", 0.0)) > 0 else None


async def compress(request: web.Request, response: web.StreamResponse) -> None:
    """Compress the body of a whole answer if the client accepts it and it saves space."""
    if not isinstance(response, web.Response) or response.content_type not in _TYPES:
        return
    body = response.body
    if not isinstance(body, bytes) or len(body) < SMALLEST_BYTES:
        return
    if hdrs.CONTENT_ENCODING in response.headers:
        return
    coding = maybe_coding(request)
    if coding is None:
        return
    response.body = await squeezed(coding, body)
    response.headers[hdrs.CONTENT_ENCODING] = coding


async def squeezed(coding: str, body: bytes) -> bytes:
    """Return the body in a coding; a large one is compressed in a thread."""
    if len(body) <= IN_PLACE_BYTES_MAX:
        return squeeze(coding, body)
    return await asyncio.to_thread(squeeze, coding, body)


def squeeze(coding: str, body: bytes) -> bytes:
    """Return the body in a coding."""
    if coding == ZSTD:
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value <= 1.0 else 0.0
