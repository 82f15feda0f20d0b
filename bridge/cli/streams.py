"""stdout for results, stderr for everything else; neither may end a command in a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TextIO


def occupy_standard_streams() -> None:
    """Put nothing where the parent closed a stream: its number must not go to a socket of ours."""
    for number in range(3):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def write_stdout(data: bytes) -> None:
    """Write bytes and hand them on at once. Raises BrokenPipeError when nobody reads any more."""
    if sys.stdout is None:  # the parent closed it
        raise BrokenPipeError
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def flush_stdout() -> None:
    """Write what is buffered now, while an error can still be told from a success."""
    if sys.stdout is not None:
        sys.stdout.flush()


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
    """A line for people on stderr; lost when stderr is closed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def wants_colour(stream: TextIO | None, environ: Mapping[str, str] | None = None) -> bool:
    """True on a terminal that can, unless NO_COLOR is set (to anything but nothing)."""
    environ = os.environ if environ is None else environ
    if stream is None or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
