"""The vendor's stream as a format of the hub: one write serves all subscribers of a run."""

# ruff: noqa: ARG002 - formats have one shape
from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any

from bridge.core.event import Record
from bridge.outputs.gateway.port import Dialect, Seen
from bridge.outputs.http.problems import COMMON_HEADERS
from bridge.outputs.streams.formats import chunk
from bridge.wire import sse


class VendorFrames:
    """Implements `streams.formats.Format`; the stream ends after the record of the run's end."""

    transport = "sse"
    content_type = "text/event-stream"
    content_coding = ""

    def __init__(self, dialect: Dialect, *, is_chunked: bool) -> None:
        self._dialect = dialect
        self._ended = dialect.ended_type
        self.is_chunked = is_chunked
        self.heartbeat = self.wrap(sse.COMMENT)

    def wrap(self, data: bytes) -> bytes:
        """Bytes as they appear in the body."""
        return chunk(data) if self.is_chunked and data else data

    def frame(self, record: Record, epoch: bytes) -> bytes:
        """See `Format.frame`; nothing for the end, which closes the stream instead."""
        return b"" if record.type == self._ended else self._dialect.event_frame(record)

    def join(self, frames: Sequence[bytes]) -> bytes:
        """See `Format.join`."""
        return self.wrap(b"".join(frames))

    def greeting(self, position: str) -> bytes:
        """See `Format.greeting`. Empty: the caller sends the run as the first frame."""
        return b""

    def reset(self, facts: dict[str, Any], position: str) -> bytes:
        """A comment: the vendor's format has no reset. The next reconnect is refused instead."""
        return self.wrap(b": some events are no longer in the journal of the bridge\n\n")

    def is_last(self, record: Record) -> bool:
        """See `Format.is_last`."""
        return record.type == self._ended

    def farewell(self, retry_ms: int, reason: str = "shutdown") -> bytes:
        """See `Format.farewell`. The vendor's format has no reconnect delay."""
        return b"0\r\n\r\n" if self.is_chunked else b""


def headers_of(seen: Seen, *, is_cut: bool) -> dict[str, str]:
    """Return the bridge's headers of an answer; `is_cut`: the page lacks older events."""
    headers = {"X-Bridge-Gaps": str(seen.gaps)} if seen.gaps else {}
    return {**headers, "X-Bridge-Cut": "true"} if is_cut else headers


def stream_headers(seen: Seen) -> dict[str, str]:
    """Return the headers of a stream of a run."""
    return {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache, no-transform",
        "Connection": "keep-alive",
        "X-Accel-Buffering": "no",
        **headers_of(seen, is_cut=False),
    }


def stream_head(frames: VendorFrames, now_s: float, headers: Mapping[str, str]) -> bytes:
    """Return the bytes of a stream's response head, from the status line to the blank line.

    Args:
        frames: Chunked frames need HTTP/1.1; others end with the connection.
        now_s: The wall clock for the Date header.
        headers: Those of `stream_headers` and of CORS; empty ones are left out.
    """
    framing = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
    if not frames.is_chunked:
        framing = "HTTP/1.0 200 OK"
        headers = {**headers, "Connection": "close"}
    lines = [framing, f"Date: {formatdate(now_s, usegmt=True)}"]
    named = {**headers, **COMMON_HEADERS}.items()
    lines += [f"{name}: {value}" for name, value in named if value]
    return "\r\n".join([*lines, "", ""]).encode()
