"""One open stream: a place in the journal and a transport. It has no task and no queue.

Its life: QUEUED (a cursor that may be written to) -> LIVE (gets what everybody at the head gets)
-> WAITING (its client reads too slowly; a cursor that costs nothing until the transport has
drained) -> QUEUED ... -> ENDING (what is buffered still goes out) -> CLOSED.
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
    """See the module's text; AHEAD is a cursor past what the hub has handed out so far."""

    QUEUED = enum.auto()
    AHEAD = enum.auto()
    LIVE = enum.auto()
    WAITING = enum.auto()
    ENDING = enum.auto()
    CLOSED = enum.auto()


class Owner(Protocol):
    """What a subscriber tells: the hub."""

    def attach(self, subscriber: Subscriber) -> None:
        """The response head is out; serve it from its position on."""
        ...

    def note_slow(self, subscriber: Subscriber) -> None:
        """The transport holds more than the high mark."""
        ...

    def note_drained(self, subscriber: Subscriber) -> None:
        """The transport holds less than the low mark again."""
        ...

    def note_ending(self, subscriber: Subscriber) -> None:
        """Nothing more will be written to it."""
        ...

    def note_lost(self, subscriber: Subscriber) -> None:
        """The connection is gone."""
        ...


class Subscriber(asyncio.Protocol):
    """The protocol of a connection once its response head is out."""

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
        self.position = position  # every wanted record up to here was written; not kept while LIVE
        self.address = address
        self.state = State.QUEUED
        self.is_slow = False
        self.is_over = False  # when `rest` is written, nothing follows
        self.rest: memoryview | None = None  # of a payload too long for one write
        self.beat = 0  # bucket of the hub's wheel of heartbeats
        self.reason = "client"  # who ends it, for the metrics
        self.client_bytes = 0
        self.identity: Identity | None = None  # whose stream it is, where that can end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by whoever hands the connection over."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=BUFFER_HIGH_BYTES, low=BUFFER_LOW_BYTES)
        self.owner.attach(self)

    def data_received(self, data: bytes) -> None:
        self.client_bytes += len(data)
        if self.client_bytes > CLIENT_BYTES_MAX:
            self.end("error")

    def note_beat(self) -> None:
        """Called every few seconds: a client may talk again as much as it may."""
        self.client_bytes = 0

    def eof_received(self) -> None:
        """Say nothing: the transport closes itself."""

    def pause_writing(self) -> None:
        self.is_slow = True
        self.owner.note_slow(self)

    def resume_writing(self) -> None:
        self.is_slow = False
        self.owner.note_drained(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.owner.note_lost(self)

    def end(self, reason: str, farewell: bytes = b"") -> None:
        """Close after what is buffered was sent; `farewell` only between frames."""
        if self.transport.is_closing():
            return
        self.reason = reason
        self.owner.note_ending(self)
        if farewell and self.rest is None:
            self.transport.write(farewell)
        self.transport.close()

    def cut(self, reason: str) -> None:
        """Drop the connection and what it holds, now."""
        self.reason = reason
        self.owner.note_ending(self)
        self.transport.abort()


class WebSocketSubscriber(Subscriber):
    """Answers pings and closes; whatever else a client says is skipped."""

    __slots__ = ("_decoder",)

    def __init__(
        self, owner: Owner, only: Filter, format_: Format, position: int, address: str
    ) -> None:
        super().__init__(owner, only, format_, position, address)
        self._decoder = ClientFrameDecoder()

    def note_beat(self) -> None:
        super().note_beat()
        self._decoder.refill()

    def data_received(self, data: bytes) -> None:
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
                # A slow client gets no pongs: each would grow the buffer it does not read.
                self.transport.write(encode_frame(Opcode.PONG, frame.payload))


_TOO_MUCH = encode_close(CloseCode.POLICY, "too many bytes for a one-way stream")
