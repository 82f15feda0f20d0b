"""stdout for results, stderr for everything else; neither may end a command in a traceback."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from bridge.outputs.story.harmless import harmless, without_commands
from bridge.standard_error import standard_error


def occupy_standard_streams() -> None:
    """Put nothing where the parent closed a stream: its number must not go to a socket of ours."""
    for number in range(3):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def write_stdout(data: bytes) -> None:
    """Write bytes and hand them on at once; a slow reader is waited for.

    Raises BrokenPipeError when nobody reads any more, OSError when it cannot be written.
    """
    if sys.stdout is None:  # the parent closed it
        raise BrokenPipeError
    flush_stdout()
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # not a stream of the system's
        sys.stdout.buffer.write(data)
        return
    view = memoryview(data)
    while view:
        # Python's own buffer loses what a full pipe does not take, when somebody set O_NONBLOCK:
        # the flag belongs to all who have the pipe open (ssh, node and some shells set it).
        with _waiting(descriptor, select.POLLOUT):
            view = view[os.write(descriptor, view) :]


def flush_stdout() -> None:
    """Write what is buffered now, while an error can still be told from a success."""
    if sys.stdout is None:
        return
    is_done = False
    while not is_done:
        with _waiting(1, select.POLLOUT):  # what was not taken stays in the buffer
            sys.stdout.flush()
            is_done = True


def read_some(descriptor: int, bytes_max: int) -> bytes:
    """Read what is there, at least one byte; empty at the end. Waits, whatever O_NONBLOCK says."""
    while True:
        with _waiting(descriptor, select.POLLIN):
            return os.read(descriptor, bytes_max)


@contextlib.contextmanager
def _waiting(descriptor: int, event: int) -> Iterator[None]:
    """Do it; when it would block, wait until it would not."""
    try:
        yield
    except BlockingIOError:
        ready = select.poll()
        ready.register(descriptor, event)
        ready.poll()


def abandon_stdout() -> None:
    """Let the interpreter's flush at exit go nowhere, or it would complain on stderr."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)


def complain(text: str) -> None:
    """One line on stderr, beginning with "error:"."""
    say(f"error: {text}")


def say(text: str) -> None:
    """Lines for people on stderr; lost when stderr is closed, or nobody reads it.

    Upstream's words may be in them: they cannot steer the terminal, nor become a command of a CI
    runner, which reads stderr too.
    """
    lines = [without_commands(harmless(line)) for line in text.split("\n")]
    with contextlib.suppress(OSError, ValueError, AttributeError):
        standard_error().write("\n".join(lines) + "\n")


def is_terminal(stream: TextIO | None) -> bool:
    """True for an open stream that is one."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def wants_colour(
    stream: TextIO | None, environ: Mapping[str, str] | None = None, choice: str = "auto"
) -> bool:
    """Whether to colour: `choice` (auto, always, never), then NO_COLOR, then FORCE_COLOR or
    CLICOLOR_FORCE, then whether it is a terminal that can.
    """
    environ = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return environ.get("TERM") != "dumb" and is_terminal(stream)
