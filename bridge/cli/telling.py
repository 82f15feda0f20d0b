"""How `follow` and `demo` present records: the printer, colors, and lines on stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.cli.guarding import RUNNERS, in_runner
from bridge.cli.streams import is_terminal, say, wants_colour
from bridge.outputs.printed import formatter
from bridge.outputs.story.ci import GithubPrinter, GitlabPrinter
from bridge.outputs.story.gaps import gap_words
from bridge.outputs.story.harmless import json_for_terminal, json_without_commands
from bridge.outputs.story.layout import Look
from bridge.outputs.story.printer import Seen, StoryPrinter, Tales
from bridge.outputs.story.tale import Tale
from bridge.standard_error import standard_error
from bridge.wire.jsontext import loads

FORMATS: Final = ("cloudevents", "mogplex", "pretty")
STATUS_EVERY_S: Final = 1.0  # between updates of the status line
_ERASE: Final = b"\r\x1b[K"


@dataclass(frozen=True, slots=True)
class Manner:
    """The presentation that the command line asks for."""

    format: str | None = None  # None: pretty on a terminal, else cloudevents
    color: str = "auto"
    timestamps: bool = False
    prefix: bool = True
    progress: bool = True


class Telling:
    """A `Printer` that returns bytes and reports on stderr how each run ended."""

    def __init__(
        self,
        manner: Manner,
        run_ids: Sequence[str],
        *,
        redact: Callable[[str], str],
        wall: Callable[[], float],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        on_terminal = is_terminal(sys.stdout)
        self.format = manner.format or ("pretty" if on_terminal else "cloudevents")
        self.tales = Tales(redact)
        self._says_ends = not (on_terminal and self.format == "pretty")
        self._said: set[Tale] = set()
        self._in_runner = in_runner(environ)
        self._on_terminal = on_terminal
        self._story: StoryPrinter | None = None
        if self.format == "pretty":
            look = Look(
                columns=shutil.get_terminal_size().columns if on_terminal else None,
                colour=wants_colour(sys.stdout, environ, manner.color),
                whole_times=manner.timestamps,
                names=manner.prefix,
            )
            self._story = self._printer(look, run_ids, environ, wall)
        else:
            self._to_line = formatter(self.format)
            self.tales.expect(run_ids)
        is_dumb = environ.get("TERM") == "dumb"
        self._shows_status = on_terminal and manner.progress and not is_dumb and self._story
        self._status, self._status_s = b"", 0.0
        if self._in_runner and self.format != "pretty" and environ.get("GITHUB_ACTIONS"):
            say("hint: use --format pretty (or MOGPLEX_BRIDGE_FORMAT=pretty) for this log")

    def _printer(
        self,
        look: Look,
        run_ids: Sequence[str],
        environ: Mapping[str, str],
        wall: Callable[[], float],
    ) -> StoryPrinter:
        if any(environ.get(name) == "true" for name in RUNNERS[:3]):
            file = environ.get("GITHUB_STEP_SUMMARY")

            def append(summary: bytes) -> None:
                if file:
                    with Path(file).open("ab") as out:
                        out.write(summary)

            return GithubPrinter(look, self.tales, run_ids, append_summary=append)
        if environ.get("GITLAB_CI") == "true":
            return GitlabPrinter(look, self.tales, run_ids, wall=wall)
        return StoryPrinter(look, self.tales, run_ids)

    # Printer

    def take(self, records: Sequence[Seen], now_s: float) -> bytes:
        """See `Printer.take`."""
        if self._story is not None:
            lines = self._story.take(records, now_s)
            self._say_ends()
            return self._framed(lines, now_s)
        text = b"".join(map(self._line, records))
        for record in records:
            value = loads(record.body)
            if isinstance(value, dict):
                tale = self.tales.of(record)
                tale.take(record.type, value, now_s)
                self._tell_hole(record, value)
        self._say_ends()
        return text

    def tick(self, now_s: float) -> bytes:
        """See `Printer.tick`."""
        if self._story is None:
            return b""
        lines = self._story.tick(now_s)
        if not lines and now_s - self._status_s < STATUS_EVERY_S:
            return b""
        return self._framed(lines, now_s)

    def end(self, now_s: float) -> bytes:
        """See `Printer.end`."""
        lines = self._story.end(now_s) if self._story is not None else []
        self._shows_status = None
        text = self._framed(lines, now_s)
        self._say_ends()
        return text

    # Internals

    def _line(self, record: Seen) -> bytes:
        line = self._to_line(record)
        if self._in_runner:
            line = json_without_commands(line)
        return json_for_terminal(line) if self._on_terminal else line

    def _framed(self, lines: Sequence[str], now_s: float) -> bytes:
        """Lines, with the status line (if any) erased before them and drawn again after them."""
        erase, self._status = (_ERASE if self._status else b""), b""
        text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        if self._shows_status and self._story is not None:
            self._status = self._story.layout.paint(self._story.status(now_s), "\x1b[2m").encode()
            self._status_s = now_s
        return erase + text + self._status

    def say(self, text: str) -> None:
        """Print a line on stderr, clear of a status line on the same terminal."""
        if self._status and is_terminal(sys.stderr):
            standard_error().write(_ERASE.decode())
        say(text)

    def _say_ends(self) -> None:
        """Print a line on stderr for each ended run, unless stdout shows it on the same terminal.

        A run that the bridge stopped following is an error, with what the user can do.
        """
        for tale in self.tales.all:
            if tale.is_ended and tale not in self._said:
                self._said.add(tale)
                if self._says_ends:
                    self.say(self.tales.end_line(tale))

    def _tell_hole(self, record: Seen, value: Mapping[str, object]) -> None:
        """Report a gap on stderr: the vendor's format has no field for it."""
        data = value.get("data")
        if record.type == "bridge.gap" and self.format == "mogplex" and isinstance(data, dict):
            self.say(f"run {record.run_id[:8]} {gap_words(data)}")

    def say_counts(self) -> None:
        """Print the last line on stderr: how many runs ended in each way."""
        if self._says_ends and self._said:
            self.say(self.tales.counts())

    @property
    def gaps(self) -> int:
        """The number of gaps in all runs."""
        return sum(tale.numbers.gaps for tale in self.tales.all)
