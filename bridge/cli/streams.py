"""Standard streams: stdout for results, stderr for the rest; neither causes a traceback."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from bridge.core.errors import BridgeError
from bridge.outputs.story.harmless import harmless, without_commands
from bridge.standard_error import standard_error


def occupy_standard_streams() -> None:
    """Open /dev/null for each closed standard stream, so that no socket gets its number.

    stdin is opened for writing only and stdout for reading only, as coreutils does: a command that
    uses one of them fails, instead of reporting success for data that it never read or wrote.
    Lines on a closed stderr are lost.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDWR)):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, mode)  # takes the lowest free number
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def is_stdout_writable() -> bool:
    """Whether stdout is open for writing; its reader may have gone."""
    try:
        return fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False


def write_stdout(data: bytes) -> None:
    """Write bytes and flush them; wait for a slow reader.

    Raises:
        BrokenPipeError: The reader has gone.
        OSError: stdout cannot be written, for example because a disk is full.
    """
    if sys.stdout is None:  # the parent closed it
        raise BrokenPipeError
    flush_stdout()
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # not a stream with a descriptor
        sys.stdout.buffer.write(data)
        return
    view = memoryview(data)
    while view:
        # With O_NONBLOCK, Python's buffer loses what a full pipe does not accept. The flag
        # applies to all processes that share the pipe; ssh, node and some shells set it.
        with _waiting(descriptor, select.POLLOUT):
            view = view[os.write(descriptor, view) :]


def flush_stdout() -> None:
    """Flush stdout now, while an error can still change the exit code."""
    if sys.stdout is None:
        return
    is_done = False
    while not is_done:
        with _waiting(1, select.POLLOUT):  # unwritten bytes stay in the buffer
            sys.stdout.flush()
            is_done = True


def read_some(descriptor: int, bytes_max: int) -> bytes:
    """Read at least one byte; empty at the end. Blocks even if O_NONBLOCK is set.

    Raises:
        BridgeError: The descriptor cannot be read, for example because it is closed.
    """
    try:
        while True:
            with _waiting(descriptor, select.POLLIN):
                return os.read(descriptor, bytes_max)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BridgeError(f"cannot read stdin: {reason}") from error


@contextlib.contextmanager
def _waiting(descriptor: int, event: int) -> Iterator[None]:
    """Suppress a would-block error and wait until the descriptor is ready."""
    try:
        yield
    except BlockingIOError:
        ready = select.poll()
        ready.register(descriptor, event)
        ready.poll()


def abandon_stdout() -> None:
    """Discard the interpreter's flush at exit, which would print an error on stderr."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)


def complain(text: str) -> None:
    """One line on stderr, beginning with "error:"."""
    say(f"error: {text}")


def say(text: str) -> None:
    """Print lines for people on stderr; they are lost if nobody reads it.

    The lines may hold upstream's words, so they are escaped: a terminal and a CI runner, which also
    reads stderr, execute nothing in them.
    """
    lines = [without_commands(harmless(line)) for line in text.split("\n")]
    with contextlib.suppress(OSError, ValueError, AttributeError):
        standard_error().write("\n".join(lines) + "\n")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether the stream is open and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def wants_colour(
    stream: TextIO | None, environ: Mapping[str, str] | None = None, choice: str = "auto"
) -> bool:
    """Whether to use colors.

    The first of these that is set decides: `choice` (auto, always, never), NO_COLOR, FORCE_COLOR or
    CLICOLOR_FORCE, and whether the stream is a terminal with colors.
    """
    environ = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return environ.get("TERM") != "dumb" and is_terminal(stream)
