"""Lists of run ids in files and on stdin: one id, or one JSON object with `runId`, a line.

Upstream lists no runs (mogplex.md 1.5), so somebody has to name them; `mogplex run --json`, a CI
script or a person with an editor write such lines. A file is watched: lines added later count too.
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
LOOK_S = 1.0  # between two looks at a watched file

BOM = b"\xef\xbb\xbf"  # editors of one system put it in front
EDGE_BYTES = 64 * 1024  # at both ends of what was read: enough to see that it was rewritten

STDIN = "-"


def to_run_text(line: str) -> str | None:
    """The id in a line as it stands there, None for a blank line or a comment (#).

    Raises ValueError when a JSON line has no `runId`.
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
    """Cuts bytes into whole lines; a line without its end waits, up to LINE_BYTES_MAX."""

    def __init__(self) -> None:
        self._torn = b""
        self._told = b""  # what `settled` returned
        self._number = 0

    def feed(self, data: bytes) -> list[tuple[int, str]]:
        """Return the lines that `data` completes, each with its number."""
        if self._number == 0 and not self._torn:
            data = data.removeprefix(BOM)
        *whole, self._torn = (self._torn + data).split(b"\n")
        if len(self._torn) > LINE_BYTES_MAX:
            self._torn = self._torn[:LINE_BYTES_MAX]  # it is refused as a run id when it ends
        return [self._numbered(line) for line in whole]

    def end(self) -> list[tuple[int, str]]:
        """The last line of something that ended without a line end."""
        torn, self._torn = self._torn, b""
        return [self._numbered(torn)] if torn else []

    def settled(self) -> list[tuple[int, str]]:
        """The last line, if it has no line end and has not been told as it is; it stays the last
        one: what is written behind it is still its end.
        """
        if not self._torn or self._torn == self._told:
            return []
        self._told = self._torn
        return [(self._number + 1, self._torn.decode("utf-8", "replace"))]

    def _numbered(self, line: bytes) -> tuple[int, str]:
        self._number += 1
        return self._number, line.decode("utf-8", "replace")


def read_now(name: str) -> list[tuple[int, str]]:
    """All lines of a file or of stdin, which has to end. Raises ConfigError."""
    try:
        data = _whole_stdin() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from None
    cutter = LineCutter()
    return cutter.feed(data) + cutter.end()


def _whole_stdin() -> bytes:
    """To its end, whether or not somebody who shares it has set O_NONBLOCK."""
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
    """Yield the lines of a file, and those appended later, for ever; of a pipe until it ends.

    A file that was replaced, cut or rewritten in place is read from its start. One that is gone is
    waited for. A last line without its end counts when nothing was added to it for a second.
    Raises ConfigError when it cannot be read at the first look.
    """
    if name == STDIN and stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
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
            # In a thread: a file on a network may take its time.
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


def _maybe_pipe(name: str) -> IO[bytes] | None:
    """stdin, or the pipe at a path, opened without waiting for who writes it; None for a file."""
    if name == STDIN:
        return sys.stdin.buffer
    if not stat.S_ISFIFO(Path(name).stat().st_mode):
        return None
    # Also for writing: so it does not end when one of several writers goes away.
    return os.fdopen(os.open(name, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)


class _Place(NamedTuple):
    """How far a file was read, and how to see that it is another one by now."""

    begun: int = 0  # how often it was read from its start
    offset: int = 0
    # Inode, time of its last change (the one that no copy can set back), size.
    stamp: tuple[int, int, int] = (-1, -1, -1)
    edges: bytes = b""  # a digest of both ends of what was read


def _look(name: str, place: _Place) -> tuple[bytes, _Place]:
    """Read on; from the start when what was read is not there any more.

    A file made anew may get the old one's inode, and an editor may write in place: the inode and
    the size prove nothing, so that the bytes are compared whenever anything of the file moved.
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
    """A digest of the first and the last bytes before `offset`; of a shorter file another one."""
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
