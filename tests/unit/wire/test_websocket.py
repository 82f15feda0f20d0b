"""WebSocket framing against RFC 6455's own examples and every cut."""

import pytest

from bridge.wire.websocket import (
    ClientFrame,
    ClientFrameDecoder,
    CloseCode,
    Opcode,
    WebSocketError,
    encode_close,
    encode_frame,
    maybe_accept_key,
)

# RFC 6455, section 5.7: a masked "Hello".
HELLO = bytes.fromhex("818537fa213d7f9f4d5158")
MASKED_PING = bytes.fromhex("898537fa213d7f9f4d5158")
MASKED_CLOSE = bytes([0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xE8 ^ 2])


def masked(first: int, payload: bytes) -> bytes:
    size = len(payload)
    length = (
        bytes([0x80 | size])
        if size < 126
        else bytes([0xFE]) + size.to_bytes(2)
        if size < 65536
        else bytes([0xFF]) + size.to_bytes(8)
    )
    return bytes([first]) + length + b"\0\0\0\0" + payload


def test_the_accept_key_is_the_one_of_the_standard() -> None:
    assert maybe_accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("key", ["", "x", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZSBub25jZQ=", "é" * 24])
def test_a_key_that_is_not_16_bytes_is_refused(key: str) -> None:
    assert maybe_accept_key(key) is None


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, "8100"), (5, "8105"), (125, "817d"), (126, "817e007e"), (65535, "817effff"),
     (65536, "817f0000000000010000")],
)  # fmt: skip
def test_server_frames_are_unmasked_with_the_shortest_length(size: int, head: str) -> None:
    payload = b"x" * size
    assert encode_frame(Opcode.TEXT, payload) == bytes.fromhex(head) + payload


def test_a_close_carries_its_code_and_as_much_reason_as_fits() -> None:
    assert encode_close(CloseCode.GOING_AWAY, "bye") == b"\x88\x05\x03\xe9bye"
    long = encode_close(CloseCode.TOO_BIG, "é" * 100)
    assert len(long) == 2 + 2 + 122  # 123 would cut a letter in half
    assert long[4:].decode() == "é" * 61


def test_control_frames_are_found_between_messages_at_every_cut() -> None:
    data = HELLO + MASKED_PING + masked(0x82, b"y" * 300) + masked(0x8A, b"") + MASKED_CLOSE
    expected = [
        ClientFrame(Opcode.PING, b"Hello"),
        ClientFrame(Opcode.PONG, b""),
        ClientFrame(Opcode.CLOSE, b"\x03\xe8"),
    ]
    for cut in range(len(data) + 1):
        decoder = ClientFrameDecoder()
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == expected, cut
    decoder = ClientFrameDecoder()
    assert [f for i in range(len(data)) for f in decoder.feed(data[i : i + 1])] == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05Hello", CloseCode.PROTOCOL_ERROR),  # not masked
        (masked(0xC1, b""), CloseCode.PROTOCOL_ERROR),  # reserved bit: compression, never agreed
        (masked(0x83, b""), CloseCode.PROTOCOL_ERROR),  # opcode 3
        (masked(0x09, b""), CloseCode.PROTOCOL_ERROR),  # a ping in pieces
        (masked(0x89, b"x" * 126), CloseCode.PROTOCOL_ERROR),  # a ping too long
        (masked(0x88, b"\x03"), CloseCode.PROTOCOL_ERROR),  # half a code was echoed as it came
        (masked(0x88, b"\x03\xed"), CloseCode.PROTOCOL_ERROR),  # 1005 must not be sent
        (masked(0x88, b"\x03\xe7"), CloseCode.PROTOCOL_ERROR),  # 999
        (masked(0x82, b"x" * 65537), CloseCode.TOO_BIG),
        (b"\x82\xff\x7f" + b"\xff" * 7 + b"mask", CloseCode.TOO_BIG),
    ],
)
def test_a_client_that_breaks_the_protocol_is_told_how(data: bytes, code: CloseCode) -> None:
    with pytest.raises(WebSocketError) as caught:
        ClientFrameDecoder().feed(data)
    assert caught.value.code is code


def test_long_messages_are_not_kept() -> None:
    decoder = ClientFrameDecoder()
    decoder.feed(masked(0x82, b"x" * 60000)[:1000])
    for _ in range(59):
        decoder.feed(b"x" * 1000)
    assert len(decoder._held) == 0
