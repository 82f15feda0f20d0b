"""NDJSON on stdout: at least once, in order, as fast as the reader reads.

The checkpoint is saved after the pipe took the lines. What a pipe took and a dying reader never
read is beyond us; a reader drops what it sees twice by `sequence`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from bridge.clock import Clock
from bridge.core.errors import JournalFullError
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.outputs.sinks.health import SinkHealth
from bridge.outputs.sinks.lines import (
    Batch,
    Checkpoint,
    LineReader,
    LineSettings,
    checkpoint_key,
    resume,
)

_log = structlog.get_logger()

CHECKPOINT_S = 0.2  # seconds; bounds what is repeated after a kill. Each one is a journal commit
IDLE_S = 1.0  # seconds between looks whether anybody still reads
CLOSE_S = 5.0  # seconds for a slow reader at the end
_LOOK_MS = 200  # how soon a waiting thread notices that it should stop

T = TypeVar("T")


class PipeWriter:
    """Writes whole lines to a descriptor in pieces that a pipe takes at once or not at all.

    Pipe writes up to PIPE_BUF are atomic (POSIX), and one does not block after POLLOUT, so no line
    that short is ever torn, and the thread can be told to stop while the reader sleeps. The
    descriptor stays blocking: the flag would be shared with everybody who has it open.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let a write that waits for the reader end early."""
        self._stopping.set()

    def write(self, lines: list[bytes], on_written: Callable[[int], None]) -> bool:
        """Write lines; `on_written(n)` after each piece with the number of lines out so far.

        Returns False if it was stopped. Raises OSError; BrokenPipeError when nobody reads.
        """
        done = 0
        while done < len(lines):
            upto, size = done + 1, len(lines[done])
            while upto < len(lines) and size + len(lines[upto]) <= select.PIPE_BUF:
                size += len(lines[upto])
                upto += 1
            if not self._write_all(b"".join(lines[done:upto])):
                return False
            done = upto
            on_written(done)
        return True

    def _write_all(self, data: bytes) -> bool:
        while data:
            while not self._is_writable(_LOOK_MS):
                if self._stopping.is_set():
                    return False
            data = data[os.write(self._fd, data[: select.PIPE_BUF]) :]
        return True

    def _is_writable(self, wait_ms: int) -> bool:
        events = self._poll.poll(wait_ms)
        if events and events[0][1] & select.POLLNVAL:
            raise BrokenPipeError(errno.EPIPE, "stdout is closed")
        if events and events[0][1] & select.POLLERR:  # the last reader is gone
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return bool(events)

    def check(self) -> None:
        """Raise BrokenPipeError if nobody reads any more."""
        self._is_writable(0)


class StdoutSink:
    """stdout as a reader of the journal. `open`, then `run`, then `close`.

    `run` ends by itself when the reader went away; `is_abandoned` is then True.
    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        lines: LineSettings = LineSettings(),  # noqa: B008 - frozen
        *,
        metrics: Metrics,
        clock: Clock,
        fd: int = 1,
    ) -> None:
        self.name = name
        self.is_abandoned = False
        self._journal = journal
        self._lines = LineReader(journal, lines, clock.wall)
        self._clock = clock
        self._health = SinkHealth(name, "stdout", metrics, clock)
        self._pipe = PipeWriter(fd)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{name}")
        self._position = 0
        self._preface: Batch | None = None
        self._saved: Checkpoint | None = None
        self._saved_s = clock.monotonic()
        self._is_closed = False

    @property
    def position(self) -> int:
        """Sequence up to which the pipe took everything (or it did not match the filter)."""
        return self._position

    @property
    def lag(self) -> int:
        """Records in the journal that the reader has not taken yet."""
        return max(0, self._journal.head - self._position)

    def status(self) -> Mapping[str, Any]:
        """The check of /healthz."""
        return self._health.status(self._position, self.lag)

    def reopen(self) -> None:
        """Nothing to reopen; here so that all outputs look alike."""

    async def open(self) -> None:
        """Find the place to go on from."""
        stored = await self._journal.checkpoint(checkpoint_key(self.name))
        self._saved = Checkpoint.maybe_decode(stored)
        place = resume(self._saved, None, has_files=False, journal=self._journal)
        self._position = place.after
        if place.is_reset:
            self._health.reset(place.asked, place.after)
            lines, seqs = self._lines.reset("epoch", place.after, place.asked, None)
            self._preface = Batch(lines, seqs, place.after, marks=len(lines))
        _log.info("sink.opened", sink=self.name, position=self._position)

    async def run(self) -> None:
        """Copy until cancelled or until nobody reads any more."""
        try:
            while True:
                if await self._copy_once():
                    continue
                with suppress(TimeoutError):
                    is_saved = self._saved is not None and self._saved.seq == self._position
                    async with asyncio.timeout(IDLE_S if is_saved else CHECKPOINT_S):
                        await self._journal.wait_above(self._position)
                await self._in_thread(self._pipe.check)
                await self._save_if_due()
        except BrokenPipeError as error:
            self.is_abandoned = True
            self._health.abandoned(error)
            with suppress(JournalFullError):
                await self._save()

    async def close(self, deadline_s: float = CLOSE_S) -> None:
        """Give the reader what the journal still has, save the checkpoint. After `run` ended or
        was cancelled; idempotent.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            async with asyncio.timeout(deadline_s):
                await self._in_thread(lambda: None)  # behind the write that was cut off
                while not self.is_abandoned and await self._copy_once():
                    pass
        except (TimeoutError, OSError):
            pass  # what is left comes after the next start
        self._pipe.stop()
        with suppress(TimeoutError, OSError, JournalFullError):
            async with asyncio.timeout(2 * _LOOK_MS / 1000):
                await self._in_thread(lambda: None)  # behind the write that is being stopped
                await self._save()
        self._thread.shutdown(wait=False, cancel_futures=True)
        _log.info("sink.closed", sink=self.name, position=self._position, lag=self.lag)

    async def _copy_once(self) -> bool:
        """Write the next batch; False when there is none or it could not be written."""
        before = self._position
        batch = self._preface or await self._lines.read(before)
        if not batch.lines and batch.next_after == before:
            return False

        def written(count: int) -> None:
            # In the thread: a cancelled caller does not undo a write.
            self._position = batch.position(count, before)
            self._preface = None

        def write() -> bool:
            is_whole = self._pipe.write(batch.lines, written)
            if is_whole:
                written(len(batch.lines))
            return is_whole

        try:
            is_whole = await self._in_thread(write)
        except BrokenPipeError:
            raise
        except OSError as error:  # stdout may be a file on a full disk
            await asyncio.sleep(self._health.failed(error))
            return True
        if is_whole:
            self._health.succeeded()
            self._health.wrote(batch)
        self._health.lagging(self.lag)
        await self._save_if_due()
        return is_whole

    async def _save_if_due(self) -> None:
        if self._clock.monotonic() - self._saved_s >= CHECKPOINT_S:
            with suppress(JournalFullError):  # then more is repeated after a kill
                await self._save()

    async def _save(self) -> None:
        self._saved_s = self._clock.monotonic()
        checkpoint = Checkpoint(self._journal.epoch, self._position)
        if checkpoint != self._saved and self._preface is None:
            await self._journal.append(
                (), checkpoints=[(checkpoint_key(self.name), checkpoint.encode())]
            )
            self._saved = checkpoint

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
