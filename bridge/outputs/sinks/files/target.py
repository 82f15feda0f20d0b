"""NDJSON files as a target: the last line of the file holds the position."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.log import get_logger
from bridge.outputs.sinks.files.archive import Archive
from bridge.outputs.sinks.files.layout import Layout
from bridge.outputs.sinks.files.open_file import SyncFailedError, WriteStoppedError
from bridge.outputs.sinks.files.writer import FileWriter
from bridge.outputs.sinks.oserrors import OS_REASONS, reason_of
from bridge.outputs.sinks.port import Found, Intervals, Known, Mark, TargetError

_log = get_logger()

FSYNC_S = 1.0  # seconds between forced writes with fsync "interval"
CHECKPOINT_S = 5.0  # seconds; each checkpoint is a commit of the journal
CHECKPOINT_LAZY_S = 60.0  # with fsync "never" only checkpoints cost an fsync
TICK_S = 1.0  # seconds until an idle output notices changes by other programs
CLEAN_S = 2.0  # seconds between checks of finished files

T = TypeVar("T")


class FileTarget:
    """Implements `sinks.port.Target`, `Reopening` and `Upkeep` on one path.

    Its mark holds the number of the newest file (numbers are never reused) and how many bytes of it
    are synced.
    """

    has_memory = True
    reasons = OS_REASONS

    def __init__(
        self,
        layout: Layout,
        clock: Clock,
        *,
        intervals: Intervals | None = None,
        clean_s: float = CLEAN_S,
    ) -> None:
        self._layout = layout
        self._file = FileWriter(layout, clock)
        self._archive = Archive(layout, self._file.names, clock)
        is_lazy = layout.fsync == "never"
        self.intervals = intervals or Intervals(
            sync_s=FSYNC_S if layout.fsync == "interval" else None,
            checkpoint_s=CHECKPOINT_LAZY_S if is_lazy else CHECKPOINT_S,
            idle_s=TICK_S,
        )
        self.upkeep_s = None if self._archive.is_idle else clean_s
        # Its own thread: a hanging disk must not block other outputs.
        name = layout.path.name
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{name}")
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix=f"clean-{name}")
        self._was_open = False
        self._is_closed = False
        self._mark: Mark = {}

    @property
    def place(self) -> str:
        """See `Target.place`. The configured path, also where files have other names."""
        return str(self._layout.path)

    @property
    def facts(self) -> Mapping[str, Any]:
        """See `Target.facts`. `file` is the path that the next line goes to."""
        return {"file": str(self._file.path)}

    async def open(self, known: Known | None) -> Found:
        """Open the newest file; `known` says how much of it the last checkpoint covers."""
        mark = known.mark if known is not None else {}
        # "segment": the key of the first version; checkpoints outlive upgrades.
        stored, size = mark.get("segment"), mark.get("size")
        number = stored if isinstance(stored, int) else 0
        forced = None
        if known is not None and known.is_repeatable and isinstance(size, int):
            forced = (number, size)
        number_min = self._file.number - 1 if self._was_open else number
        owned = self._was_open or known is not None
        found = await self._do(
            lambda: self._file.open(owned=owned, number_min=number_min, forced=forced)
        )
        self._was_open = True
        return found

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        """See `Target.write`.

        The thread calls `taken`, so that it is right even if the caller is cancelled.
        """

        def work() -> None:
            if not lines:
                self._file.settle()
                self._file.tick()
                return
            try:
                self._file.write(lines)
            except WriteStoppedError as stop:
                taken(stop.written)
                raise
            taken(len(lines))

        await self._do(work)

    async def sync(self) -> Mark:
        """See `Target.sync`."""
        return await self._do(self._synced)

    async def reopen(self) -> None:
        """Check the path at once, and create the file if it is missing."""
        await self._do(self._file.reopen)

    async def close(self) -> Mark:
        """See `Target.close`; the threads end in every case."""
        if self._is_closed:
            return self._mark
        self._is_closed = True
        self._archive.stop()
        try:
            await self._do(self._finish)
            # Waits for an aborting compression; no file changes after this.
            await asyncio.get_running_loop().run_in_executor(self._cleaner, lambda: None)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._cleaner.shutdown(wait=False, cancel_futures=True)
        return self._mark

    def wants_checkpoint(self, saved: Mark) -> bool:
        """Whether a file was finished since the checkpoint."""
        return self.upkeep_s is not None and saved.get("segment") != self._file.number

    async def upkeep(self, saved: Mark) -> None:
        """Compress and remove finished files."""
        below = saved.get("segment")
        if self._is_closed or not isinstance(below, int):
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._cleaner, self._archive.clean, below)
        except OSError as error:
            _log.warning("file.cleaning_failed", sink=self.place, error=error.strerror)

    # In the thread

    def _synced(self) -> Mark:
        if self._file.is_open:
            self._file.sync()
            self._mark = {"segment": self._file.number, "size": self._file.forced_size}
        return self._mark

    def _finish(self) -> None:
        try:
            if self._file.is_open:
                self._file.settle()
            self._synced()
        finally:
            self._file.drop()

    async def _do(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread; close the file after a failure.

        Raises:
            TargetError: `work` failed.
        """

        def guarded() -> T:
            try:
                return work()
            except (OSError, WriteStoppedError, ConfigError):
                with suppress(OSError):
                    self._file.drop()
                raise

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)
        except WriteStoppedError as stop:
            raise self._told(stop.cause) from stop.cause
        except OSError as error:
            raise self._told(error) from error
        except ConfigError as error:
            raise TargetError("other", str(error), complaint=str(error)) from error

    def _told(self, error: OSError) -> TargetError:
        reason = reason_of(error)
        text = error.strerror or str(error)
        # A full disk may recover while `run` waits; an operator must fix the rest.
        complaint = None
        if reason not in ("disk_full", "io"):
            complaint = _complaint(self._layout, error)
        is_undone = isinstance(error, SyncFailedError)
        return TargetError(reason, text, complaint=complaint, is_undone=is_undone)


def _complaint(layout: Layout, error: OSError) -> str:
    place, directory = layout.path, layout.path.parent
    cures = {
        errno.EACCES: f"let this user write to {directory}, or choose another path",
        errno.EROFS: f"{directory} is read-only; mount it for writing, or choose another path",
        errno.ENOENT: f"create the directory {directory}, or choose another path",
        errno.ENOTDIR: f"{directory} is not a directory; choose another path",
        errno.EEXIST: f"{place} is a symbolic link to a missing file; create that, or remove it",
        errno.ELOOP: f"{place} is a symbolic link that leads to no file; remove it",
        errno.EISDIR: f"{place} is a directory; give the name of a file",
    }
    cure = cures.get(error.errno or 0, f"look at {directory}, or choose another path")
    return f"output {place}: cannot write: {(error.strerror or str(error)).lower()}; {cure}"
