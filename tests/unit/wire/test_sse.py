"""The frame decoder on cases a reader can check by eye, its limit, and the encoder."""

import tracemalloc

import pytest

from bridge.wire.sse import (
    COMMENT,
    Frame,
    FrameDecoder,
    FrameTooLargeError,
    encode_frame,
    encode_record,
)
from tests.cases import each_case


def decode(data: bytes) -> list[Frame]:
    return FrameDecoder().feed(data)


@each_case(
    ("data", "frames"),
    [
        (b"data: a\n\n", [Frame("message", "a", "")]),
        (b"data:a\n\n", [Frame("message", "a", "")]),
        (b"data:  a\n\n", [Frame("message", " a", "")]),
        (b"data: a\r\n\r\n", [Frame("message", "a", "")]),
        (b"data: a\r\r", [Frame("message", "a", "")]),
        (b"data: a\r\n\ndata: b\n\r\n", [Frame("message", "a", ""), Frame("message", "b", "")]),
        (b"data: a\ndata: b\n\n", [Frame("message", "a\nb", "")]),
        (b"data: a\ndata\n\n", [Frame("message", "a\n", "")]),
        (b": hello\ndata: a\n\n", [Frame("message", "a", "")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [Frame("x", "a", ""), Frame("message", "b", "")]),
        (b"data: a\nid: 1\nevent: x\n\n", [Frame("x", "a", "1")]),
        (
            b"id: 1\ndata: a\n\ndata: b\n\n",
            [Frame("message", "a", "1"), Frame("message", "b", "1")],
        ),
        (b"id: 1\n\ndata: b\n\n", [Frame("message", "b", "1")]),
        (
            b"id: 1\ndata: a\n\nid\ndata: b\n\n",
            [Frame("message", "a", "1"), Frame("message", "b", "")],
        ),
        (b"id: 1\nid: 2\0\ndata: a\n\n", [Frame("message", "a", "1")]),
        (b"data\n\n", []),
        (b"event: x\n\ndata: a\n\n", [Frame("message", "a", "")]),
        (b"datax: a\nDATA: b\n data: c\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [Frame("message", "a", "")]),
        (b"\n\xef\xbb\xbfdata: a\n\n", []),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\x0b\x0c\x1c\xc2\x85b\n\n", [Frame("message", "a\x0b\x0c\x1c\x85b", "")]),
        ("data: π€\n\n".encode(), [Frame("message", "π€", "")]),
        (b"data: \xff\n\n", [Frame("message", "\ufffd", "")]),
        (b"data: a: b\n\n", [Frame("message", "a: b", "")]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_frames(data: bytes, frames: list[Frame]) -> None:
    assert decode(data) == frames


def test_an_id_counts_only_when_its_frame_has_ended() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert decoder.last_event_id == "1"
    decoder.feed(b"\n")
    assert decoder.last_event_id == "2"


@pytest.mark.parametrize(
    ("value", "retry_ms"),
    [(b"1500", 1500), (b"0", 0), (b"1.5", None), (b"-1", None), (b"", None), (b"9" * 11, None),
     ("٣".encode(), None)],
)  # fmt: skip
def test_retry_is_digits_only(value: bytes, retry_ms: int | None) -> None:
    decoder = FrameDecoder()
    decoder.feed(b"retry: " + value + b"\n")
    assert decoder.retry_ms == retry_ms


@pytest.mark.parametrize(
    "data",
    [
        b"data: " + b"x" * 100,  # a line that never ends
        b"x" * 101,
        b": " + b"x" * 100,  # a comment too
        b"data: 0123456789\n" * 10,  # many lines of one frame
        b"data\n" * 101,
    ],
)
def test_a_frame_over_the_limit_ends_the_decoder(data: bytes) -> None:
    def feed_all(decoder: FrameDecoder, size: int) -> None:
        for at in range(0, len(data), size):
            decoder.feed(data[at : at + size])

    for size in (len(data), 1, 7):
        decoder = FrameDecoder(frame_bytes_max=100)
        with pytest.raises(FrameTooLargeError, match="100 bytes"):
            feed_all(decoder, size)
        with pytest.raises(FrameTooLargeError):
            decoder.feed(b"\n\ndata: a\n\n")


def test_frames_before_an_oversized_one_are_returned_first() -> None:
    decoder = FrameDecoder(frame_bytes_max=20)
    assert decoder.feed(b"data: a\n\ndata: " + b"x" * 50) == [Frame("message", "a", "")]
    with pytest.raises(FrameTooLargeError):
        decoder.feed(b"")


LONG = b"x" * 5_000


@each_case(
    ("data", "frames"),
    [
        (b"id: 1\ndata: %b\n\n" % LONG, [("message", 100, "1")]),
        (b"data: %b\nevent: e\nid: 1\n\n" % LONG, [("e", 100, "1")]),
        (b"data: %b\ndata: %b\nid: 1\n\n" % (LONG, LONG), [("message", 100, "1")]),
        (b"data: 0123456789\n" * 50 + b"id: 1\n\n", [("message", 109, "1")]),
        (b": %b\ndata: a\nid: 1\n\n" % LONG, [("message", 1, "1")]),
        (
            b"data: %b\nid: 1\n\ndata: b\nid: 2\n\n" % LONG,
            [("message", 100, "1"), ("message", 1, "2")],
        ),
        (
            b"data: %b\r\n\r\nid: 2\r\ndata: b\r\n\r\n" % LONG,
            [("message", 100, ""), ("message", 1, "2")],
        ),
    ],
)
def test_a_frame_over_the_limit_is_cut_and_those_after_it_are_whole(
    data: bytes, frames: list[tuple[str, int, str]]
) -> None:
    for size in (len(data), 1, 7):
        decoder = FrameDecoder(frame_bytes_max=100, cuts=True)
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        found = [frame for piece in pieces for frame in decoder.feed(piece)]
        # A line may begin in the limit and end behind it.
        assert [
            (one.event, min(len(one.data), most), one.id)
            for one, (_, most, _) in zip(found, frames, strict=True)
        ] == frames, size
        assert all(len(one.data) <= 1_200 for one in found)


def test_what_is_skipped_is_not_held_not_even_as_empty_pieces() -> None:
    decoder = FrameDecoder(frame_bytes_max=100, cuts=True)
    decoder.feed(b"data: " + LONG)
    tracemalloc.start()
    for _ in range(20_000):
        assert decoder.feed(b"x") == []
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20_000  # a list of the pieces would have 8 bytes for each
    (frame,) = decoder.feed(b"\nid: 1\n\n")
    assert frame.id == "1"


def test_a_frame_that_never_ends_is_given_up() -> None:
    decoder = FrameDecoder(frame_bytes_max=100, cuts=True)
    piece = b"data: " + b"x" * 2**20 + b"\n"
    for _ in range(63):
        assert decoder.feed(piece) == []
    with pytest.raises(FrameTooLargeError):
        decoder.feed(piece)


def test_a_long_stream_of_small_frames_and_comments_is_no_large_frame() -> None:
    decoder = FrameDecoder(frame_bytes_max=100)
    for _ in range(1000):
        assert decoder.feed(b": beat\n: beat\n") == []
        assert len(decoder.feed(b"data: 0123456789\nid: 1\n\nda")) == 1
        assert decoder.feed(b"ta: torn\n") == []
        assert len(decoder.feed(b"\n")) == 1


def test_a_record_ends_with_its_id() -> None:
    assert encode_record(b'{"a":1}', b"e-1") == b'data: {"a":1}\nid: e-1\n\n'


def test_what_is_encoded_is_decoded_again() -> None:
    data = encode_frame(b"a\r\nb\rc\n", event="x", frame_id="7", retry_ms=5) + COMMENT
    decoder = FrameDecoder()
    assert decoder.feed(data) == [Frame("x", "a\nb\nc\n", "7")]
    assert decoder.retry_ms == 5


def test_the_id_is_the_last_line_of_every_frame() -> None:
    frame = encode_frame(b"x", event="bridge.reset", frame_id="e-1", retry_ms=1)
    assert frame == b"retry: 1\nevent: bridge.reset\ndata: x\nid: e-1\n\n"


def test_a_frame_without_data_moves_only_the_id() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(encode_frame(frame_id="e-9", retry_ms=2000)) == []
    assert decoder.last_event_id == "e-9"


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_a_field_cannot_smuggle_another(bad: str) -> None:
    with pytest.raises(ValueError, match="line end"):
        encode_frame(b"x", event=bad)
    with pytest.raises(ValueError, match="line end"):
        encode_frame(b"x", frame_id=bad)


def test_an_id_of_an_earlier_frame_is_not_taken_for_a_frames_own() -> None:
    decoder = FrameDecoder(own_ids_only=True)
    frames = decoder.feed(b"id: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\nid: 1\ndata: d\n\n")
    assert [frame.id for frame in frames] == ["1", "", "", "1"]
