"""Compresses finished files, and deletes those beyond `keep`.

All calls block; they run in a thread beside the one that writes.
"""

from __future__ import annotations

import gzip
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from bridge.clock import Clock
from bridge.log import get_logger
from bridge.outputs.sinks.files.layout import Entry, Keep, Layout, Names
from bridge.outputs.sinks.files.open_file import sync_directory

_log = get_logger()

# The newest finished file stays plain for a while (logrotate's delaycompress): a reader that
# looks for new names now and then must still find it under the name it had.
PLAIN_S = 30.0
_DRIFT_S = 1.0  # tolerated clock step between two checks, a minute apart
_COPY_BYTES = 256 * 1024
_GZIP_LEVEL = 6  # the tool's own default
_ZSTD_LEVEL = 3  # the tool's own default
_EXTENSION = {"gzip": ".gz", "zstd": ".zst"}


class _SteadyWall:
    """The wall clock, protected against jumps.

    A jump forward counts only after it has lasted as long as files are kept. Until then files age
    by the monotonic clock, so a clock that is wrong for a minute deletes nothing.
    """

    def __init__(self, clock: Clock, lasting_s: float) -> None:
        self._clock = clock
        self._lasting_s = lasting_s
        self._wall_s, self._at_s = clock.wall(), clock.monotonic()
        self._ahead_since_s: float | None = None

    def now(self) -> float:
        wall_s, now_s = self._clock.wall(), self._clock.monotonic()
        steady_s = self._wall_s + now_s - self._at_s
        if wall_s <= steady_s + _DRIFT_S:
            self._believe(wall_s, now_s)
            return wall_s
        if self._ahead_since_s is None:
            self._ahead_since_s = now_s
        if now_s - self._ahead_since_s >= self._lasting_s:
            self._believe(wall_s, now_s)
            return wall_s
        return steady_s

    def _believe(self, wall_s: float, now_s: float) -> None:
        self._wall_s, self._at_s, self._ahead_since_s = wall_s, now_s, None


class Archive:
    """Compresses and deletes the finished files of one output."""

    def __init__(self, layout: Layout, names: Names, clock: Clock) -> None:
        self._names = names
        self._compress = layout.compress
        self._keep: Keep = layout.keep
        self._directory = layout.path.parent
        self._wall = _SteadyWall(clock, layout.keep.age_s or PLAIN_S)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Abort a running compression; a later call starts it again."""
        self._stopping.set()

    @property
    def is_idle(self) -> bool:
        """Whether the settings never compress or delete."""
        return self._compress == "none" and self._keep.is_everything

    def clean(self, below: int, *, is_over: bool = False) -> None:
        """Compress and delete finished files. The next call does what this one could not.

        Args:
            below: Files with a smaller number are finished.
            is_over: No more lines will come, so no reader needs the newest one under its old name.

        Raises:
            OSError: A file could not be read, written or deleted.
        """
        finished = [entry for entry in self._names.entries() if entry.number < below]
        if self._compress != "none":
            finished = self._pack(finished, is_over=is_over)
        self._remove(finished)

    def _pack(self, finished: list[Entry], *, is_over: bool) -> list[Entry]:
        extension = _EXTENSION[self._compress]
        packed = {entry.number for entry in finished if entry.is_compressed}
        newest = max((entry.number for entry in finished), default=0)
        result = []
        for entry in finished:
            if entry.is_compressed:
                result.append(entry)
                continue
            if entry.number in packed:  # killed between the rename and the unlink
                entry.path.unlink()
                continue
            is_young = self._wall.now() - entry.path.stat().st_mtime < PLAIN_S
            if entry.number == newest and is_young and not is_over:
                result.append(entry)
                continue
            target = entry.path.with_name(entry.path.name + extension)
            if not _compress(entry.path, target, self._compress, self._stopping):
                return []
            result.append(Entry(entry.number, target, is_compressed=True))
        return result

    def _remove(self, finished: list[Entry]) -> None:
        keep, now = self._keep, self._wall.now()
        left = [(entry, entry.path.stat()) for entry in finished]
        total = sum(info.st_size for _, info in left)
        while left:
            entry, info = left[0]
            reasons = {
                "files": keep.files is not None and len(left) > keep.files,
                "age": keep.age_s is not None and now - info.st_mtime > keep.age_s,
                "bytes": keep.bytes is not None and total > keep.bytes,
            }
            reason = next((name for name, holds in reasons.items() if holds), None)
            if reason is None:
                return
            with suppress(FileNotFoundError):  # another program deletes files too
                entry.path.unlink()
            _log.info("file.removed", path=str(entry.path), reason=reason)
            total -= info.st_size
            del left[0]


def _compress(source: Path, target: Path, kind: str, stopping: threading.Event) -> bool:
    """Replace a file by its compressed form; at every instant one of the two is complete.

    Returns:
        False if `stopping` was set before the end.
    """
    scratch = target.with_name(f".{target.name}.part")  # hidden from readers' wildcards
    try:
        info = source.stat()
        with source.open("rb") as plain, scratch.open("wb") as raw:
            os.fchmod(raw.fileno(), info.st_mode & 0o777)
            with _packer(raw, kind) as packed:
                while piece := plain.read(_COPY_BYTES):
                    if stopping.is_set():
                        return False
                    packed.write(piece)
            raw.flush()
            os.fsync(raw.fileno())
        os.utime(scratch, ns=(info.st_atime_ns, info.st_mtime_ns))  # `keep.age` counts from the end
        scratch.rename(target)
        sync_directory(target.parent)
        source.unlink()
        return True
    finally:
        scratch.unlink(missing_ok=True)


def _packer(raw: IO[bytes], kind: str) -> Any:
    if kind == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=raw)
    import zstandard  # noqa: PLC0415 - 20 ms that others need not wait for

    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
    return compressor.stream_writer(raw, closefd=False)
