"""stdout as a target: in order, as fast as the reader reads; nothing of it can be read back.

What a pipe took and a dying reader never read is beyond us; a reader drops what it sees twice by
`sequence`.
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
from bridge.outputs.sinks.port import Found, Known, Mark, Pace, TargetError

CHECKPOINT_S = 0.2  # seconds; bounds what is repeated after a kill. Each one is a journal commit
IDLE_S = 1.0  # seconds between looks whether anybody still reads
_LOOK_MS = 200  # how soon a waiting thread notices that it should stop
_FULL_S = 0.01  # between tries at a descriptor that says it is writable and takes nothing

T = TypeVar("T")


class PipeWriter:
    """Writes whole lines to a descriptor in pieces that a pipe takes at once or not at all.

    Pipe writes up to PIPE_BUF are atomic (POSIX), and one does not block after POLLOUT, so no line
    that short is ever torn, and the thread can be told to stop while the reader sleeps. Whether the
    descriptor blocks is not ours to say: the flag is shared with everybody who has it open.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let a write that waits for the reader end early."""
        self._stopping.set()

    def write(self, lines: Sequence[bytes], on_written: Callable[[int], None]) -> bool:
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
            try:
                data = data[os.write(self._fd, data[: select.PIPE_BUF]) :]
            except BlockingIOError:  # somebody set O_NONBLOCK: it is full, and that is no failure
                if self._stopping.wait(_FULL_S):
                    return False
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


class PipeTarget:
    """Implements `sinks.port.Target` on a descriptor."""

    has_memory = False
    reasons = OS_REASONS
    place = "stdout"
    facts: Mapping[str, Any] = {}

    def __init__(self, fd: int = 1, *, pace: Pace | None = None) -> None:
        self.pace = pace or Pace(sync_s=None, checkpoint_s=CHECKPOINT_S, idle_s=IDLE_S)
        self._pipe = PipeWriter(fd)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sink-stdout")
        self._is_closed = False

    async def open(self, known: Known | None) -> Found:  # noqa: ARG002 - nothing to go by
        return Found()

    async def write(self, lines: Sequence[bytes], taken: Callable[[int], None]) -> None:
        """See `Target.write`; without lines, look whether anybody reads."""

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
        """What a pipe took is all there is to know."""
        await self._in_thread(lambda: None)
        return {}

    async def close(self) -> Mark:
        if not self._is_closed:
            self._is_closed = True
            self._pipe.stop()
            try:
                await self._in_thread(lambda: None)  # behind the write that is being stopped
            finally:
                self._thread.shutdown(wait=False, cancel_futures=True)
        return {}

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
