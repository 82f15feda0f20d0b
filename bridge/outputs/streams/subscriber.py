"""One open stream: a position in the journal and a transport, without a task or a queue.

Its states: QUEUED (a cursor with room to write) -> LIVE (at the head, gets each batch) -> WAITING
(its client reads too slowly; a cursor that costs nothing until the transport has drained) -> QUEUED
... -> ENDING (the buffer is still sent) -> CLOSED.
"""

# ruff: noqa: ARG002 - signatures are asyncio's
from __future__ import annotations

import asyncio
import enum
from typing import Protocol, cast

from bridge.core.filter import Filter
from bridge.outputs.http.access import Identity
from bridge.outputs.streams.formats import Format
from bridge.wire.websocket import (
    MESSAGE_BYTES_MAX,
    ClientFrameDecoder,
    CloseCode,
    Opcode,
    WebSocketError,
    encode_close,
    encode_frame,
)

BUFFER_HIGH_BYTES = 64 * 1024
"""Unsent bytes at which a subscriber counts as slow; about a hundred records."""
BUFFER_LOW_BYTES = 16 * 1024
CLIENT_BYTES_MAX = 64 * 1024
"""What a client may send between two beats of a stream that only goes one way: pipelined requests,
mostly."""
WEBSOCKET_BYTES_MAX = CLIENT_BYTES_MAX + MESSAGE_BYTES_MAX
"""The same for WebSocket, where one frame of the longest kind has to fit in."""


class State(enum.Enum):
    """See the module; AHEAD is a cursor beyond the hub's position."""

    QUEUED = enum.auto()
    AHEAD = enum.auto()
    LIVE = enum.auto()
    WAITING = enum.auto()
    ENDING = enum.auto()
    CLOSED = enum.auto()


class Owner(Protocol):
    """Receives a subscriber's changes: the hub."""

    def attach(self, subscriber: Subscriber) -> None:
        """The response head is sent; serve the subscriber from its position."""
        ...

    def note_slow(self, subscriber: Subscriber) -> None:
        """The transport holds more than the high mark."""
        ...

    def note_drained(self, subscriber: Subscriber) -> None:
        """The transport holds less than the low mark again."""
        ...

    def note_ending(self, subscriber: Subscriber) -> None:
        """The hub writes nothing more to it."""
        ...

    def note_lost(self, subscriber: Subscriber) -> None:
        """The connection has ended."""
        ...


class Subscriber(asyncio.Protocol):
    """The protocol of a connection after its response head was sent."""

    __slots__ = (
        "address",
        "beat",
        "client_bytes",
        "format",
        "identity",
        "is_over",
        "is_slow",
        "only",
        "owner",
        "position",
        "reason",
        "rest",
        "state",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(
        self, owner: Owner, only: Filter, format_: Format, position: int, address: str
    ) -> None:
        self.owner = owner
        self.only = only
        self.format = format_
        self.position = position  # written up to here; not updated while LIVE
        self.address = address
        self.state = State.QUEUED
        self.is_slow = False
        self.is_over = False  # the stream ends after `rest`
        self.rest: memoryview | None = None  # the rest of a payload that is too long for one write
        self.beat = 0  # bucket in the hub's wheel of heartbeats
        self.reason = "client"  # why it ended, for the metrics
        self.client_bytes = 0
        self.identity: Identity | None = None  # the client, if it can lose access

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by `hand_over`."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=BUFFER_HIGH_BYTES, low=BUFFER_LOW_BYTES)
        self.owner.attach(self)

    def data_received(self, data: bytes) -> None:
        """Drop what the client sends; end the stream of one that sends too much."""
        self.client_bytes += len(data)
        if self.client_bytes > CLIENT_BYTES_MAX:
            self.end("error")

    def note_beat(self) -> None:
        """Called every few seconds: renews the number of bytes that the client may send."""
        self.client_bytes = 0

    def eof_received(self) -> None:
        """Return None: the transport then closes itself."""

    def pause_writing(self) -> None:
        """Called by the transport above its high mark: the client reads too slowly."""
        self.is_slow = True
        self.owner.note_slow(self)

    def resume_writing(self) -> None:
        """Called by the transport below its low mark: the client has caught up."""
        self.is_slow = False
        self.owner.note_drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once when the connection has ended, for whatever reason."""
        self.owner.note_lost(self)

    def end(self, reason: str, farewell: bytes = b"") -> None:
        """Close after the buffer was sent; `farewell` is sent only between frames."""
        if self.transport.is_closing():
            return
        self.reason = reason
        self.owner.note_ending(self)
        if farewell and self.rest is None:
            self.transport.write(farewell)
        self.transport.close()

    def cut(self, reason: str) -> None:
        """Drop the connection and its buffer now."""
        self.reason = reason
        self.owner.note_ending(self)
        self.transport.abort()


class WebSocketSubscriber(Subscriber):
    """Answers pings and closes; ignores other messages of the client."""

    __slots__ = ("_decoder",)

    def __init__(
        self, owner: Owner, only: Filter, format_: Format, position: int, address: str
    ) -> None:
        super().__init__(owner, only, format_, position, address)
        self._decoder = ClientFrameDecoder()

    def note_beat(self) -> None:
        """See `Subscriber.note_beat`. Renews the number of frames too."""
        super().note_beat()
        self._decoder.refill()

    def data_received(self, data: bytes) -> None:
        """Answer pings and closes; end the stream on a wrong frame."""
        self.client_bytes += len(data)
        if self.client_bytes > WEBSOCKET_BYTES_MAX:
            self.end("error", _TOO_MUCH)
            return
        try:
            frames = self._decoder.feed(data)
        except WebSocketError as error:
            self.end("error", encode_close(error.code, str(error)))
            return
        for frame in frames:
            if frame.opcode is Opcode.CLOSE:
                self.end("client", encode_frame(Opcode.CLOSE, frame.payload[:2]))
            elif frame.opcode is Opcode.PING and not self.is_slow and self.rest is None:
                # A slow client gets no pongs: each would grow its unread buffer.
                self.transport.write(encode_frame(Opcode.PONG, frame.payload))


_TOO_MUCH = encode_close(CloseCode.POLICY, "too many bytes for a one-way stream")
