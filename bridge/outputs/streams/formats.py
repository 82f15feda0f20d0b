"""The three endless representations: how records, heartbeats and farewells look on each.

A format turns a batch into bytes once; the same bytes go to every subscriber of the batch.
"""

# ruff: noqa: ARG002 - three formats, one shape
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bridge.core.event import Record
from bridge.core.position import Position
from bridge.journal.port import Reader
from bridge.outputs.compression import ZSTD, squeeze
from bridge.wire import sse, websocket
from bridge.wire.jsontext import dumps
from bridge.wire.websocket import CloseCode, Opcode

TRANSPORTS = ("sse", "ndjson", "websocket")
RESET_TYPE = "bridge.reset"
RETRY_MS = 2000  # how long a browser waits before it comes back; its own default is 3 to 5 s


class Format(Protocol):
    """One representation. Instances are shared and compared by identity."""

    transport: str  # label of the metrics
    content_type: str  # empty on WebSocket
    content_coding: str  # empty for none
    is_chunked: bool  # HTTP/1.1 framing around each write
    heartbeat: bytes

    def frame(self, record: Record, epoch: bytes) -> bytes:
        """Return one record as it stands in the stream."""
        ...

    def join(self, frames: Sequence[bytes]) -> bytes:
        """Return frames as one write."""
        ...

    def greeting(self, position: str) -> bytes:
        """Return what a subscriber gets first."""
        ...

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """Return the message that says: records after what you asked for are gone."""
        ...

    def is_last(self, record: Record) -> bool:
        """Whether the stream is over after this record."""
        ...

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """Return the orderly end; `retry_ms` spreads those who come back. `reason` is that of the
        metrics, "shutdown" or "auth".
        """
        ...


class EventStream:
    """SSE: `data`, then `id` as the last line of the frame, no `event`."""

    transport = "sse"
    content_type = "text/event-stream"
    content_coding = ""

    def __init__(self, *, is_chunked: bool) -> None:
        self.is_chunked = is_chunked
        self.heartbeat = self._wrap(sse.COMMENT)

    def _wrap(self, data: bytes) -> bytes:
        return chunk(data) if self.is_chunked else data

    def frame(self, record: Record, epoch: bytes) -> bytes:
        return sse.encode_record(record.body, b"%b-%d" % (epoch, record.seq))

    def join(self, frames: Sequence[bytes]) -> bytes:
        return self._wrap(b"".join(frames))

    def greeting(self, position: str) -> bytes:
        """Tell the pace of reconnects, and the position: a stream cut before its first record
        then resumes exactly too.
        """
        return self._wrap(sse.encode_frame(retry_ms=RETRY_MS, frame_id=position))

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        return self._wrap(sse.encode_frame(_message(facts), event=RESET_TYPE, frame_id=position))

    def is_last(self, record: Record) -> bool:
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        return self._wrap(sse.encode_frame(retry_ms=retry_ms)) + (
            b"0\r\n\r\n" if self.is_chunked else b""
        )


class Lines:
    """NDJSON: one record a line.

    The heartbeat is one blank: it becomes the start of the next line, where JSON allows it, so
    that every line stays a record and no reader meets an empty one.
    """

    transport = "ndjson"
    content_type = "application/x-ndjson"

    def __init__(self, *, is_chunked: bool, content_coding: str = "") -> None:
        self.is_chunked = is_chunked
        self.content_coding = content_coding
        self.heartbeat = self._wrap(b" ")

    def _wrap(self, data: bytes) -> bytes:
        """Compressed, each write is a frame of its own: the same bytes fit into every stream."""
        if self.content_coding and data:
            data = squeeze(self.content_coding, data)
        return chunk(data) if self.is_chunked and data else data

    def frame(self, record: Record, epoch: bytes) -> bytes:
        return record.body + b"\n"

    def join(self, frames: Sequence[bytes]) -> bytes:
        return self._wrap(b"".join(frames))

    def greeting(self, position: str) -> bytes:
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        return self._wrap(_message(facts) + b"\n")

    def is_last(self, record: Record) -> bool:
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        return b"0\r\n\r\n" if self.is_chunked else b""


class Messages:
    """WebSocket: one text message per record."""

    transport = "websocket"
    content_type = ""
    content_coding = ""
    is_chunked = False
    heartbeat = websocket.encode_frame(Opcode.PING, b"")

    def frame(self, record: Record, epoch: bytes) -> bytes:
        return websocket.encode_frame(Opcode.TEXT, record.body)

    def join(self, frames: Sequence[bytes]) -> bytes:
        return b"".join(frames)

    def greeting(self, position: str) -> bytes:
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        return websocket.encode_frame(Opcode.TEXT, _message(facts))

    def is_last(self, record: Record) -> bool:
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        if reason == "auth":
            return websocket.encode_close(CloseCode.POLICY, "the token is no longer valid")
        return websocket.encode_close(CloseCode.GOING_AWAY, "the bridge is stopping")


def _message(facts: dict[str, Any]) -> bytes:
    return dumps({"type": RESET_TYPE, **facts})


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# HTTP/1.0 knows no chunks (nginx speaks it to upstreams unless told otherwise): the end of the
# connection is the end of the body there.
SSE_CHUNKED: Format = EventStream(is_chunked=True)
SSE_RAW: Format = EventStream(is_chunked=False)
NDJSON_CHUNKED: Format = Lines(is_chunked=True)
NDJSON_RAW: Format = Lines(is_chunked=False)
NDJSON_ZSTD: Format = Lines(is_chunked=True, content_coding=ZSTD)
WEBSOCKET: Format = Messages()


def reset_facts(journal: Reader, asked: str, reason: str) -> dict[str, str]:
    """Return what a `bridge.reset` tells: the position asked for and the oldest record there."""
    return {
        "asked": asked[:200],
        "reason": reason,
        "oldest": str(Position(journal.epoch, journal.floor)),
        "newest": str(Position(journal.epoch, journal.head)),
    }
