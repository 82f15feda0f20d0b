"""Lists of run ids in files and on stdin: one id, or one JSON object with `runId`, per line.

Upstream does not list runs (mogplex.md 1.5), so an operator names them; `mogplex run --json`, a CI
script or a person with an editor writes such lines. The bridge watches a file for later lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import select
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, NamedTuple

from bridge.core.errors import ConfigError
from bridge.wire.jsontext import JsonError, loads

LINE_BYTES_MAX = 64 * 1024  # a whole run object is 1 KB
CHUNK_BYTES = 1 << 20
LOOK_S = 1.0  # between checks of a watched file

BOM = b"\xef\xbb\xbf"  # Windows editors write it first
EDGE_BYTES = 64 * 1024  # compared at both ends of the bytes read, to detect a rewrite

STDIN = "-"


def to_run_text(line: str) -> str | None:
    """The id in a line as it is written; None for a blank line or a comment (#).

    Raises:
        ValueError: The line starts with `{` and is not JSON, or has no `runId`.
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    if not line.startswith("{"):
        return line
    try:
        value = loads(line)
    except JsonError:
        raise ValueError("not JSON") from None
    run_id = value.get("runId") if isinstance(value, dict) else None
    if not isinstance(run_id, str):
        raise ValueError('no "runId" in the object')
    return run_id


class LineCutter:
    """Cuts bytes into lines; keeps an unfinished line, up to LINE_BYTES_MAX."""

    def __init__(self) -> None:
        self._torn = b""
        self._told = b""  # what `settled` returned last
        self._number = 0

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """Return the lines that `data` completes, each with its number."""
        if self._number == 0 and not self._torn:
            data = data.removeprefix(BOM)
        *whole, self._torn = (self._torn + data).split(b"\n")
        if len(self._torn) > LINE_BYTES_MAX:
            self._torn = self._torn[:LINE_BYTES_MAX]  # refused as a run id when the line ends
        return [self._numbered(line) for line in whole]

    def end(self) -> list[tuple[int, str]]:
        """The last line of input that ended without a line end."""
        torn, self._torn = self._torn, b""
        return [self._numbered(torn)] if torn else []

    def settled(self) -> list[tuple[int, str]]:
        """The last line, if it has no line end and was not returned in this form before.

        It stays the last line: later bytes still extend it.
        """
        if not self._torn or self._torn == self._told:
            return []
        self._told = self._torn
        return [(self._number + 1, self._torn.decode("utf-8", "replace"))]

    def _numbered(self, line: bytes) -> tuple[int, str]:
        self._number += 1
        return self._number, line.decode("utf-8", "replace")


def read_now(name: str) -> list[tuple[int, str]]:
    """All lines of a file, or of stdin up to its end.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        data = _whole_stdin() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from None
    cutter = LineCutter()
    return cutter.feed(data) + cutter.end()


def _whole_stdin() -> bytes:
    """Read stdin to its end, even if another process set O_NONBLOCK on it."""
    pieces = [b""]
    descriptor = sys.stdin.fileno()
    while True:
        select.select([descriptor], [], [])
        with contextlib.suppress(BlockingIOError):
            pieces.append(os.read(descriptor, CHUNK_BYTES))
            if not pieces[-1]:
                return b"".join(pieces)


def _unreadable(name: str, error: OSError) -> ConfigError:
    reason = (error.strerror or str(error)).lower()
    return ConfigError(f"--runs-from {name}: cannot read: {reason}")


async def watch(name: str) -> AsyncIterator[tuple[int, str]]:
    """Yield the lines of a file and later additions for ever; of a pipe until it ends.

    A file that is replaced, truncated or rewritten in place is read from its start; a deleted file
    is waited for. An unfinished last line counts after a second without additions.

    Yields:
        The number and the text of each line.

    Raises:
        ConfigError: The file cannot be read at the first attempt.
    """
    if name == STDIN and not _is_pollable(sys.stdin.fileno()):
        for item in await asyncio.to_thread(read_now, name):
            yield item
        return
    try:
        pipe = _maybe_pipe(name)
    except OSError as error:
        raise _unreadable(name, error) from None
    if pipe is not None:
        async for item in _watch_pipe(pipe):
            yield item
        return
    place, cutter, is_first = _Place(), LineCutter(), True
    while True:
        try:
            # In a thread, because a network file system may be slow.
            data, new_place = await asyncio.to_thread(_look, name, place)
            if new_place.begun != place.begun:
                cutter = LineCutter()
            place = new_place
        except OSError as error:
            if is_first:
                raise _unreadable(name, error) from None
            data = b""
        is_new = bool(data) or is_first
        is_first = False
        for item in cutter.feed(data) if is_new else cutter.settled():
            yield item
        if len(data) < CHUNK_BYTES:
            await asyncio.sleep(LOOK_S)


def _is_pollable(descriptor: int) -> bool:
    """Whether a loop can wait for it: a pipe, a socket or a terminal.

    uvloop aborts the process on a file and on other devices, such as /dev/null.
    """
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def _maybe_pipe(name: str) -> IO[bytes] | None:
    """Stdin, or the pipe at a path, opened without waiting for a writer; None for a file."""
    if name == STDIN:
        return sys.stdin.buffer
    if not stat.S_ISFIFO(Path(name).stat().st_mode):
        return None
    # Also open for writing, so that the pipe does not end when one of its writers closes it.
    return os.fdopen(os.open(name, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)


class _Place(NamedTuple):
    """How far a file was read, and how to detect that it has been replaced."""

    begun: int = 0  # how often the file was read from its start
    offset: int = 0
    # Inode, ctime (no copy can set it back), size.
    stamp: tuple[int, int, int] = (-1, -1, -1)
    edges: bytes = b""  # a digest of both ends of the bytes read


def _look(name: str, place: _Place) -> tuple[bytes, _Place]:
    """Read on; from the start if the bytes read so far are no longer there.

    A new file may get the old one's inode, and an editor may write in place. Inode and size prove
    nothing, so the bytes are compared whenever the file's metadata changed.
    """
    with Path(name).open("rb") as file:
        status = os.fstat(file.fileno())
        stamp = status.st_ino, status.st_ctime_ns, status.st_size
        if stamp == place.stamp and place.offset >= status.st_size:
            return b"", place
        if place.begun == 0 or _edges(file, place.offset) != place.edges:
            place = _Place(place.begun + 1)
        file.seek(place.offset)
        data = file.read(CHUNK_BYTES)
        offset = place.offset + len(data)
        return data, _Place(place.begun, offset, stamp, _edges(file, offset))


def _edges(file: IO[bytes], offset: int) -> bytes:
    """A digest of the first and last bytes before `offset`; it differs for a shorter file."""
    file.seek(0)
    digest = hashlib.sha256(file.read(min(EDGE_BYTES, offset)))
    file.seek(max(0, offset - EDGE_BYTES))
    last = file.read(min(EDGE_BYTES, offset))
    return hashlib.sha256(digest.digest() + last).digest()


async def _watch_pipe(pipe: IO[bytes]) -> AsyncIterator[tuple[int, str]]:
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    cutter = LineCutter()
    try:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    data = await reader.read(LINE_BYTES_MAX)
            except TimeoutError:
                for item in cutter.settled():
                    yield item
                continue
            if not data:
                break
            for item in cutter.feed(data):
                yield item
        for item in cutter.end():
            yield item
    finally:
        transport.close()
