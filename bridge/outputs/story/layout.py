"""Lays events out as lines of a terminal or a log: columns, colors, times, names of runs.

No line begins with upstream's text: a name, a time or a bar precedes it. So a CI runner finds no
command in it, and wrapped text stays indented below its first line.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from bridge.outputs.story.ansi import PLAIN, Line, Style, lines_of
from bridge.outputs.story.harmless import harmless, without_commands
from bridge.outputs.story.tale import Told
from bridge.outputs.story.text import cut, many, padded, width, wrapped
from bridge.wire import times

_RESET: Final = "\x1b[0m"
_DIM: Final = "\x1b[2m"
_TONES: Final = {"good": "\x1b[32m", "bad": "\x1b[31m", "warn": "\x1b[33m", "quiet": _DIM}
_MARKS: Final = {
    "begin": "●", "say": " ", "tool": "▸", "note": "·", "gap": "!", "wait": "?", "end": "■",
    "lost": "✗", "out": "│",
}  # fmt: skip
# Colors of run names in order of appearance; legible on light and dark backgrounds.
_NAMES: Final = tuple(f"\x1b[{code}m" for code in (36, 35, 33, 34, 32, 96, 95, 94, 92, 93))
_OUTPUT_COLUMNS: Final = 500  # per output line without a terminal's limit
_TEXT_COLUMNS_MIN: Final = 20  # a narrower terminal wraps by itself


@dataclass(frozen=True, slots=True)
class Look:
    """The appearance of lines."""

    columns: int | None = None  # width of the terminal; None: nothing is wrapped or cut
    colour: bool = False
    whole_times: bool = False  # upstream's date, time and zone instead of the local clock
    names: bool = True  # show the names of runs if there are several
    zone: tzinfo | None = None  # time zone of the clock; None is the machine's


class Layout:
    """Lays out the events of several runs. Lines come without their newline."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._inks: dict[Hashable, str] = {}
        self._day = ""

    def name_of(self, run_id: str, others: int, feed: Hashable) -> str:
        """The colored name of a run before its lines; empty for a single run.

        `feed` decides the color: the ids of two feeds may be equal.
        """
        if not self.look.names or others < 2:
            return ""
        return f"{self.paint(short(run_id), self._ink(feed))} "

    def _ink(self, feed: Hashable) -> str:
        return self._inks.setdefault(feed, _NAMES[len(self._inks) % len(_NAMES)])

    def paint(self, text: str, ink: str) -> str:
        """Return the text in a color; unchanged if colors are off or `ink` is empty."""
        return f"{ink}{text}{_RESET}" if self.look.colour and ink and text else text

    def lines(self, told: Told, name: str) -> Iterator[str]:
        """The lines of one event; `name` is the result of `name_of` for its run."""
        yield from self._day_line(told.at)
        clock = self._clock(told.at)
        used = width(_bare(name)) + len(clock) + 3
        room = None
        if self.look.columns is not None:
            room = max(_TEXT_COLUMNS_MIN, self.look.columns - used)
        ink = _TONES.get(told.tone, "")
        mark = self.paint(_MARKS[told.mark], ink)
        head = f"{name}{self.paint(clock, _DIM)} {mark} "
        bar = f"{name}{' ' * len(clock)} {self.paint('│', _DIM)} "
        if told.mark == "out":  # a log line, in its program's colors
            for line in lines_of("\n".join(told.output)):
                yield without_commands(head + self._output(line, room or _OUTPUT_COLUMNS))
            return
        for index, text in enumerate(self._texts(told, room)):
            yield without_commands((bar if index else head) + text)
        if told.left_out:
            more = f"… {many(told.left_out, 'line')} before"
            yield bar + self.paint(more, _DIM)
        for line in lines_of("\n".join(told.output)):
            yield without_commands(bar + self._output(line, room or _OUTPUT_COLUMNS))

    def _texts(self, told: Told, room: int | None) -> Iterator[str]:
        ink = _TONES.get(told.tone, "")
        if told.mark == "tool":
            text, verdict = harmless(told.text), harmless(told.verdict)
            if room is not None:
                text = cut(text, max(8, room - width(verdict) - 2))
            tone = ink if told.tone != "plain" else _TONES["good"]
            text = text if told.tone != "quiet" else self.paint(text, _DIM)
            parts = (text, self.paint(verdict, tone))
            yield "  ".join(part for part in parts if part)
            return
        tone = "" if told.tone == "plain" else ink
        for paragraph in told.text.split("\n"):
            for line in wrapped(harmless(paragraph.rstrip("\r")), room):
                yield self.paint(line, tone)

    def _output(self, line: Line, room: int) -> str:
        parts, used = [], 0
        for span in line:
            text = harmless(span.text)
            fits = cut(text, room - used)
            used += width(text)
            parts.append(self.paint(fits, _codes(span.style)))
            if used > room:
                break
        return "".join(parts)

    def _day_line(self, at: str | None) -> Iterator[str]:
        """A line with the date when the day changes, because times show only the clock."""
        if self.look.whole_times or (moment := self._local(at)) is None:
            return
        day = moment.strftime("%Y-%m-%d")
        if day != self._day:
            if self._day:
                yield self.paint(f"── {day} ──", _DIM)
            self._day = day

    def _clock(self, at: str | None) -> str:
        if self.look.whole_times:
            return padded(harmless(at or ""), 27)
        moment = self._local(at)
        return " " * 8 if moment is None else moment.strftime("%H:%M:%S")

    def _local(self, at: str | None) -> datetime | None:
        seconds = times.seconds(at)
        if seconds is None:
            return None
        try:
            return datetime.fromtimestamp(seconds, self.look.zone)
        except (ValueError, OverflowError, OSError):
            return None


def short(run_id: str) -> str:
    """The short form of a run's id."""
    return harmless(run_id[:8])


def _bare(name: str) -> str:
    return "".join(span.text for line in lines_of(name) for span in line)


def _codes(style: Style) -> str:
    """The bridge's own SGR codes for a style."""
    if style == PLAIN:
        return _DIM
    codes = [code for is_on, code in (
        (style.bold, 1), (style.dim, 2), (style.italic, 3), (style.underline, 4),
        (style.inverse, 7), (style.strike, 9),
    ) if is_on]  # fmt: skip
    if style.ink is not None:
        codes.append(30 + style.ink if style.ink < 8 else 82 + style.ink)
    if style.ground is not None:
        codes.append(40 + style.ground if style.ground < 8 else 92 + style.ground)
    return f"\x1b[{';'.join(map(str, codes))}m"
