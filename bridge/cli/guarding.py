"""Makes lines with upstream's text safe for a terminal, or for the log of a CI job."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from bridge.cli.streams import is_terminal
from bridge.outputs.story.harmless import (
    harmless,
    json_for_terminal,
    json_without_commands,
    without_commands,
)

RUNNERS: Final = ("GITHUB_ACTIONS", "GITEA_ACTIONS", "FORGEJO_ACTIONS", "TF_BUILD", "CI")

T = TypeVar("T")


def in_runner(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a CI runner reads the output, and may execute commands in it."""
    environ = os.environ if environ is None else environ
    return any(environ.get(name) for name in RUNNERS)


def guarded_json(line: bytes) -> bytes:
    """The same JSON value; unchanged bytes unless a terminal or a CI runner reads them."""
    if in_runner():
        line = json_without_commands(line)
    return json_for_terminal(line) if is_terminal(sys.stdout) else line


def guarded_text(text: str) -> str:
    """A line of text with control characters escaped and CI commands broken."""
    return _unlike_a_command(without_commands(harmless(text)))


def guarded(to_lines: Callable[[T], bytes], format_name: str) -> Callable[[T], bytes]:
    """A function that formats records, with guarded lines.

    Args:
        to_lines: Formats a record; escapes control characters if the format is text.
        format_name: The name of its format, as in `printed.FORMATS`.
    """
    if format_name != "pretty":
        return lambda record: guarded_json(to_lines(record))
    if not in_runner():
        return to_lines

    def text_lines(record: T) -> bytes:
        lines = to_lines(record).decode().split("\n")
        return "\n".join(_unlike_a_command(without_commands(line)) for line in lines).encode()

    return text_lines


def _unlike_a_command(line: str) -> str:
    """A runner executes `::name::` at the start of a line, also after blanks."""
    return f"-  {line}" if line.lstrip().startswith("::") else line
