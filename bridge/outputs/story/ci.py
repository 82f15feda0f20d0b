"""Prints CI logs for GitHub and GitLab: a block per run, an error per failed run, a table.

Only `command` writes commands that a runner executes. All other text passes `Layout`, whose lines
begin with the bridge's own text and contain no command.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from bridge.outputs.story.harmless import harmless, without_commands
from bridge.outputs.story.layout import Look, short
from bridge.outputs.story.printer import Seen, StoryPrinter, Tales
from bridge.outputs.story.tale import Tale
from bridge.outputs.story.text import cut, many, span

ERRORS_MAX: Final = 9  # GitHub shows ten annotations of a step; the tenth counts the rest
HEARTBEAT_S: Final = 30.0  # a log without new lines looks dead
BLOCK_LINES_MAX: Final = 20_000  # of one run's block; the newest lines
SUMMARY_BYTES_MAX: Final = 256 * 1024  # a summary over 1 MiB is refused as a whole
REASON_CHARS_MAX: Final = 300  # of a reason in the table
DETAIL_CHARS_MAX: Final = 4000  # of the details below the table
ROWS_MAX: Final = 500


def command(name: str, text: str, **properties: str) -> str:
    """A GitHub workflow command with all its parts encoded."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if given else ''}{given}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class _Blocks(StoryPrinter):
    """Prints each run as a block when it has ended: a log cannot fold two runs at once."""

    def __init__(self, look: Look, tales: Tales, run_ids: Sequence[str] = ()) -> None:
        super().__init__(look, tales, run_ids)
        self._held: dict[Tale, deque[str]] = {}
        self._dropped: dict[Tale, int] = {}
        self._finished: set[Tale] = set()
        self._spoke_s: float | None = None

    def take(self, records: Sequence[Seen], now_s: float) -> list[str]:
        return self._passed(self.take_runs(records, now_s), now_s)

    def tick(self, now_s: float) -> list[str]:
        lines = self._passed(self.tick_runs(now_s), now_s)
        if self._spoke_s is None:
            self._spoke_s = now_s
        if not lines and now_s - self._spoke_s >= HEARTBEAT_S and (status := self.status(now_s)):
            lines = [f"… {status}"]
            self._spoke_s = now_s
        return lines

    def end(self, now_s: float) -> list[str]:
        lines = self._passed(self.rest(now_s), now_s)
        for tale in list(self._held):
            lines += self._finish(tale)
        return [*lines, *self._last(), *self.summary()]

    def _passed(self, told: Sequence[tuple[Tale, str]], now_s: float) -> list[str]:
        lines: list[str] = []
        for tale, line in told:
            lines += self._put(tale, line)
        for tale in self.tales.all:
            if tale.is_over and tale not in self._finished:
                self._finished.add(tale)
                lines += self._finish(tale)
        if lines:
            self._spoke_s = now_s
        return lines

    def _put(self, tale: Tale, line: str) -> list[str]:
        held = self._held.setdefault(tale, deque(maxlen=BLOCK_LINES_MAX))
        if len(held) == BLOCK_LINES_MAX:
            self._dropped[tale] = self._dropped.get(tale, 0) + 1
        held.append(line)
        return []

    def _block(self, tale: Tale) -> list[str]:
        lines = list(self._held.pop(tale, ()))
        dropped = self._dropped.pop(tale, 0)
        return [f"… {many(dropped, 'line')} before" for _ in range(min(dropped, 1))] + lines

    def _finish(self, tale: Tale) -> list[str]:
        """The block of a run that has ended, or that will not be followed to its end."""
        raise NotImplementedError

    def _last(self) -> list[str]:
        """The lines after all blocks."""
        return []

    def headline(self, tale: Tale) -> str:
        return self.tales.end_line(tale)


