"""The write-ahead log: its path, and the log that a killed process left."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def real_path(path: Path) -> Path:
    """Return the target of a symbolic link: SQLite keeps its files beside the target."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def wal_of(path: Path) -> Path:
    """The write-ahead log of the journal at `path`, which may be a symbolic link."""
    real = real_path(path)
    return real.with_name(real.name + "-wal")


def wal_bytes(path: Path) -> int:
    """Return its size; 0 when there is none."""
    try:
        return wal_of(path).stat().st_size
    except OSError:
        return 0


def write_again(wal: Path) -> None:
    """Write the file over itself and force it to the disk; its content stays.

    The log of a killed process may be in memory only, yet SQLite reads it as committed and shares
    it before a sync. If the first sync after that fails, the kernel drops those pages and the next
    sync succeeds without them: after a power cut the log would end there, before commits that
    others have seen, and its older pages would overwrite newer ones. Rewritten pages are synced.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        descriptor = os.open(wal, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        at = 0
        while chunk := os.pread(descriptor, _CHUNK_BYTES, at):
            at += os.pwrite(descriptor, chunk, at)
        if at:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
