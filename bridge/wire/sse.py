"""Server-sent events: bytes to frames and back (WHATWG HTML, section 9.2; common.md 0.2).

Both ways: the follower of an upstream stream decodes, the HTTP outputs encode.
"""

from __future__ import annotations

from typing import NamedTuple

FRAME_BYTES_MAX = 8 * 1024 * 1024
"""Most bytes one unfinished frame may hold. Upstream does not cap `message`; events over 100 KB
were seen (readers.md), so the limit only has to stop a stream that never ends its frame."""

SKIPPED_BYTES_MAX = 64 * 1024 * 1024  # of one frame that is cut: it may not end at all
_FIELD_BYTES_MAX = 1024  # of a line behind the limit: ids and names of events stand there too

_BOM = b"\xef\xbb\xbf"
_LF, _CR, _COLON = 0x0A, 0x0D, 0x3A
_RETRY_DIGITS_MAX = 10  # 10 digits of milliseconds are 115 days; longer values are ignored


class FrameTooLargeError(Exception):
    """A frame is longer than the limit. The decoder is unusable now; close the connection."""


class Frame(NamedTuple):
    """One dispatched frame."""

    event: str  # "message" when the frame named none
    data: str  # lines joined by LF; never empty
    id: str  # last event id of the stream at this frame, "" when none was sent yet


class FrameDecoder:
    """Push decoder. The frames do not depend on how the bytes were cut.

    Line ends are LF, CR and CRLF. A frame without its blank line is never returned, so a cut stream
    yields no partial event; drop the decoder at the end of the stream.
    A frame whose data is empty is not returned (common.md 0.2; the standard would dispatch
    an empty string for a lone `data` line, which is never JSON).
    """

    def __init__(
        self,
        frame_bytes_max: int = FRAME_BYTES_MAX,
        *,
        own_ids_only: bool = False,
        cuts: bool = False,
    ) -> None:
        """Create a decoder.

        Args:
            frame_bytes_max: The limit of one frame.
            own_ids_only: A frame without an `id` line has the id "".
            cuts: A frame over the limit is returned with the beginning of its data, and its id.
        """
        self.last_event_id = ""  # of the last finished frame: the id to resume from
        self.retry_ms: int | None = None  # the server's latest `retry:`, which a reader may obey
        self._bytes_max = frame_bytes_max
        self._own_ids_only = own_ids_only
        self._skipped_left = (
            SKIPPED_BYTES_MAX if cuts else 0
        )  # of this frame, before it is given up
        self._cuts = cuts
        self._torn: list[bytes] = []  # pieces of a line without an end yet
        self._torn_bytes = 0
        self._swallow_lf = False  # the last chunk ended in CR: a following LF belongs to it
        self._at_start = True  # a byte order mark may still come
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._event = b""
        self._id: bytes | None = None
        self._is_spent = False
        self._comment = b""

    def take_comment(self) -> bytes:
        """Return the text of the latest comment since the last call; b"" without one."""
        comment, self._comment = self._comment, b""
        return comment

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that `chunk` completes, oldest first; often none.

        Raises:
            FrameTooLargeError: A frame passed the limit; with `cuts`, by over `SKIPPED_BYTES_MAX`.
                When the chunk also finished frames, the next call raises it.
        """
        frames: list[Frame] = []
        if self._swallow_lf and chunk:
            self._swallow_lf = False
            if chunk[0] == _LF:
                chunk = chunk[1:]
        if not self._is_spent and chunk:
            self._take_lines(chunk, frames)
        if self._is_spent and not frames:
            raise FrameTooLargeError(f"a frame is larger than {self._bytes_max} bytes")
        return frames

    def _take_lines(self, chunk: bytes, frames: list[Frame]) -> None:
        for piece in chunk.splitlines(keepends=True):  # of bytes: LF, CR and CRLF only
            end = piece[-1]
            is_whole = end in (_LF, _CR)
            line = piece.rstrip(b"\r\n") if is_whole else piece
            room = self._bytes_max - self._data_bytes - self._torn_bytes
            if len(line) > room:
                self._skipped_left -= len(line)
                if self._skipped_left < 0:
                    self._spend()
                    return
                line = line[: max(room, _FIELD_BYTES_MAX - self._torn_bytes, 0)]
            if not is_whole:
                if line:  # nothing is left of a piece behind the limit, and there may be millions
                    self._torn.append(line)
                    self._torn_bytes += len(line)
                return
            if self._torn:
                self._torn.append(line)
                line = b"".join(self._torn)
                self._torn.clear()
                self._torn_bytes = 0
            if self._at_start:
                self._at_start = False
                line = line.removeprefix(_BOM)
            if line:
                self._take_field(line)
            elif (frame := self._maybe_frame()) is not None:
                frames.append(frame)
        self._swallow_lf = end == _CR

    def _spend(self) -> None:
        self._is_spent = True
        self._torn.clear()
        self._data.clear()

    def _take_field(self, line: bytes) -> None:
        if line[0] == _COLON:
            self._comment = line[1:]
            return
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            if self._data_bytes < self._bytes_max:
                self._data.append(value)
                self._data_bytes += len(value) + 1
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._id = value
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS_MAX:
            self.retry_ms = int(value)

    def _maybe_frame(self) -> Frame | None:
        """End the frame at its blank line; None when it held no data."""
        is_hidden = self._own_ids_only and self._id is None
        if self._id is not None:
            self.last_event_id = self._id.decode("utf-8", "replace")
            self._id = None
        data, event = b"\n".join(self._data), self._event
        self._data.clear()
        self._data_bytes = 0
        self._skipped_left = SKIPPED_BYTES_MAX if self._cuts else 0
        self._event = b""
        if not data:
            return None
        return Frame(
            event.decode("utf-8", "replace") or "message",
            data.decode("utf-8", "replace"),
            "" if is_hidden else self.last_event_id,
        )


COMMENT = b":\n"
"""A heartbeat. No blank line: it would make clients that treat every blank line as the end of an
event deliver an empty one (two of those in readers.md do); the standard needs none."""


def encode_record(line: bytes, frame_id: bytes) -> bytes:
    """Return the frame of one line of JSON. Neither part may hold a line end.

    `id` is the last line: clients that count an id as seen when its line arrives would otherwise
    lose the event of a connection cut inside the frame (readers.md).
    """
    return b"data: %b\nid: %b\n\n" % (line, frame_id)


def encode_frame(
    data: bytes = b"", *, event: str = "", frame_id: str = "", retry_ms: int | None = None
) -> bytes:
    """Return one frame of any content; data of several lines becomes several `data` fields.

    Raises:
        ValueError: `event` or `frame_id` holds a line end or NUL, which would end the field and
            let its author write fields of their own.
    """
    for value in (event, frame_id):
        if any(c in value for c in "\r\n\0"):
            raise ValueError("a line end or NUL in a field of a frame")
    lines: list[bytes] = []
    if retry_ms is not None:
        lines.append(b"retry: %d" % retry_ms)
    if event:
        lines.append(b"event: " + event.encode())
    if data:
        normal = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines.extend(b"data: " + part for part in normal.split(b"\n"))
    if frame_id:
        lines.append(b"id: " + frame_id.encode())
    return b"\n".join(lines) + b"\n\n"
