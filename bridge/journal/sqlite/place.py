"""Whether the file that was opened is still the one at its path, and who else may have it open.

A file that is removed or renamed goes on taking bytes: they would be acknowledged and found by
nobody. So would those of one that was emptied, or had an older copy written into it. And a lock
beside the file is no lock on the file: it may be removed, and a hard link has another name.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from bridge.core.errors import JournalBusyError, JournalUnavailableError
from bridge.journal.sqlite.faults import displaced, spoiled

_Identity = tuple[int, int]
_SPOILED = "another program wrote into it, truncated it or emptied it"
_HEADER_BYTES = 100  # sqlite.org/fileformat2.html, 1.3


class Place:
    """A path, and the file and the write-ahead log that were found there."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        """The file is there, and open for writing."""
        self._path = path
        self._name = str(path)  # asked for at each commit, without a `Path` in between
        self._lock = lock
        self._file = _identity(self._name)
        self._log = _identity(_wal_of(self._name))
        self._left: tuple[object, ...] | None = None
        self._spoiled: str | None = None

    def left(self) -> None:
        """Nobody but this process writes: so the two files have to be found at the next `check`."""
        self._left = self._content() if self.trouble() is None else None

    def trouble(self) -> str | None:
        """What has become of the path; None when all is in place. Four system calls."""
        if self._spoiled is not None:
            return self._spoiled
        there = _identity(self._name)
        if there is None:
            return "the file was removed, or its directory renamed"
        if there != self._file:
            return "another file replaced it"
        # Looked up anew: a symbolic link may lead to the same file elsewhere by now.
        if _identity(wal := _wal_of(self._name)) != self._log:
            return f"its write-ahead log {wal} was removed or replaced"
        return None

    def check(self, head: int) -> None:
        """Raises JournalUnavailableError when it is out of place."""
        what = self.trouble()
        if what is None and self._left not in (None, self._content()):
            # For good: what SQLite holds in memory and what is in the file do not fit together.
            what = self._spoiled = _SPOILED
        if what is not None:
            raise self.error(what, head)

    def error(self, what: str, head: int) -> JournalUnavailableError:
        """What `trouble` said, with what to do."""
        make = displaced if self._spoiled is None else spoiled
        return make(str(self._path), what, head)

    def _content(self) -> tuple[object, ...]:
        """What tells, within microseconds, that somebody else wrote: sizes, and how many pages."""
        return _size(_wal_of(self._name)), *self._lock.look()


def _wal_of(name: str) -> str:
    """As `wal.wal_of`."""
    return f"{os.path.realpath(name) if os.path.islink(name) else name}-wal"


def _identity(path: str) -> _Identity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


class FileLock:
    """A lock on the journal's own file, whatever name it is reached by.

    A flock, which SQLite's locks (fcntl) do not know of. Closing any descriptor of the file drops
    those, so this one is closed last, after SQLite's connections.
    """

    def __init__(self, path: Path) -> None:
        """Raises JournalBusyError, OSError."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise JournalBusyError(
                f"journal {path}: is in use by another process, although its lock file does not say"
                f" so (it was removed, or {path.name} is a link); stop that one, or choose another"
                " journal with --journal"
            ) from error

    def look(self) -> tuple[int, bytes]:
        """Size and header of the file. Through this descriptor, as no other may be closed."""
        size = os.fstat(self._descriptor).st_size
        return size, os.pread(self._descriptor, _HEADER_BYTES, 0)

    def close(self) -> None:
        """Let go of it. Idempotent."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
