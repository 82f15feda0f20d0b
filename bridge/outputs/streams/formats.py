"""The three endless representations: how they encode records, heartbeats and farewells.

A format encodes a batch once; all subscribers of the batch get the same bytes.
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
RETRY_MS = 2000  # a browser's reconnect delay; its default is 3 to 5 s


class Format(Protocol):
    """One representation. Instances are shared and compared by identity."""

    transport: str  # label of the metrics
    content_type: str  # empty on WebSocket
    content_coding: str  # empty for none
    is_chunked: bool  # HTTP/1.1 framing around each write
    heartbeat: bytes

    def frame(self, record: Record, epoch: bytes) -> bytes:
        """Return one record in the form of the stream."""
        ...

    def join(self, frames: Sequence[bytes]) -> bytes:
        """Join frames to one write."""
        ...

    def greeting(self, position: str) -> bytes:
        """Return the first bytes for a subscriber."""
        ...

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """Return the message that reports an expired position."""
        ...

    def is_last(self, record: Record) -> bool:
        """Whether the stream ends after this record."""
        ...

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """Return the orderly end.

        Args:
            retry_ms: When the client should reconnect; differs per client to spread them.
            reason: The reason in the metrics, "shutdown" or "auth".
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
        """See `Format.frame`. The frame's id is the position, `<epoch>-<seq>`."""
        return sse.encode_record(record.body, b"%b-%d" % (epoch, record.seq))

    def join(self, frames: Sequence[bytes]) -> bytes:
        """See `Format.join`."""
        return self._wrap(b"".join(frames))

    def greeting(self, position: str) -> bytes:
        """Send the reconnect delay and the position.

        With the position, a stream that is cut before its first record resumes exactly too.
        """
        return self._wrap(sse.encode_frame(retry_ms=RETRY_MS, frame_id=position))

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """See `Format.reset`."""
        return self._wrap(sse.encode_frame(_message(facts), event=RESET_TYPE, frame_id=position))

    def is_last(self, record: Record) -> bool:
        """See `Format.is_last`. Never: the stream has no end."""
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """See `Format.farewell`. SSE can send the delay, but no reason."""
        return self._wrap(sse.encode_frame(retry_ms=retry_ms)) + (
            b"0\r\n\r\n" if self.is_chunked else b""
        )


class Lines:
    """NDJSON: one record per line.

    The heartbeat is one blank. It becomes the start of the next line, where JSON allows it, so
    every line stays a record and no reader gets an empty one.
    """

    transport = "ndjson"
    content_type = "application/x-ndjson"

    def __init__(self, *, is_chunked: bool, content_coding: str = "") -> None:
        self.is_chunked = is_chunked
        self.content_coding = content_coding
        self.heartbeat = self._wrap(b" ")

    def _wrap(self, data: bytes) -> bytes:
        """Compress each write as its own frame, so that the same bytes fit every stream."""
        if self.content_coding and data:
            data = squeeze(self.content_coding, data)
        return chunk(data) if self.is_chunked and data else data

    def frame(self, record: Record, epoch: bytes) -> bytes:
        """See `Format.frame`."""
        return record.body + b"\n"

    def join(self, frames: Sequence[bytes]) -> bytes:
        """See `Format.join`."""
        return self._wrap(b"".join(frames))

    def greeting(self, position: str) -> bytes:
        """See `Format.greeting`. Empty: every line is a record."""
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """See `Format.reset`."""
        return self._wrap(_message(facts) + b"\n")

    def is_last(self, record: Record) -> bool:
        """See `Format.is_last`. Never: the stream has no end."""
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """See `Format.farewell`. Only the last chunk: every line is a record."""
        return b"0\r\n\r\n" if self.is_chunked else b""


class Messages:
    """WebSocket: one text message per record."""

    transport = "websocket"
    content_type = ""
    content_coding = ""
    is_chunked = False
    heartbeat = websocket.encode_frame(Opcode.PING, b"")

    def frame(self, record: Record, epoch: bytes) -> bytes:
        """See `Format.frame`."""
        return websocket.encode_frame(Opcode.TEXT, record.body)

    def join(self, frames: Sequence[bytes]) -> bytes:
        """See `Format.join`."""
        return b"".join(frames)

    def greeting(self, position: str) -> bytes:
        """See `Format.greeting`. Empty: every message is a record."""
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """See `Format.reset`."""
        return websocket.encode_frame(Opcode.TEXT, _message(facts))

    def is_last(self, record: Record) -> bool:
        """See `Format.is_last`. Never: the stream has no end."""
        return False

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """See `Format.farewell`. A close frame with the code for the reason."""
        if reason == "auth":
            return websocket.encode_close(CloseCode.POLICY, "the token is no longer valid")
        return websocket.encode_close(CloseCode.GOING_AWAY, "the bridge is stopping")


def _message(facts: dict[str, Any]) -> bytes:
    return dumps({"type": RESET_TYPE, **facts})


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of an HTTP/1.1 body; it must not be empty, which ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


# HTTP/1.0 (nginx's default towards upstreams) has no chunks: there the end of the connection ends
# the body.
SSE_CHUNKED: Format = EventStream(is_chunked=True)
SSE_RAW: Format = EventStream(is_chunked=False)
NDJSON_CHUNKED: Format = Lines(is_chunked=True)
NDJSON_RAW: Format = Lines(is_chunked=False)
NDJSON_ZSTD: Format = Lines(is_chunked=True, content_coding=ZSTD)
WEBSOCKET: Format = Messages()


def reset_facts(journal: Reader, asked: str, reason: str) -> dict[str, str]:
    """Return the data of a `bridge.reset`: the requested position and the oldest record's."""
    return {
        "asked": asked[:200],
        "reason": reason,
        "oldest": str(Position(journal.epoch, journal.floor)),
        "newest": str(Position(journal.epoch, journal.head)),
    }