class GithubPrinter(_Blocks):
    """Prints a group for each successful run, open text and an annotation for each failed one.

    A single run is streamed in its group, and its failure is repeated below. With `summary_file`
    the printer appends to $GITHUB_STEP_SUMMARY, and raises OSError if that cannot be written.
    """

    def __init__(
        self,
        look: Look,
        tales: Tales,
        run_ids: Sequence[str] = (),
        *,
        append_summary: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        super().__init__(look, tales, run_ids)
        self._append_summary = append_summary
        self._is_alone = not self._is_many
        self._is_open = False
        self._errors = 0
        self._recent: deque[str] = deque(maxlen=40)

    def _put(self, tale: Tale, line: str) -> list[str]:
        if not self._is_alone:
            return super()._put(tale, line)
        self._recent.append(line)
        if self._is_open:
            return [line]
        self._is_open = True
        title = f"run {short(tale.run_id)} {cut(harmless(tale.title), 100)}".rstrip()
        return [command("group", without_commands(title)), line]

    def _finish(self, tale: Tale) -> list[str]:
        lines: list[str] = []
        is_good = tale.is_ended and tale.tone != "bad"
        if self._is_alone:
            if self._is_open:
                lines.append(command("endgroup", ""))
                self._is_open = False
            lines += [] if is_good else list(self._recent)
            lines.append(self.headline(tale))
        elif is_good:
            block = self._block(tale)
            lines += [command("group", self.headline(tale)), *block, command("endgroup", "")]
        else:
            lines += [self.headline(tale), *self._block(tale)]
        if tale.is_over and not is_good:
            lines += self._error(tale)
        return lines

    def _error(self, tale: Tale) -> list[str]:
        self._errors += 1
        if self._errors > ERRORS_MAX:
            return []
        title = cut(harmless(tale.title), 80) or f"run {short(tale.run_id)}"
        text = self.tales.end_line(tale)
        return [command("error", text, title=without_commands(f"{title}: {tale.status or 'lost'}"))]

    def _last(self) -> list[str]:
        lines = []
        if self._is_open:  # unfinished: timeout, or the command was stopped
            lines.append(command("endgroup", ""))
            self._is_open = False
        if self._errors > ERRORS_MAX:
            more = f"and {many(self._errors - ERRORS_MAX, 'more run')} that failed"
            lines.append(command("error", more, title="More runs failed"))
        try:
            self._append_summary(step_summary(self.tales))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            lines.append(command("warning", f"the step summary cannot be written: {reason}"))
        return lines


class GitlabPrinter(_Blocks):
    """Prints a folded section for each successful run; the others come last and unfolded."""

    def __init__(
        self,
        look: Look,
        tales: Tales,
        run_ids: Sequence[str] = (),
        *,
        wall: Callable[[], float],
    ) -> None:
        super().__init__(look, tales, run_ids)
        self._wall = wall
        self._sections = 0
        self._bad: list[str] = []

    def _finish(self, tale: Tale) -> list[str]:
        is_good = tale.is_ended and tale.tone != "bad"
        self._sections += 1
        name = f"run_{self._sections}"  # a generated name, without text of upstream
        at = int(self._wall())
        option = "[collapsed=true]" if is_good else ""
        block = [
            f"\x1b[0Ksection_start:{at}:{name}{option}\r\x1b[0K{self.headline(tale)}",
            *self._block(tale),
            f"\x1b[0Ksection_end:{at}:{name}\r\x1b[0K",
        ]
        if is_good:
            return block
        self._bad += block
        return [self.headline(tale)]

    def _last(self) -> list[str]:
        lines, self._bad = self._bad, []
        return lines


def step_summary(tales: Tales) -> bytes:
    """Markdown of all runs, failures first, in at most SUMMARY_BYTES_MAX bytes of UTF-8."""
    ordered = sorted(tales.all, key=lambda tale: (tale.tone == "good", tale.tone))
    parts = [
        f"### {escaped(tales.counts())}\n\n",
        "| Run | Status | Duration | Tool calls | Gaps | Title, reason |\n"
        "|---|---|---|---|---|---|\n",
    ]
    left = SUMMARY_BYTES_MAX - sum(map(len, parts)) - 400
    shown = 0
    for tale in ordered[:ROWS_MAX]:
        row = _row(tale)
        if len(row.encode()) > left:
            break
        left -= len(row.encode())
        parts.append(row)
        shown += 1
    if shown < len(ordered):
        parts.append(f"\n{many(len(ordered) - shown, 'more run')} not shown.\n")
    for tale in ordered[:shown]:
        text = tale.error or tale.failure
        if tale.tone != "bad" or not text or len(text) <= REASON_CHARS_MAX:
            continue
        detail = f"\n**{escaped(short(tale.run_id))}**\n\n{fenced(text[:DETAIL_CHARS_MAX])}\n"
        if len(detail.encode()) > left:
            break
        left -= len(detail.encode())
        parts.append(detail)
    return "".join(parts).encode("utf-8", "replace")


def _row(tale: Tale) -> str:
    lasted = "" if tale.lasted_s is None else span(tale.lasted_s)
    status = tale.status if tale.is_ended else "unfollowed" if tale.failure else "not ended"
    reason = tale.error if tale.tone == "bad" else ""
    text = ": ".join(part for part in (tale.title, tale.failure or reason) if part)
    numbers = tale.numbers
    tools = f"{numbers.tools:,}" + (
        f", {numbers.failed_tools} failed" if numbers.failed_tools else ""
    )
    cells = (short(tale.run_id), str(status), lasted, tools, str(numbers.gaps))
    return "| " + " | ".join([*map(escaped, cells), escaped(text[:REASON_CHARS_MAX])]) + " |\n"


_BACKTICKS: Final = re.compile("`+")
_ESCAPES: Final = {ord(char): f"&#{ord(char)};" for char in string.punctuation}


def escaped(text: str) -> str:
    """Escape text for Markdown, also inside a table.

    Every character that may have a meaning becomes an entity, including those of links and
    mentions.
    """
    return harmless(" ".join(text.split())).translate(_ESCAPES)


def fenced(text: str) -> str:
    """Text as a code block; its fence is longer than any row of backticks in the text."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(harmless(line) for line in text.splitlines())
    return f"{fence}text\n{lines}\n{fence}\n"
