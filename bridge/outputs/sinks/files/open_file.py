"""One open file of lines: appends whole lines, cuts torn ones, syncs.

All calls block; they run in the output's own thread.
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
_WINDOW_BYTES_MAX = 64 << 20  # then up to here; a file of the bridge has a line within it
_BEGINNINGS = (b'{"specversion":"1.0",', b'{"id":', b'{"runId":')
_SPARE_BYTES = 4096  # what a file system may need beside the data: one block


class WriteStoppedError(Exception):
    """Writing stopped after `written` of the given lines; `cause` is the OSError."""

    def __init__(self, written: int, cause: OSError) -> None:
        super().__init__(written, cause)
        self.written = written
        self.cause = cause


class SyncFailedError(OSError):
    """The kernel could not sync lines; the file took them back."""


class FileTail(NamedTuple):
    """How a file ends."""

    end: int  # offset after the bridge's last line; 0 if there is none
    line: Line | None
    torn: bytes  # what follows, if it is short enough to be one torn batch


def read_tail(fd: int, size: int) -> FileTail:
    """Find the bridge's last line in a file; reads at most its last 64 MiB."""
    window = _WINDOW_BYTES
    while True:
        start = max(0, size - window)
        data = _pread_all(fd, start, size - start)
        skip = data.find(b"\n") + 1 if start else 0  # skip to the start of a line
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


class OpenFile:
    """An open file that only this process writes.

    `size` is the offset after the last whole line. A torn tail left by a kill is not cut at once:
    it is the start of the next line, and completing it avoids a shrinking file, which readers
    mistake for a new one.
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
        # Bytes of a killed process, or a cut made here, may not be on the disk.
        self._is_unforced = not created

    @classmethod
    def open(cls, path: Path, *, owned: bool) -> OpenFile:
        """Open or create a file.

        Args:
            path: The file.
            owned: The bridge has written at this name before; the caller sets an unknown file
                aside.

        Raises:
            OSError: The file cannot be opened or created.
            ConfigError: It is no regular file, another process writes it, or it holds foreign data.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not block
        try:
            fd, created = os.open(path, flags), False
        except FileNotFoundError:
            fd, created = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE), True
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ConfigError(
                    f'{path}: is not a regular file; choose another path, or "-" for stdout'
                )
            _lock(fd, path)
            file = cls(path, fd, created=created)
            if not owned and not file.is_known:
                raise ConfigError(
                    f"{path}: holds something else than events of this bridge; "
                    "move it away or choose another path"
                )
            if created:
                sync_directory(path.parent)
        except BaseException:
            os.close(fd)
            raise
        return file

    def distrust(self, size: int) -> None:
        """Treat everything after this offset as not synced.

        A killed process may have written it to memory only: if the first sync fails, the kernel
        drops those lines together with this process's own.
        """
        self.synced_size = min(self.synced_size, size)

    @property
    def is_dirty(self) -> bool:
        """Whether some bytes may not be on the disk, so that `sync` has work."""
        return self._is_unforced or self.size > self.synced_size

    @property
    def is_known(self) -> bool:
        """Whether the file holds, or begins like, a line of the bridge. Others are never cut.

        A first line may have been torn, or turned into zeros by a power cut.
        """
        begin = self._torn[:64].rstrip(b"\0")
        return self.tail.line is not None or any(
            begin.startswith(ours) or ours.startswith(begin) for ours in _BEGINNINGS
        )

    @property
    def torn_bytes(self) -> int:
        """The size of the torn tail, which the next line completes; 0 if there is none."""
        return len(self._torn)

    @property
    def is_deleted(self) -> bool:
        """Whether the file has no name any more (`rm`, or `rm -r` of the directory)."""
        return self._has_links and os.fstat(self._fd).st_nlink == 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines; each is whole on return.

        Raises:
            WriteStoppedError: Not all lines fit. Those that do are kept, a torn one is cut.
        """
        data = b"".join(lines)
        done = len(self._torn) if data.startswith(self._torn) else 0
        if done:
            self._torn = b""  # it is the beginning of these lines: complete it
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
            with contextlib.suppress(OSError):  # cut before the next line instead
                self.cut_torn()
            raise WriteStoppedError(data.count(b"\n", 0, whole), error) from error
        self.size += len(data)

    def _check_space(self, count: int) -> None:
        """Refuse before a line is torn: a reader that sees half a line vanish starts over."""
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
        """Read the file's current size; True if another program made it smaller."""
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
        """Force the lines to the disk.

        Raises:
            SyncFailedError: The lines since the last sync were taken back, because the kernel does
                not retry a failed write-back.
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
        """Close the file without a sync."""
        os.close(self._fd)


def _lock(fd: int, path: Path) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{path}: another process or output writes this file; give each its own path"
        ) from None
    except OSError:
        # The file system has no locks.
        return


def sync_directory(path: Path) -> None:
    """Make renames and new names in a directory durable.

    Raises:
        OSError: The directory cannot be synced.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
