"""NDJSON files as a reader of the journal: each record exactly once, whatever happens to either.

The position is in the file itself (the sequence of its last whole line). A checkpoint in the
journal is the lower bound when the files were carried away, and says which journal the lines come
from; it is saved only after the lines are forced to the disk.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from bridge.clock import Clock
from bridge.core.errors import ConfigError, JournalFullError
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.outputs.sinks.files.archive import Archive
from bridge.outputs.sinks.files.layout import Layout
from bridge.outputs.sinks.files.segment import SyncFailedError, WriteStoppedError
from bridge.outputs.sinks.files.writer import FileWriter, Found
from bridge.outputs.sinks.health import SinkHealth, reason_of
from bridge.outputs.sinks.lines import (
    Batch,
    Checkpoint,
    LineReader,
    LineSettings,
    Resume,
    checkpoint_key,
    resume,
)

_log = structlog.get_logger()

FSYNC_S = 1.0  # seconds between forced writes with fsync "interval"
CHECKPOINT_S = 5.0  # seconds; a checkpoint is a commit of the journal, so not too often
CHECKPOINT_LAZY_S = 60.0  # with fsync "never" each checkpoint costs the only fsync there is
CLEAN_S = 2.0  # seconds between looks at finished segments
TICK_S = 1.0  # seconds; how soon an idle output notices the hands of others
CLOSE_S = 5.0  # seconds for the last lines at the end

T = TypeVar("T")


class FileSink:
    """One file output. `open`, then `run` until cancelled, then `close`."""

    def __init__(
        self,
        name: str,
        journal: Journal,
        layout: Layout,
        lines: LineSettings = LineSettings(),  # noqa: B008 - frozen
        *,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.name = name
        self._journal = journal
        self._layout = layout
        self._lines = LineReader(journal, lines, clock.wall)
        self._clock = clock
        self._health = SinkHealth(name, str(layout.path), metrics, clock)
        self._file = FileWriter(layout, clock)
        self._archive = Archive(layout, self._file.names, clock.wall)
        # A thread of its own: a disk that hangs must not take other outputs with it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{name}")
        self._cleaner = ThreadPoolExecutor(1, thread_name_prefix=f"clean-{name}")
        self._lock = asyncio.Lock()  # one decision about the file at a time
        self._position = 0
        self._saved: Checkpoint | None = None
        self._preface: Batch | None = None  # the reset line, before anything else
        self._is_started = self._is_closed = False
        self._wait_s = 0.0  # before the next try, after a failure
        self._must_look_back = False  # lines were taken back: the position is in the file only
        self._reopen = asyncio.Event()
        self._synced_s = self._saved_s = clock.monotonic()

    @property
    def position(self) -> int:
        """Sequence up to which everything is in the file (or did not match the filter)."""
        return self._position

    @property
    def lag(self) -> int:
        """Records in the journal that this output has not looked at yet."""
        return max(0, self._journal.head - self._position)

    def status(self) -> Mapping[str, Any]:
        """The check of /healthz."""
        return {**self._health.status(self._position, self.lag), "file": str(self._file.path)}

    def reopen(self) -> None:
        """Look at the path again at once, and create it if it is missing (SIGHUP, SIGUSR1)."""
        self._reopen.set()

    async def open(self) -> None:
        """Find the place to go on from. Raises ConfigError: the operator must act.

        A full disk is no such error: it may be freed while we wait.
        """
        self._saved = Checkpoint.maybe_decode(
            await self._journal.checkpoint(checkpoint_key(self.name))
        )
        try:
            await self._start()
        except ConfigError:
            self._let_go()
            raise
        except OSError as error:
            if not _may_pass(error):
                self._let_go()
                raise ConfigError(_complaint(self.name, self._layout, error)) from error
            self._health.failed(error)

    async def run(self) -> None:
        """Copy until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._copy(), name=f"sink-{self.name}-copy")
            group.create_task(self._keep_house(), name=f"sink-{self.name}-house")
            if not self._archive.is_idle:
                group.create_task(self._clean(), name=f"sink-{self.name}-clean")

    async def close(self, deadline_s: float = CLOSE_S) -> None:
        """Write what the journal still has, force it to the disk, save the checkpoint. After `run`
        was cancelled; idempotent. What the deadline cuts off is written after the next start.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._archive.stop()
        try:
            async with asyncio.timeout(deadline_s):
                await self._in_thread(lambda: None)  # behind the write that was cut off
                while self._is_started and await self._copy_once():
                    pass
                if self._is_started:
                    await self._save()
                await self._in_thread(self._file.close)
                # Behind a compression that is being given up: nothing moves after this.
                await asyncio.get_running_loop().run_in_executor(self._cleaner, lambda: None)
        except (TimeoutError, OSError, WriteStoppedError, JournalFullError) as error:
            self._health.failed(error)
        finally:
            self._let_go()
            _log.info("sink.closed", sink=self.name, position=self._position, lag=self.lag)

    def _let_go(self) -> None:
        self._is_closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._cleaner.shutdown(wait=False, cancel_futures=True)

    # Starting

    async def _start(self) -> None:
        """Open the file and decide the position. Raises OSError, ConfigError."""
        saved = self._saved
        number = saved.segment if saved is not None else 0
        found = await self._open_file(owned=saved is not None, number_min=number)
        place = resume(saved, found.last, has_files=found.has_files, journal=self._journal)
        if place.is_reset and found.last is not None:
            place = await self._lines.recognise(found.last) or place
        self._position = await self._exact(place, found)
        if place.is_reset:
            self._health.reset(place.asked, place.after)
            lines, seqs = self._lines.reset("epoch", place.after, place.asked, None)
            self._preface = Batch(lines, seqs, place.after) if lines else None
        self._is_started = True
        _log.info("sink.opened", sink=self.name, file=str(self._file.path), position=self._position)

    async def _open_file(self, *, owned: bool, number_min: int) -> Found:
        """Open it, knowing how much of it the last checkpoint found on the disk."""
        saved, forced = self._saved, None
        # Of another journal: what it has not, cannot be written again.
        if saved is not None and saved.size is not None and saved.epoch == self._journal.epoch:
            forced = (saved.segment, saved.size)
        return await self._in_thread(
            lambda: self._file.open(owned=owned, number_min=number_min, forced=forced)
        )

    async def _exact(self, place: Resume, found: Found) -> int:
        """The position, where the last line does not tell it (upstream's format)."""
        if found.last is None or found.last.seq is not None or place.is_reset:
            return place.after
        return max(place.after, await self._lines.find(found.last, place.after))

    async def _open_again(self) -> None:
        """After a failure: what is in the file counts, memory may be wrong. Raises OSError."""
        if not self._is_started:
            await self._start()
            return
        saved = self._saved
        found = await self._open_file(owned=True, number_min=self._file.number - 1)
        if self._must_look_back and saved is not None:
            place = resume(saved, found.last, has_files=True, journal=self._journal)
            self._position = await self._exact(place, found)
            self._must_look_back = False
        elif found.last is not None and found.last.seq is not None and self._preface is None:
            self._position = max(self._position, min(found.last.seq, self._journal.head))

    # Copying

    async def _copy(self) -> None:
        while True:
            if await self._copy_once():
                continue
            if self._health.last_error is not None:
                await asyncio.sleep(self._wait_s)
            else:
                with suppress(TimeoutError):  # a failed fsync may move the position back
                    async with asyncio.timeout(TICK_S):
                        await self._journal.wait_above(self._position)

    async def _copy_once(self) -> bool:
        """Write the next batch; False when there is none or it could not be written."""
        if self._is_started and self._preface is None and self.lag == 0:
            await self._settle()
            return False
        return await self._attempt(self._write_next)

    async def _settle(self) -> None:
        if self._file.is_open:
            await self._attempt(lambda: self._in_thread(self._file.settle))

    async def _write_next(self) -> None:
        if self._preface or self._saved is None or self._saved.epoch != self._journal.epoch:
            await self._register()
        before = self._position
        batch = await self._lines.read(before)

        def write() -> None:
            # In the thread, position included: a cancelled caller does not undo a write.
            try:
                if batch.lines:
                    self._file.write(batch.lines)
                else:
                    self._file.settle()
            except WriteStoppedError as stop:
                self._position = batch.position(stop.written, before)
                raise
            self._position = batch.next_after

        await self._in_thread(write)
        self._health.wrote(batch)
        self._health.lagging(self.lag)

    async def _register(self) -> None:
        """Tell the journal that this output writes its records: before the first line, and after
        a reset only when its line is on the disk. Raises JournalFullError.
        """

        def write() -> None:
            if self._preface is not None:
                self._file.write(self._preface.lines)
                self._preface = None

        await self._in_thread(write)
        await self._save()

    async def _attempt(self, work: Callable[[], Any]) -> bool:
        """Do something with the open file; a failure is noted and the file dropped."""
        async with self._lock:
            try:
                if not self._file.is_open:
                    await self._open_again()
                await work()
            except WriteStoppedError as stop:
                await self._failed(stop.cause)
                return False
            except (OSError, ConfigError, JournalFullError) as error:
                await self._failed(error)
                return False
            self._health.succeeded()
            return True

    async def _failed(self, error: BaseException) -> None:
        self._wait_s = self._health.failed(error)
        self._must_look_back |= isinstance(error, SyncFailedError)
        with suppress(OSError):
            await self._in_thread(self._file.drop)

    # Housekeeping

    async def _keep_house(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._reopen.wait()
            is_blocked = self._health.last_error is not None and (self.lag or not self._is_started)
            # While it is blocked, copying tries again by itself.
            if is_blocked or not await self._attempt(self._tick):
                # A reopening that was asked for stays so: to wait for it again would not wait.
                await asyncio.sleep(TICK_S)
            if not is_blocked:
                self._health.lagging(self.lag)

    async def _tick(self) -> None:
        now_s = self._clock.monotonic()
        if self._reopen.is_set():
            self._reopen.clear()
            await self._in_thread(self._file.reopen)
        await self._in_thread(self._file.tick)
        if self._layout.fsync == "interval" and now_s - self._synced_s >= FSYNC_S:
            await self._in_thread(self._file.sync)
            self._synced_s = now_s
        every_s = CHECKPOINT_LAZY_S if self._layout.fsync == "never" else CHECKPOINT_S
        is_due = now_s - self._saved_s >= every_s
        if self._saved is not None and not self._archive.is_idle:
            is_due |= self._saved.segment != self._file.number  # cleaning waits for it
        if self._saved is not None and is_due:
            with suppress(JournalFullError):  # only a lower bound; the file itself is exact
                await self._save()

    async def _save(self) -> None:
        """Force the lines to the disk, then remember how far they go. Raises SyncFailedError,
        JournalFullError.
        """

        def synced() -> Checkpoint:
            self._file.sync()
            file = self._file
            return Checkpoint(self._journal.epoch, self._position, file.number, file.forced_size)

        if self._preface is not None:
            return
        checkpoint = await self._in_thread(synced)
        self._saved_s = self._clock.monotonic()
        if checkpoint != self._saved:
            await self._journal.append(
                (), checkpoints=[(checkpoint_key(self.name), checkpoint.encode())]
            )
            self._saved = checkpoint

    async def _clean(self) -> None:
        """Compress and remove finished segments, those that the checkpoint covers."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CLEAN_S)
            if self._saved is None:
                continue
            try:
                await loop.run_in_executor(self._cleaner, self._archive.clean, self._saved.segment)
            except OSError as error:
                _log.warning("file.cleaning_failed", sink=self.name, error=error.strerror)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _may_pass(error: OSError) -> bool:
    """True for what frees itself; the rest is a mistake that only the operator can mend."""
    return reason_of(error) in ("disk_full", "io")


def _complaint(sink: str, layout: Layout, error: OSError) -> str:
    place, directory = layout.path, layout.path.parent
    cures = {
        errno.EACCES: f"let this user write to {directory}, or choose another path",
        errno.EROFS: f"{directory} is read-only; mount it for writing, or choose another path",
        errno.ENOENT: f"create the directory {directory}, or choose another path",
        errno.ENOTDIR: f"{directory} is not a directory; choose another path",
        errno.EISDIR: f"{place} is a directory; give the name of a file",
    }
    cure = cures.get(error.errno or 0, f"look at {directory}, or choose another path")
    return f"output {sink}: cannot write {place}: {(error.strerror or str(error)).lower()}; {cure}"
