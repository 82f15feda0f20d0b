"""The file of one output: the open file, rotation, and changes by other programs.

All calls block; they run in the output's own thread. This module does not use the journal.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.log import get_logger
from bridge.outputs.sinks.files.layout import Layout, Names
from bridge.outputs.sinks.files.open_file import (
    OpenFile,
    WriteStoppedError,
    read_tail,
    sync_directory,
)
from bridge.outputs.sinks.port import Found
from bridge.wire.ndjson import Line

_log = get_logger()

# Time for logrotate to create a missing path; a file of the bridge would be in its way (readers.md:
# 3 lines lost in 94 rotations). Until then lines go to the renamed file.
MISSING_S = 1.0
_SIBLINGS_MAX = 100  # renamed files searched for the last line; usually the newest has it
_TORN_BYTES_MAX = 16 << 20  # more than a torn batch of ordinary lines


class FileWriter:
    """Writes lines to numbered files, or to one name that rotation renames."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._names = Names(layout)
        self._clock = clock
        self._is_fixed = layout.naming == "fixed"
        self._open: OpenFile | None = None
        self._missing_since_s: float | None = None
        self._period = 0  # of `rotate_every_s`, in which the last line was written
        self.number = 0  # of the open file; in `fixed` naming the one it will get
        self.names = self._names

    @property
    def path(self) -> Path:
        """The file that the next line goes to."""
        return self._layout.path if self._is_fixed else self._names.numbered(max(self.number, 1))

    @property
    def is_open(self) -> bool:
        """Whether a file is open; False before `open`, after `drop` and after `close`."""
        return self._open is not None

    @property
    def is_dirty(self) -> bool:
        """Whether some lines are not synced yet."""
        return self._open is not None and self._open.is_dirty

    @property
    def forced_size(self) -> int:
        """Bytes of the open file that are known to be on the disk."""
        return self._open.synced_size if self._open is not None else 0

    def open(
        self, *, owned: bool, number_min: int = 0, forced: tuple[int, int] | None = None
    ) -> Found:
        """Open the newest file, or create one; cut nothing yet.

        Args:
            owned: The journal knows this output, so damage may be repaired.
            number_min: The highest number used before, as far as the journal knows.
            forced: A file's number, and how many bytes of it are certainly synced. Without it,
                everything in the file counts as synced.

        Raises:
            OSError: The file cannot be opened or created.
            ConfigError: The path holds something that is not the bridge's.
        """
        self.drop()
        if not self._is_fixed:
            _refuse_special(self._layout.path)
        entries = self._names.entries()
        newest = max((entry.number for entry in entries), default=0)
        if self._is_fixed:
            self.number = max(newest + 1, number_min)
            file = self._open_or_set_aside(owned=owned)
            others = self._names.siblings()[:_SIBLINGS_MAX]
        else:
            plain = [entry for entry in entries if not entry.is_compressed]
            goes_on = bool(plain) and plain[-1].number == newest and newest >= number_min
            self.number = newest if goes_on else max(newest, number_min) + 1
            file = self._open_or_set_aside(owned=owned or len(entries) > 1)
            others = [e.path for e in reversed(plain) if e.number < self.number][:_SIBLINGS_MAX]
        self._open = file
        if forced is not None:
            file.distrust(0 if self.number > forced[0] else forced[1])
        last = file.tail.line
        for path in others if last is None else ():
            last = _last_line(path)
            if last is not None:
                break
        # Ignore an empty file: a kill between its creation and the first checkpoint leaves one.
        is_packed = any(entry.is_compressed for entry in entries)
        has_lines = last is not None or is_packed or file.torn_bytes > 0
        self._period = self._period_of(self._clock.wall() if file.created else file.modified_s)
        return Found(last, has_lines)

    def _open_or_set_aside(self, *, owned: bool) -> OpenFile:
        """Open the path; rename a foreign or wholly damaged file to a number first."""
        file = OpenFile.open(self.path, owned=owned)
        if file.is_known and file.torn_bytes <= _TORN_BYTES_MAX:
            return file
        file.close()
        _log.error("file.set_aside", path=str(self.path), bytes=file.torn_bytes)
        if self._is_fixed:
            self._layout.path.rename(self._names.numbered(self.number))
        self.number += 1
        return OpenFile.open(self.path, owned=owned)

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines in order, in as many files as needed.

        Raises:
            WriteStoppedError: Not all lines were written; the caller must call `open` next.
        """
        done = 0
        try:
            file = self._current()
            if self._is_due(file):
                file = self._rotate(file)
            while done < len(lines):
                upto = self._fitting(file, lines, done)
                if upto == done:
                    file = self._rotate(file)
                    continue
                file.append(lines if upto - done == len(lines) else lines[done:upto])
                if file.is_deleted:  # deleted meanwhile: no reader can see these lines
                    file = self._replaced(file)
                    continue
                done = upto
            self._period = self._period_of(self._clock.wall())
            if self._layout.fsync == "always":
                self.sync()
        except WriteStoppedError as stop:
            raise WriteStoppedError(done + stop.written, stop.cause) from stop.cause
        except OSError as error:
            raise WriteStoppedError(done, error) from error

    def _fitting(self, file: OpenFile, lines: Sequence[bytes], done: int) -> int:
        """The end of the lines from `done` on that fit the file; at least one if it is empty."""
        limit = self._layout.rotate_bytes
        if limit is None:
            return len(lines)
        size = file.size
        for i in range(done, len(lines)):
            size += len(lines[i])
            if size > limit and (i > done or file.size > 0):
                return i
        return len(lines)

    def tick(self) -> None:
        """Once a second: notice changes by other programs, and rotate by the clock.

        Raises:
            OSError: A file cannot be opened, renamed or synced.
        """
        file = self._current()
        if self._is_due(file):
            self._rotate(file)

    def settle(self) -> None:
        """Cut a torn line, because no line comes soon that would complete it.

        Raises:
            OSError: The file cannot be cut.
        """
        if self._open is not None:
            self._open.cut_torn()

    def sync(self) -> None:
        """Force all lines to the disk.

        Raises:
            SyncFailedError: The lines since the last sync were taken back.
        """
        if self._open is not None:
            self._open.sync()

    def reopen(self) -> None:
        """Check the path at once, and create the file if it is missing.

        Raises:
            OSError: The file cannot be opened or created.
            ConfigError: The path holds something that is not the bridge's.
        """
        self._missing_since_s = -MISSING_S
        self._current()

    def drop(self) -> None:
        """Close the file without a sync."""
        file, self._open = self._open, None
        self._missing_since_s = None
        if file is not None:
            file.close()

    def abandon(self) -> None:
        """Close as if never opened: a file that was created for this and is empty is deleted."""
        file = self._open
        if file is not None and file.created and file.size == 0:
            file.path.unlink(missing_ok=True)
        self.drop()

    def close(self) -> None:
        """Cut a torn line, sync the rest, and close.

        Raises:
            OSError: The last lines could not be cut or synced.
        """
        try:
            self.settle()
            self.sync()
        finally:
            self.drop()

    # Changes by other programs

    def _current(self) -> OpenFile:
        """The file to write to: the open one, unless the path names another file by now."""
        file = self._open
        if file is None:
            raise FileNotFoundError(f"{self.path} is not open")
        try:
            info = os.stat(file.path)
        except FileNotFoundError:
            # A file without a name is never read. A renamed file keeps receiving lines for
            # MISSING_S.
            is_gone = file.is_deleted or self._is_missed_for_long()
            return self._replaced(file) if is_gone else file
        if (info.st_dev, info.st_ino) != file.inode:
            return self._replaced(file)
        self._missing_since_s = None
        if file.resize():
            _log.warning("file.shrunk", path=str(file.path), size=file.size)
        return file

    def _is_missed_for_long(self) -> bool:
        now_s = self._clock.monotonic()
        if self._missing_since_s is None:
            self._missing_since_s = now_s
        return now_s - self._missing_since_s >= MISSING_S or self._missing_since_s < 0

    def _replaced(self, file: OpenFile) -> OpenFile:
        """Continue in a new file at the path. The old file has all its lines."""
        file.cut_torn()
        self.sync()
        self.drop()
        if not self._is_fixed:
            self.number += 1
        self._open = self._open_or_set_aside(owned=False)
        self._open.cut_torn()
        _log.info("file.replaced", path=str(self._open.path))
        return self._open

    # Rotation

    def _period_of(self, wall_s: float) -> int:
        every_s = self._layout.rotate_every_s
        return int(wall_s // every_s) if every_s else 0

    def _is_due(self, file: OpenFile) -> bool:
        return file.size > 0 and self._period_of(self._clock.wall()) > self._period

    def _rotate(self, file: OpenFile) -> OpenFile:
        """Finish a file and begin the next.

        A kill between the steps leaves an empty newest file or none; `open` handles both.

        Raises:
            OSError: A file cannot be renamed, opened or synced.
        """
        file.cut_torn()
        self.sync()
        finished = file.path
        if self._is_fixed:
            finished = self._names.numbered(self.number)
            file.path.rename(finished)
            sync_directory(finished.parent)
        self.drop()
        self.number += 1
        self._open = OpenFile.open(self.path, owned=True)
        self._period = self._period_of(self._clock.wall())
        _log.info("file.rotated", path=str(finished), bytes=file.size)
        return self._open


def _refuse_special(path: Path) -> None:
    """Check that numbered files will not stand beside a device, as `/dev/stdout.000001` would.

    Raises:
        ConfigError: The path is a device, a pipe, a socket or a directory.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # the usual case: nothing has the name of all files
    if stat.S_ISDIR(mode):
        raise ConfigError(f"{path}: is a directory; give the name of a file in it")
    if not stat.S_ISREG(mode):
        raise ConfigError(f'{path}: is not a regular file; choose another path, or "-" for stdout')


def _last_line(path: Path) -> Line | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return read_tail(fd, os.fstat(fd).st_size).line
    finally:
        os.close(fd)
