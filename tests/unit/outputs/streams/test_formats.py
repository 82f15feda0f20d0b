"""How a batch looks on each representation; clients of all kinds read them in tests/clients."""

from __future__ import annotations

import json

import pytest
import zstandard

from bridge.outputs.streams import formats
from bridge.outputs.streams.formats import Format
from tests.journal_records import draft, record

ALL = (
    formats.SSE_CHUNKED,
    formats.SSE_RAW,
    formats.NDJSON_CHUNKED,
    formats.NDJSON_RAW,
    formats.NDJSON_ZSTD,
    formats.WEBSOCKET,
)


def dechunked(data: bytes) -> bytes:
    """The bytes of complete HTTP/1.1 chunks (RFC 9112, 7.1)."""
    out = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        out += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        data = rest[length + 2 :]
    return out


def test_the_id_is_the_last_line_of_a_frame_and_there_is_no_event_line() -> None:
    frame = formats.SSE_RAW.frame(record(draft("r", "e", "t"), 7), b"ep")
    lines = frame.decode().rstrip("\n").split("\n")
    assert lines[-1] == "id: ep-7"
    assert not [line for line in lines if line.startswith("event:")]
    (data,) = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    assert json.loads(data)["id"]


def test_chunked_and_raw_carry_the_same_bytes() -> None:
    frames = [(7, b"ep"), (8, b"ep")]
    made = [formats.SSE_RAW.frame(record(draft("r", "e", "t"), seq), ep) for seq, ep in frames]
    assert dechunked(formats.SSE_CHUNKED.join(made)) == formats.SSE_RAW.join(made)


def test_a_heartbeat_keeps_every_ndjson_line_a_record() -> None:
    one = formats.NDJSON_RAW.frame(record(draft("r", "e", "t"), 1), b"ep")
    text = formats.NDJSON_RAW.heartbeat + one
    assert [json.loads(line) for line in text.splitlines()]


def test_each_compressed_write_can_be_read_as_soon_as_it_came() -> None:
    frames = [formats.NDJSON_ZSTD.frame(record(draft("r", "e", "t"), 1), b"ep")]
    written = dechunked(formats.NDJSON_ZSTD.join(frames))
    assert zstandard.ZstdDecompressor().decompressobj().decompress(written) == frames[0]


@pytest.mark.parametrize("format_", ALL, ids=lambda f: f.transport + f.content_coding)
def test_a_reset_says_what_was_asked_and_what_is_there(format_: Format) -> None:
    out = format_.reset({"asked": "ep-3", "oldest": "ep-9"}, "ep-8")
    assert out
    if format_ is formats.SSE_RAW:
        assert b"event: bridge.reset" in out
        assert out.rstrip().endswith(b"id: ep-8")


def test_a_browser_is_told_once_when_to_come_back_and_where_it_is() -> None:
    greeting = formats.SSE_RAW.greeting("ep-8").decode()
    assert f"retry: {formats.RETRY_MS}" in greeting
    assert "id: ep-8" in greeting
