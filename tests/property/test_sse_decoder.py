"""The decoder against the standard read literally on the whole text, at every cut."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.wire.sse import Frame, FrameDecoder

LINE_ENDS = [b"\n", b"\r", b"\r\n"]
LINES = [
    b"data: a", b"data:b", b"data", b"data: ", b"data:  c", b": comment", b":", b"", b"", b"",
    b"id: 7", b"id", b"id: x\0y", b"event: e", b"event", b"retry: 10", b"retry: x", b"unknown: z",
    b"data: \xc3\xa9\xff\xe2\x82", b"\xef\xbb\xbfdata: bom", b"id:\xe2\x82\xac", b"data: a:b: c",
]  # fmt: skip
SAMPLES = [
    b"id: 1\r\nevent: run\r\ndata: {}\r\n\r\n: beat\r\n\r\ndata: x\r\ndata: y\r\n\r\n",
    b"data: a\r\rdata: b\r\n\rdata: c\n\r\ndata: d\n\n",
    b"\xef\xbb\xbfdata: a\nid: 3\n\nid\n\ndata: \xe2\x82\xac\n\nretry: 5\ndata: torn",
    b"\xef\xbb\xbf\r\n\xef\xbb\xbfdata: no\r\n\r\ndata: yes\r\r\n\n",
    b"data\n\ndata\ndata\n\ndata:\n\n:\n\nevent: x\n\ndata: \n\n",
]


def oracle(stream: bytes) -> tuple[list[Frame], str, int | None]:
    """WHATWG HTML 9.2.5 and 9.2.6, paragraph by paragraph, on the complete text.

    One departure, as the module says: empty data is not dispatched.
    """
    text = stream.decode("utf-8", "replace")
    if text.startswith("\ufeff"):
        text = text[1:]
    lines = re.split("\r\n|\n|\r", text)[:-1]  # what follows the last line end is no line
    frames: list[Frame] = []
    data, event, id_buffer, last_id, retry = "", "", "", "", None
    for line in lines:
        if line == "":
            last_id = id_buffer
            if data != "":
                data = data.removesuffix("\n")
                if data != "":
                    frames.append(Frame(event or "message", data, last_id))
            data, event = "", ""
        elif line.startswith(":"):
            continue
        else:
            field, colon, value = line.partition(":")
            if colon and value.startswith(" "):
                value = value[1:]
            if field == "event":
                event = value
            elif field == "data":
                data += value + "\n"
            elif field == "id" and "\0" not in value:
                id_buffer = value
            elif field == "retry" and re.fullmatch("[0-9]+", value):
                retry = int(value)
    return frames, last_id, retry


def outcome(chunks: list[bytes]) -> tuple[list[Frame], str, int | None]:
    decoder = FrameDecoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames, decoder.last_event_id, decoder.retry_ms


def check_every_cut(stream: bytes) -> None:
    expected = oracle(stream)
    assert outcome([stream]) == expected
    assert outcome([stream[i : i + 1] for i in range(len(stream))]) == expected
    for cut in range(len(stream) + 1):
        assert outcome([stream[:cut], b"", stream[cut:]]) == expected, f"cut at {cut}"


def test_samples_at_every_cut_and_every_pair_of_cuts() -> None:
    for stream in SAMPLES:
        check_every_cut(stream)
        expected = oracle(stream)
        for first in range(len(stream)):
            for second in range(first, len(stream)):
                chunks = [stream[:first], stream[first:second], stream[second:]]
                assert outcome(chunks) == expected, f"cuts at {first}, {second}"


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(LINE_ENDS)), max_size=14))
def test_lines_of_every_kind_at_every_cut(lines: list[tuple[bytes, bytes]]) -> None:
    check_every_cut(b"".join(line + end for line, end in lines))


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_garbage_is_decoded_as_the_standard_says(stream: bytes) -> None:
    check_every_cut(stream)


@settings(max_examples=100)
@given(st.text(alphabet="data:id \r\n\ufeffx\0", max_size=60))
def test_near_frames_are_decoded_as_the_standard_says(text: str) -> None:
    check_every_cut(text.encode())


def test_the_oracle_notices_a_lost_half_line() -> None:
    """A canary: a decoder that forgets what a chunk left unfinished must not pass."""
    stream = SAMPLES[0]
    forgetful = [f for cut in (stream[:9], stream[9:]) for f in FrameDecoder().feed(cut)]
    assert forgetful != oracle(stream)[0]
