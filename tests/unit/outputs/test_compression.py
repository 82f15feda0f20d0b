"""What is compressed, for whom, and that it can be read back."""

from __future__ import annotations

import gzip
import io

import pytest
import zstandard
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.core.event import Feed, Record
from bridge.outputs.compression import IN_PLACE_BYTES_MAX, SMALLEST_BYTES, compress, maybe_coding
from bridge.outputs.streams.formats import NDJSON_CHUNKED, NDJSON_ZSTD


def asking(wish: str | None) -> web.Request:
    headers = {} if wish is None else {"Accept-Encoding": wish}
    return make_mocked_request("GET", "/", headers=headers)


def unpack(coding: str, body: bytes) -> bytes:
    if coding == "gzip":
        return gzip.decompress(body)
    return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read()


@pytest.mark.parametrize(
    ("wish", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.1, gzip;q=0", "zstd"),
        ("gzip;q=nan", None),
        ("gzip;q=7", None),
        ("gzip;q=x, zstd;q=", None),
    ],
)
def test_the_coding_is_the_clients_choice(wish: str | None, coding: str | None) -> None:
    assert maybe_coding(asking(wish)) == coding


@pytest.mark.parametrize("size", [SMALLEST_BYTES, IN_PLACE_BYTES_MAX, IN_PLACE_BYTES_MAX * 4])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_a_whole_answer_can_be_read_back(size: int, coding: str) -> None:
    body = (b'{"message":"lorem"},' * size)[:size]
    response = web.Response(body=body, content_type="application/json")
    await compress(asking(coding), response)
    assert response.headers["Content-Encoding"] == coding
    assert isinstance(response.body, bytes)
    assert len(response.body) < size / 2
    assert unpack(coding, response.body) == body


@pytest.mark.parametrize(
    "response",
    [
        web.Response(body=b"x" * (SMALLEST_BYTES - 1), content_type="application/json"),
        web.Response(body=b"x" * 9999, content_type="image/png"),
        web.Response(status=204),
        web.Response(body=b"x" * 9999, content_type="text/css", headers={"Content-Encoding": "br"}),
    ],
)
async def test_what_is_left_as_it_is(response: web.Response) -> None:
    before = response.body
    await compress(asking("gzip"), response)
    assert response.body is before


def test_batches_for_everybody_are_one_stream_for_each() -> None:
    """However a stream is put together of batches, heartbeats and an end, it is whole."""
    feed = Feed("mogplex", "default", "run", "r", "/r")
    records = [Record(n, feed, f"e{n}", "t", b'{"n":%d}' % n) for n in range(6)]

    def stream(first: int) -> bytes:
        return NDJSON_ZSTD.heartbeat + b"".join(
            NDJSON_ZSTD.join([NDJSON_ZSTD.frame(r, b"e") for r in records[at : at + 2]])
            for at in range(first, 6, 2)
        )

    for first in (0, 2):
        chunks, rest = b"", stream(first)
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks, rest = chunks + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        reader = zstandard.ZstdDecompressor().stream_reader(
            io.BytesIO(chunks), read_across_frames=True
        )
        plain = b" " + b"".join(r.body + b"\n" for r in records[first:])
        assert reader.read() == plain
    assert NDJSON_ZSTD.farewell(0) == NDJSON_CHUNKED.farewell(0)
