"""Which line of a TOML text set which key, for errors that name the place. Pure.

tomllib forgets lines. This reads text that tomllib has already accepted, so it may be lenient: it
follows structure only and never judges. A key it cannot place has no line; nothing else breaks.
"""

from __future__ import annotations

import re
from bisect import bisect_left

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_ESCAPE = re.compile(r'\\(["\\])')


def find_places(text: str) -> dict[Path, int]:
    """Map each key path of a valid TOML text to its line, counted from 1.

    Members of arrays have their index in the path. Tables are placed at their header.
    """
    return _Places(text).read()


class _Places:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # members seen of each array of tables

    def read(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            if self._next_is("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_SPACE)
        return self._lines

    def _header(self) -> Path:
        is_array = self._text.startswith("[[", self._at)
        line = self._line()
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._at += 2 if is_array else 1
        path: Path = ()
        for i, key in enumerate(keys):
            path = (*path, key)
            if is_array and i == len(keys) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            self._lines.setdefault(path, line)
            if path in self._counts:  # a header goes into the last member of an array
                path = (*path, self._counts[path] - 1)
        self._lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self._lines.setdefault(path, line)
        self._expect("=")
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._next_is("["):
            self._array(path)
        elif self._next_is("{"):
            self._inline_table(path)
        elif self._text[self._at : self._at + 1] in ("'", '"'):
            self._string()
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text) or self._next_is("]"):
                self._at += 1
                return
            if self._next_is(","):
                self._at += 1
                index += 1
                continue
            start = self._at
            self._lines[(*path, index)] = self._line()
            self._value((*path, index))
            if start == self._at:  # not TOML after all, as in `_keys`
                self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_SPACE)
            if self._at >= len(self._text) or self._next_is("}"):
                self._at += 1
                return
            if self._next_is(","):
                self._at += 1
                continue
            self._pair(path)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            if self._text[self._at : self._at + 1] in ("'", '"'):
                keys.append(self._string())
            else:
                start = self._at
                self._skip(_BARE)
                if start == self._at:  # not TOML after all: move on, or the loop never ends
                    self._at += 1
                keys.append(self._text[start : self._at])
            self._skip(_BLANK)
            if not self._next_is("."):
                return keys
            self._at += 1

    def _string(self) -> str:
        """Skip a string of any of the four kinds; return it, escapes of quotes undone."""
        quote = self._text[self._at]
        mark = quote * 3 if self._text.startswith(quote * 3, self._at) else quote
        self._at += len(mark)
        start = self._at
        while self._at < len(self._text) and not self._text.startswith(mark, self._at):
            self._at += 2 if quote == '"' and self._next_is("\\") else 1
        inner = self._text[start : self._at]
        self._at += len(mark)
        while len(mark) == 3 and self._next_is(quote):  # '''it ends in quotes'''''
            self._at += 1
        return _ESCAPE.sub(r"\1", inner) if quote == '"' else inner

    def _line(self) -> int:
        return bisect_left(self._newlines, self._at) + 1

    def _next_is(self, mark: str) -> bool:
        return self._text.startswith(mark, self._at)

    def _expect(self, mark: str) -> None:
        self._skip(_BLANK)
        if self._next_is(mark):
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
