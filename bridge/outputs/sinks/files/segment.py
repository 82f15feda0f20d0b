"""One open file of lines: appending whole lines, cutting torn ones, forcing them to disk.

Everything here blocks; it runs in the output's own thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.core.errors import ConfigError
from bridge.log import get_logger
from bridge.outputs.sinks.files.layout import FILE_MODE
from bridge.wire.ndjson import Line, find_tail

_log = get_logger()

_WINDOW_BYTES = 1 << 20  # read from the end at first; nearly every line is shorter
_WINDOW_BYTES_MAX = 64 << 20  # then up to here: more without one line of ours is not our file
_BEGINNINGS = (b'{"specversion":"1.0",', b'{"id":', b'{"runId":')
_SPARE_BYTES = 4096  # what a file system may need beside the data: one block


class WriteStoppedError(Exception):
    """Writing stopped after `written` whole lines of those given; `cause` says why."""

    def __init__(self, written: int, cause: OSError) -> None:
        super().__init__(written, cause)
        self.written = written
        self.cause = cause


class SyncFailedError(OSError):
    """The kernel could not force lines to the disk; they were taken back."""


class FileTail(NamedTuple):
    """How a file ends."""

    end: int  # offset behind the last line of ours; 0 when there is none
    line: Line | None
    torn: bytes  # what follows, if it is short enough to be one torn batch


def read_tail(fd: int, size: int) -> FileTail:
    """Find the last line of ours in a file; looks at 64 MiB at most."""
    window = _WINDOW_BYTES
    while True:
        start = max(0, size - window)
        data = _pread_all(fd, start, size - start)
        skip = data.find(b"\n") + 1 if start else 0  # begin at the start of a line
        tail = find_tail(data[skip:])
        if tail.line is not None or start == 0:
            return FileTail(start + skip + tail.end if tail.line else 0, tail.line, tail.torn)
        if window >= _WINDOW_BYTES_MAX:
            return FileTail(0, None, data)
        window *= 8


def _pread_all(fd: int, offset: int, count: int) -> bytes:
    parts = []
    while count > 0:
        part = os.pread(fd, count, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        count -= len(part)
    return b"".join(parts)


class Segment:
    """An open file that only this process writes.

    `size` is the offset behind the last whole line. A torn tail left by a kill is not cut at once:
    it is the start of the line that comes next, and completing it spares readers a file that
    shrinks, which they take for a new one.
    """

    def __init__(self, path: Path, fd: int, *, created: bool) -> None:
        self.path = path
        self.created = created
        self._fd = fd
        info = os.fstat(fd)
        self.inode = (info.st_dev, info.st_ino)
        self.modified_s = info.st_mtime
        self._has_links = info.st_nlink > 0  # some network file systems do not count them
        self.tail = read_tail(fd, info.st_size)
        self.size = self.tail.end
        self._torn = self.tail.torn
        self.synced_size = self.size
        # What a killed process wrote, or what is cut here, is not known to be on the disk.
        self._is_unforced = not created

    @classmethod
    def open(cls, path: Path, *, owned: bool) -> Segment:
        """Open or create a file. Raises OSError; ConfigError when it is somebody else's.

        `owned`: we wrote at this name before; the caller sets a file aside that we do not know.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not hang us
        try:
            fd, created = os.open(path, flags), False
        except FileNotFoundError:
            fd, created = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE), True
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ConfigError(f"{path}: is not a regular file; choose another path")
            _lock(fd, path)
            segment = cls(path, fd, created=created)
            if not owned and not segment.is_known:
                raise ConfigError(
                    f"{path}: holds something else than events of this bridge; "
                    "move it away or choose another path"
                )
            if created:
                sync_directory(path.parent)
        except BaseException:
            os.close(fd)
            raise
        return segment

    def distrust(self, size: int) -> None:
        """What stands behind this offset may be in memory only, written by a process that was
        killed: if the first sync fails, the kernel gives those lines up with ours.
        """
        self.synced_size = min(self.synced_size, size)

    @property
    def is_dirty(self) -> bool:
        return self._is_unforced or self.size > self.synced_size

    @property
    def is_known(self) -> bool:
        """False for a file without a line of ours that does not begin like one either: it is never
        cut. A first line may have been torn, or turned into zeros by a power cut.
        """
        begin = self._torn[:64].rstrip(b"\0")
        return self.tail.line is not None or any(
            begin.startswith(ours) or ours.startswith(begin) for ours in _BEGINNINGS
        )

    @property
    def torn_bytes(self) -> int:
        return len(self._torn)

    @property
    def is_deleted(self) -> bool:
        """It has no name any more, here or elsewhere (`rm`, `rm -r` of the directory)."""
        return self._has_links and os.fstat(self._fd).st_nlink == 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines; each is whole on return. Raises WriteStoppedError: those that fit are kept,
        the torn one is cut.
        """
        data = b"".join(lines)
        done = len(self._torn) if data.startswith(self._torn) else 0
        if done:
            self._torn = b""  # it is the beginning of what comes: complete it
        else:
            self.cut_torn()
        view = memoryview(data)
        try:
            self._check_space(len(data) - done)
            while done < len(data):
                done += os.write(self._fd, view[done:])
        except OSError as error:
            whole = data.rfind(b"\n", 0, done) + 1
            self.size += whole
            self._torn = data[whole:done]
            with contextlib.suppress(OSError):  # then before the next line
                self.cut_torn()
            raise WriteStoppedError(data.count(b"\n", 0, whole), error) from error
        self.size += len(data)

    def _check_space(self, count: int) -> None:
        """Refuse before a line is torn; a reader that sees half a line taken back starts over."""
        volume = os.fstatvfs(self._fd)
        free = volume.f_bfree if os.geteuid() == 0 else volume.f_bavail
        if volume.f_blocks and free * volume.f_frsize < count + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def cut_torn(self) -> None:
        """Remove what follows the last whole line."""
        if self._torn:
            self._cut()
            _log.warning("file.tail_cut", path=str(self.path), bytes=len(self._torn))
            self._torn = b""

    def _cut(self) -> None:
        os.ftruncate(self._fd, self.size)
        self._is_unforced = True  # a power cut could bring the torn line back

    def resize(self) -> bool:
        """Take note of what others did to the file; True if it shrank."""
        size = os.fstat(self._fd).st_size
        expected = self.size + len(self._torn)
        if size == expected:
            return False
        self.tail = read_tail(self._fd, size)
        self.size, self._torn = self.tail.end, self.tail.torn
        self.synced_size = min(self.synced_size, self.size)
        self.cut_torn()
        return size < expected

    def sync(self) -> None:
        """Force the lines to the disk. Raises SyncFailedError; the lines written since the last
        time are taken back then, because the kernel does not try a failed write-back again.
        """
        if not self.is_dirty:
            return
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            self.size = self.synced_size
            self._torn = b""
            with contextlib.suppress(OSError):
                self._cut()
            raise SyncFailedError(error.errno, error.strerror) from error
        self.synced_size = self.size
        self._is_unforced = False

    def close(self) -> None:
        os.close(self._fd)


def _lock(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{path}: another process or output writes this file; give each its own path"
        ) from None
    except OSError:
        # A file system without locks: nothing to be had.
        return


def sync_directory(path: Path) -> None:
    """Make names durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
