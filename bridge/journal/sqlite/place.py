"""Checks that the opened file is still the one at its path, and who else may have it open.

A file that was removed or renamed still accepts bytes, but nobody would find those records; the
same holds for a file that was emptied or overwritten with an older copy. A lock beside the file
does not lock the file: somebody may remove it, and a hard link has another name.
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
        """Note the file at `path`, which exists and is open for writing."""
        self._path = path
        self._name = str(path)  # each commit needs it, without a `Path` in between
        self._lock = lock
        self._file = _identity(self._name)
        self._log = _identity(_wal_of(self._name))
        self._left: tuple[object, ...] | None = None
        self._spoiled: str | None = None

    def left(self) -> None:
        """Note that only this process writes: the next `check` has to find both files."""
        self._left = self._content() if self.trouble() is None else None

    def trouble(self) -> str | None:
        """Return what happened to the path; None when all is in place. Four system calls."""
        if self._spoiled is not None:
            return self._spoiled
        there = _identity(self._name)
        if there is None:
            return "the file was removed, or its directory renamed"
        if there != self._file:
            return "another file replaced it"
        # Looked up again: a symbolic link may lead to the same file elsewhere by now.
        if _identity(wal := _wal_of(self._name)) != self._log:
            return f"its write-ahead log {wal} was removed or replaced"
        return None

    def check(self, head: int) -> None:
        """Check the place.

        Raises:
            JournalUnavailableError: The file is not at its path.
        """
        what = self.trouble()
        if what is None and self._left not in (None, self._content()):
            # Permanent: SQLite's memory and the file no longer match.
            what = self._spoiled = _SPOILED
        if what is not None:
            raise self.error(what, head)

    def error(self, what: str, head: int) -> JournalUnavailableError:
        """Return the error for what `trouble` found, with the fix."""
        make = displaced if self._spoiled is None else spoiled
        return make(str(self._path), what, head)

    def _content(self) -> tuple[object, ...]:
        """Return sizes and page count, which show quickly that another process wrote."""
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
    """A lock on the journal's own file, by whatever name it is opened.

    It is a flock, which does not affect SQLite's locks (fcntl). Closing any descriptor of the file
    drops those, so close this one last, after SQLite's connections.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            JournalBusyError: Another process holds it.
            OSError: The file cannot be opened.
        """
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
        """Return size and header of the file, by this descriptor, as no other may be closed."""
        size = os.fstat(self._descriptor).st_size
        return size, os.pread(self._descriptor, _HEADER_BYTES, 0)

    def close(self) -> None:
        """Release it. Idempotent."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
