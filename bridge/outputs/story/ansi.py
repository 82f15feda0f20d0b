"""Turns a program's terminal output into the lines that remained on the screen.

A state machine over one output. It keeps colors and weights (SGR) as values, applies carriage
return, backspace and "erase to the end of the line" to the line's cells, and drops all other
control sequences. It prints nothing: a `Span` holds text that must still pass `harmless`. Time is
linear in the text. The page's ansi.js does the same; one table of cases tests both.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# Matches a complete sequence; an incomplete one stays as text, without its ESC.
_CONTROL: Final = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b\n]*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-Z\\^-~]"
    r"|\x9b(?P<args8>[0-?]*)[ -/]*(?P<final8>[@-~])"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]|\n|\t"
)
_TAB: Final = 8
_MOVE_MAX: Final = 400  # rightmost column of a cursor; terminals are not wider


class Style(NamedTuple):
    """The style of a character; colors are 0 to 15, None is the terminal's own."""

    ink: int | None = None
    ground: int | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    inverse: bool = False


PLAIN: Final = Style()


class Span(NamedTuple):
    """Characters of one style."""

    text: str
    style: Style


Line = list[Span]


def lines_of(text: str) -> list[Line]:
    """The lines of an output; a final newline begins no further line."""
    screen = _Screen()
    at = 0
    for match in _CONTROL.finditer(text):
        if match.start() > at:
            screen.put(text[at : match.start()])
        at = match.end()
        screen.obey(match)
    if at < len(text):
        screen.put(text[at:])
    return screen.end()


def plain_lines(text: str) -> list[str]:
    """The lines of an output without styles."""
    return ["".join(span.text for span in line) for line in lines_of(text)]


class _Screen:
    """One line at a time: its characters, their styles, and the cursor."""

    def __init__(self) -> None:
        self._done: list[Line] = []
        self._chars: list[str] = []
        self._styles: list[Style] = []
        self._column = 0
        self._style = PLAIN

    def put(self, text: str) -> None:
        column, end = self._column, self._column + len(text)
        if column > len(self._chars):
            pad = column - len(self._chars)
            self._chars.extend(" " * pad)
            self._styles.extend([PLAIN] * pad)
        self._chars[column:end] = text
        self._styles[column:end] = [self._style] * len(text)
        self._column = end

    def obey(self, match: re.Match[str]) -> None:
        control = match[0]
        if control == "\n":
            self._end_line()
        elif control == "\r":
            self._column = 0
        elif control == "\t":
            self.put(" " * (_TAB - self._column % _TAB))
        elif control == "\b":
            self._column = max(0, self._column - 1)
        else:
            self._sequence(match["final"] or match["final8"], match["args"] or match["args8"] or "")

    def _sequence(self, final: str | None, args: str) -> None:
        if final == "m":
            self._style = styled(self._style, args)
        elif final == "K":
            self._erase(args)
        elif final == "G":
            self._column = max(0, min(_number(args, 1) - 1, _MOVE_MAX))
        elif final == "C":
            self._column = max(self._column, min(self._column + _number(args, 1), _MOVE_MAX))
        elif final == "D":
            self._column = max(0, self._column - _number(args, 1))

    def _erase(self, how: str) -> None:
        if how in ("", "0"):
            del self._chars[self._column :]
            del self._styles[self._column :]
        elif how == "2":
            self._chars, self._styles = [], []

    def _end_line(self) -> None:
        self._done.append(_spans(self._chars, self._styles))
        self._chars, self._styles, self._column = [], [], 0

    def end(self) -> list[Line]:
        if self._chars:
            self._end_line()
        return self._done


def _spans(chars: list[str], styles: list[Style]) -> Line:
    line: Line = []
    begin = 0
    for index in range(1, len(chars) + 1):
        if index == len(chars) or styles[index] != styles[begin]:
            line.append(Span("".join(chars[begin:index]), styles[begin]))
            begin = index
    return line


def styled(style: Style, args: str) -> Style:
    """The style after `CSI args m`; unknown arguments are ignored."""
    codes = [_number(part, 0) for part in args.replace(":", ";").split(";")[:64]]
    index = 0
    while index < len(codes):
        code = codes[index]
        index += 1
        if code in (38, 48):
            colour, used = _wide_colour(codes[index:])
            index += used
            style = style._replace(ink=colour) if code == 38 else style._replace(ground=colour)
        else:
            style = _one(style, code)
    return style


_SWITCHES: Final[dict[int, dict[str, bool]]] = {
    1: {"bold": True}, 2: {"dim": True}, 3: {"italic": True}, 4: {"underline": True},
    7: {"inverse": True}, 9: {"strike": True}, 21: {"underline": True},
    22: {"bold": False, "dim": False}, 23: {"italic": False}, 24: {"underline": False},
    27: {"inverse": False}, 29: {"strike": False},
}  # fmt: skip


def _one(style: Style, code: int) -> Style:
    if code == 0:
        return PLAIN
    if code in _SWITCHES:
        return style._replace(**_SWITCHES[code])
    for first, name, shift in (
        (30, "ink", 0),
        (40, "ground", 0),
        (90, "ink", 8),
        (100, "ground", 8),
    ):
        if first <= code < first + 8:
            colour = code - first + shift
            return style._replace(ink=colour) if name == "ink" else style._replace(ground=colour)
    if code == 39:
        return style._replace(ink=None)
    return style._replace(ground=None) if code == 49 else style


def _wide_colour(codes: list[int]) -> tuple[int | None, int]:
    """The nearest of 16 colors for `5;n` or `2;r;g;b`, and the number of codes it used."""
    if codes[:1] == [5] and len(codes) > 1:
        return _of_256(codes[1]), 2
    if codes[:1] == [2] and len(codes) > 3:
        return _nearest(codes[1], codes[2], codes[3]), 4
    return None, len(codes)


def _of_256(code: int) -> int | None:
    if code < 16:
        return code
    if code >= 232:
        grey = 8 + 10 * (min(code, 255) - 232)
        return _nearest(grey, grey, grey)
    code -= 16
    levels = (0, 95, 135, 175, 215, 255)
    return _nearest(levels[code // 36], levels[code // 6 % 6], levels[code % 6])


_SIXTEEN: Final = (
    (0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16), (36, 114, 200), (188, 63, 188),
    (17, 168, 205), (204, 204, 204), (102, 102, 102), (241, 76, 76), (35, 209, 139),
    (245, 245, 67), (59, 142, 234), (214, 112, 214), (41, 184, 219), (255, 255, 255),
)  # fmt: skip


def _nearest(red: int, green: int, blue: int) -> int:
    def distance(index: int) -> int:
        r, g, b = _SIXTEEN[index]
        return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2

    return min(range(16), key=distance)


def _number(text: str, absent: int) -> int:
    return int(text[:6]) if text.isdigit() else absent
