"""stdout as a target: in order, at the reader's speed; nothing can be read back.

The bridge cannot know which bytes in a pipe a dying reader has read; a reader drops repeated lines
by `sequence`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bridge.outputs.sinks.oserrors import OS_REASONS, reason_of
from bridge.outputs.sinks.port import Found, Intervals, Known, Mark, TargetError

CHECKPOINT_S = 0.2  # seconds; limits the repeats after a kill. Each one is a journal commit
IDLE_S = 1.0  # seconds between checks for a reader
_LOOK_MS = 200  # until a waiting thread notices `stop`
_FULL_S = 0.01  # between attempts on a descriptor that polls writable but takes nothing

T = TypeVar("T")


class PipeWriter:
    """Writes whole lines to a descriptor, in pieces that a pipe takes at once or not at all.

    Pipe writes up to PIPE_BUF are atomic (POSIX) and do not block after POLLOUT. So no line of that
    length is torn, and the thread can be stopped while the reader pauses. The writer works with and
    without O_NONBLOCK, because all processes that share the pipe share the flag.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End a write that waits for the reader."""
        self._stopping.set()

    def write(self, lines: Sequence[bytes], on_written: Callable[[int], None]) -> bool:
        """Write lines; call `on_written(n)` after each piece with the lines written so far.

        Returns:
            False if `stop` ended the write.

        Raises:
            BrokenPipeError: The reader has gone.
            OSError: The descriptor cannot be written.
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
            try:
                data = data[os.write(self._fd, data[: select.PIPE_BUF]) :]
            except BlockingIOError:  # O_NONBLOCK is set and the pipe is full: no failure
                if self._stopping.wait(_FULL_S):
                    return False
        return True

    def _is_writable(self, wait_ms: int) -> bool:
        events = self._poll.poll(wait_ms)
        if events and events[0][1] & select.POLLNVAL:
            raise BrokenPipeError(errno.EPIPE, "stdout is closed")
        if events and events[0][1] & select.POLLERR:  # the last reader has gone
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        return bool(events)

    def check(self) -> None:
        """Check that the pipe has a reader.

        Raises:
            BrokenPipeError: The reader has gone.
        """
        self._is_writable(0)


class PipeTarget:
    """Implements `sinks.port.Target` on a descriptor."""

    has_memory = False
    reasons = OS_REASONS
    place = "stdout"
    facts: Mapping[str, Any] = {}

    def __init__(self, fd: int = 1, *, intervals: Intervals | None = None) -> None:
        self.intervals = intervals or Intervals(
            sync_s=None, checkpoint_s=CHECKPOINT_S, idle_s=IDLE_S
        )
        self._pipe = PipeWriter(fd)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink-stdout")
        self._is_closed = False

    async def open(self, known: Known | None) -> Found:  # noqa: ARG002 - nothing to go by
        """See `Target.open`. A pipe has no memory, so nothing is found."""
        return Found()

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        """See `Target.write`; without lines, check that the reader is still there."""

        def work() -> None:
            if not lines:
                self._pipe.check()
            elif not self._pipe.write(lines, taken):
                raise TargetError("other", "it is being closed")

        try:
            await self._in_thread(work)
        except BrokenPipeError as error:
            raise TargetError("closed_pipe", "nobody reads any more", is_gone=True) from error
        except OSError as error:  # stdout may be a file on a full disk
            raise TargetError(reason_of(error), error.strerror or str(error)) from error

    async def sync(self) -> Mark:
        """Return an empty mark: a pipe reports nothing beyond the write."""
        await self._in_thread(lambda: None)
        return {}

    async def close(self) -> Mark:
        """See `Target.close`. Ends a write that waits for the reader."""
        if not self._is_closed:
            self._is_closed = True
            self._pipe.stop()
            try:
                await self._in_thread(lambda: None)  # waits for the stopping write
            finally:
                self._thread.shutdown(wait=False, cancel_futures=True)
        return {}

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
