"""The three endless representations: how records, heartbeats and farewells look on each.

A format turns a batch into bytes once; the same bytes go to every subscriber of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from bridge.core.event import Record
from bridge.wire import sse, websocket
from bridge.wire.jsontext import dumps
from bridge.wire.websocket import CloseCode, Opcode

RESET_TYPE = "bridge.reset"
RETRY_MS = 2000  # how long a browser waits before it comes back; its own default is 3 to 5 s


class Format(Protocol):
    """One representation. Instances are shared and compared by identity."""

    transport: str  # label of the metrics
    content_type: str  # empty on WebSocket
    is_chunked: bool  # HTTP/1.1 framing around each write
    heartbeat: bytes

    def encode(self, records: Sequence[Record], epoch: str) -> bytes:
        """Return the frames of some records, joined."""
        ...

    def greeting(self, position: str) -> bytes:
        """Return what a subscriber gets first."""
        ...

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """Return the message that says: records after what you asked for are gone."""
        ...

    def farewell(self, retry_ms: int) -> bytes:
        """Return the orderly end; `retry_ms` spreads those who come back."""
        ...


class EventStream:
    """SSE: `data`, then `id` as the last line of the frame, no `event`."""

    transport = "sse"
    content_type = "text/event-stream"

    def __init__(self, *, is_chunked: bool) -> None:
        self.is_chunked = is_chunked
        self.heartbeat = self._wrap(sse.COMMENT)

    def _wrap(self, data: bytes) -> bytes:
        return _chunk(data) if self.is_chunked else data

    def encode(self, records: Sequence[Record], epoch: str) -> bytes:
        prefix = epoch.encode()
        return self._wrap(
            b"".join([sse.encode_record(r.body, b"%b-%d" % (prefix, r.seq)) for r in records])
        )

    def greeting(self, position: str) -> bytes:
        """Tell the pace of reconnects, and the position: a stream cut before its first record
        then resumes exactly too.
        """
        return self._wrap(sse.encode_frame(retry_ms=RETRY_MS, frame_id=position))

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        return self._wrap(sse.encode_frame(_message(facts), event=RESET_TYPE, frame_id=position))

    def farewell(self, retry_ms: int) -> bytes:
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

    def __init__(self, *, is_chunked: bool) -> None:
        self.is_chunked = is_chunked
        self.heartbeat = self._wrap(b" ")

    def _wrap(self, data: bytes) -> bytes:
        return _chunk(data) if self.is_chunked and data else data

    def encode(self, records: Sequence[Record], epoch: str) -> bytes:  # noqa: ARG002 - one shape for all
        return self._wrap(b"".join([b"%b\n" % r.body for r in records]))

    def greeting(self, position: str) -> bytes:  # noqa: ARG002
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:  # noqa: ARG002
        return self._wrap(_message(facts) + b"\n")

    def farewell(self, retry_ms: int) -> bytes:  # noqa: ARG002
        return b"0\r\n\r\n" if self.is_chunked else b""


class Messages:
    """WebSocket: one text message per record."""

    transport = "websocket"
    content_type = ""
    is_chunked = False
    heartbeat = websocket.encode_frame(Opcode.PING, b"")

    def encode(self, records: Sequence[Record], epoch: str) -> bytes:  # noqa: ARG002
        return b"".join([websocket.encode_frame(Opcode.TEXT, r.body) for r in records])

    def greeting(self, position: str) -> bytes:  # noqa: ARG002
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:  # noqa: ARG002
        return websocket.encode_frame(Opcode.TEXT, _message(facts))

    def farewell(self, retry_ms: int) -> bytes:  # noqa: ARG002
        return websocket.encode_close(CloseCode.GOING_AWAY, "the bridge is stopping")


def _message(facts: dict[str, Any]) -> bytes:
    return dumps({"type": RESET_TYPE, **facts})


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


# HTTP/1.0 knows no chunks (nginx speaks it to upstreams unless told otherwise): the end of the
# connection is the end of the body there.
SSE_CHUNKED: Format = EventStream(is_chunked=True)
SSE_RAW: Format = EventStream(is_chunked=False)
NDJSON_CHUNKED: Format = Lines(is_chunked=True)
NDJSON_RAW: Format = Lines(is_chunked=False)
WEBSOCKET: Format = Messages()
