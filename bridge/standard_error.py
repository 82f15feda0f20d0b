"""A stderr that never waits for its reader: for logs, and for lines to people."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import select
import sys
import threading
from collections import deque
from typing import TextIO

BACKLOG_BYTES_MAX = 256 * 1024  # lines kept while nobody reads; then the oldest are dropped first
FINISH_S = 0.5  # at the end of the process, for a reader that is behind


class PatientStream(io.TextIOBase):
    """A stream for logs that never waits for its reader.

    A full pipe would stop the event loop in the middle of a line, and with it probes and signals.
    The stream keeps what the pipe does not accept at once, up to BACKLOG_BYTES_MAX; a thread writes
    it when somebody reads again, with a line that says how many lines were dropped.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Write to `stream`; None: the parent closed it, and every line is dropped."""
        self._stream = stream
        self._lock = threading.Lock()
        self._backlog: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0
        self._poll = select.poll()
        self._fd: int | None = None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._fd = stream.fileno()  # type: ignore[union-attr]
            self._poll.register(self._fd, select.POLLOUT)
        self._thread: threading.Thread | None = None
        self.dropped_lines = 0  # since the start

    def isatty(self) -> bool:
        """Return whether the stream below is a terminal; False if there is none."""
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write whole lines, at once or later."""
        if self._fd is None:
            if self._stream is not None:
                self._stream.write(text)
            return len(text)
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._backlog:
                self._keep(data)
            elif rest := self._write_now(data):
                self._keep(rest)
                self._thread = threading.Thread(target=self._catch_up, name="log", daemon=True)
                self._thread.start()
        return len(text)

    def is_on(self, stream: TextIO | None) -> bool:
        """Whether this object writes to `stream`."""
        return self._stream is stream

    def flush(self) -> None:
        """Do nothing: no line is held that could be written."""

    def finish(self) -> None:
        """Wait a moment at the end of the process for a slow reader."""
        if (thread := self._thread) is not None:
            thread.join(FINISH_S)

    def _keep(self, data: bytes) -> None:
        self._backlog.append(data)
        self._bytes += len(data)
        while self._bytes > BACKLOG_BYTES_MAX and len(self._backlog) > 2:
            # The first may be the rest of a line that was partly written.
            gone = self._backlog[1]
            del self._backlog[1]
            self._bytes -= len(gone)
            self._dropped += 1
            self.dropped_lines += 1

    def _write_now(self, data: bytes, wait_ms: int = 0) -> bytes:
        """Write what the pipe accepts without waiting; return the rest."""
        assert self._fd is not None
        while data and (events := self._poll.poll(wait_ms)):
            if events[0][1] & (select.POLLERR | select.POLLNVAL):
                return b""  # nobody will ever read it
            try:
                data = data[os.write(self._fd, data[: select.PIPE_BUF]) :]
            except BlockingIOError:
                return data
            except OSError:
                return b""
        return data

    def _catch_up(self) -> None:
        """Write until nothing is left: wait for the reader outside of the lock, write inside."""
        while True:
            self._poll.poll()
            with self._lock:
                while self._backlog and not (rest := self._write_now(self._backlog[0])):
                    self._bytes -= len(self._backlog.popleft())
                    if self._dropped:
                        count, self._dropped = self._dropped, 0
                        self._backlog.appendleft(_dropped_line(count))
                        self._bytes += len(self._backlog[0])
                if not self._backlog:
                    return
                self._bytes += len(rest) - len(self._backlog[0])
                self._backlog[0] = rest


_standard_error: list[PatientStream] = []  # at most one; sys.stderr may be exchanged


def standard_error() -> PatientStream:
    """Return the one stderr for everything that must not wait for its reader."""
    if not _standard_error or not _standard_error[0].is_on(sys.stderr):
        stream = PatientStream(sys.stderr)
        _standard_error[:] = [stream]
        atexit.register(stream.finish)
    return _standard_error[0]


def _dropped_line(count: int) -> bytes:
    line = {"event": "log.lines_dropped", "lines": count, "level": "warning"}
    return json.dumps(line).encode() + b"\n"
