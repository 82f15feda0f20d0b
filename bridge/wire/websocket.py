"""WebSocket frames: the server's half of RFC 6455, as far as a one-way stream needs it.

Clients send only ping, pong and close; the decoder skips messages unread, within a limit.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
from typing import NamedTuple

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_CONTROL_BYTES_MAX = 125  # RFC 6455, section 5.5
MESSAGE_BYTES_MAX = 64 * 1024
"""Longest frame a client may send. Nothing is expected; some libraries send a greeting."""
FRAMES_MAX = 100
"""Frames a client may send between two calls of `refill`; each costs a few microseconds."""


class Opcode(enum.IntEnum):
    """RFC 6455, section 5.2."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(enum.IntEnum):
    """RFC 6455, section 7.4.1: those this server sends."""

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    POLICY = 1008
    TOO_BIG = 1009


class WebSocketError(Exception):
    """The client violated the protocol; `code` goes into the close frame."""

    def __init__(self, code: CloseCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class ClientFrame(NamedTuple):
    """A control frame of the client; messages are not kept."""

    opcode: Opcode
    payload: bytes


def maybe_accept_key(key: str) -> str | None:
    """Return the answer to `Sec-WebSocket-Key`; None when it is not 16 bytes in base64."""
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return None
    except (binascii.Error, ValueError):
        return None
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def encode_frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return one unmasked, final frame; the same bytes serve every client."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (0x80 | opcode, size, payload)
    if size < 65536:
        return b"%c\x7e%b%b" % (0x80 | opcode, size.to_bytes(2), payload)
    return b"%c\x7f%b%b" % (0x80 | opcode, size.to_bytes(8), payload)


def encode_close(code: CloseCode, reason: str) -> bytes:
    """Return a close frame; cuts `reason` to the length of a control frame."""
    text = reason.encode()[: _CONTROL_BYTES_MAX - 2].decode("utf-8", "ignore").encode()
    return encode_frame(Opcode.CLOSE, code.to_bytes(2) + text)


class ClientFrameDecoder:
    """Push decoder of masked frames. Holds at most one head and one control frame."""

    __slots__ = ("_frames_left", "_held", "_skip_bytes")

    def __init__(self) -> None:
        self._held = b""
        self._frames_left = FRAMES_MAX
        self._skip_bytes = 0  # payload bytes of a message that are still to come

    def refill(self) -> None:
        """Allow FRAMES_MAX frames again."""
        self._frames_left = FRAMES_MAX

    def feed(self, chunk: bytes) -> list[ClientFrame]:
        """Return the control frames that `chunk` completes.

        Raises:
            WebSocketError: The client violated the protocol.
        """
        frames: list[ClientFrame] = []
        data = self._held + chunk
        at = 0
        while True:
            if self._skip_bytes:
                skipped = min(self._skip_bytes, len(data) - at)
                self._skip_bytes -= skipped
                at += skipped
            head = self._maybe_head(data, at)
            if head is None:
                break
            opcode, start, size = head
            if opcode >= Opcode.CLOSE and len(data) < start + size:
                break
            self._frames_left -= 1
            if self._frames_left < 0:
                raise WebSocketError(CloseCode.POLICY, "too many frames for a one-way stream")
            if opcode < Opcode.CLOSE:
                self._skip_bytes = size
                at = start
                continue
            mask = data[start - 4 : start]
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(data[start : start + size]))
            if opcode is Opcode.CLOSE and not _is_close(payload):
                raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a close frame without a valid code")
            frames.append(ClientFrame(opcode, payload))
            at = start + size
        self._held = data[at:]
        return frames

    def _maybe_head(self, data: bytes, at: int) -> tuple[Opcode, int, int] | None:
        """Return opcode, start of the payload and its size; None when bytes are missing."""
        if len(data) - at < 2:
            return None
        first, second = data[at], data[at + 1]
        if first & 0x70:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "unknown opcode") from None
        if not second & 0x80:
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a client's frame must be masked")
        size, length_bytes = second & 0x7F, 0
        if opcode >= Opcode.CLOSE and (size > _CONTROL_BYTES_MAX or not first & 0x80):
            raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a control frame is too long or cut")
        if size >= 126:
            length_bytes = 2 if size == 126 else 8
        start = at + 2 + length_bytes + 4
        if len(data) < start:
            return None
        if length_bytes:
            size = int.from_bytes(data[at + 2 : at + 2 + length_bytes])
        if size > MESSAGE_BYTES_MAX:
            raise WebSocketError(CloseCode.TOO_BIG, "nothing that long is expected here")
        return opcode, start, size


def _is_close(payload: bytes) -> bool:
    """Whether a close frame has no code, or one that may be sent (RFC 6455, 7.4)."""
    if len(payload) < 2:
        return not payload
    code = int.from_bytes(payload[:2])
    return 3000 <= code < 5000 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))
