"""Takes a layer of escapes off: string literals of JSON and of programs, words of a shell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # documented nowhere, in all Pythons
from typing import Final, NamedTuple

from bridge.redact.dress import Edit, View, hides, viewed
from bridge.redact.fold import offsets
from bridge.redact.spans import Span

LITERAL_MIN: Final = 12  # characters of a string literal that is read as a text of its own
LITERAL_MAX: Final = 65_536  # of a longer one only the outside is read
LITERALS_MAX: Final = 64  # of one text
DEPTH_MAX: Final = 4  # of literals inside literals

# The beginning of a literal with an escape in it, and its content up to what ends it.
_DOUBLE = re.compile(r"\"([^\"\\\n]*+(?:\\.[^\"\\\n]*+)++)", re.S)
_SINGLE = re.compile(r"'([^'\\\n]*+(?:\\.[^'\\\n]*+)++)", re.S)
# An escape; two of UTF-16 that stand for one character are one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))",
    re.S,
)
_NOT_STRICT = False  # breaks may stand in a literal as they are
_HIDING_ESCAPE = re.compile(r"\\[^nrt\"'\\]")
_CHARS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}


# A word of a shell in single quotes, single quotes inside it: `bash -lc '...'`.
_SHELL_WORD = re.compile(r"(?<!\S)'((?:[^']++|'\\{1,3}''|'\"'\"')*+)'(?!\S)")
_SHELL_QUOTE = re.compile(r"'\\{1,3}''|'\"'\"'")


class Literal(NamedTuple):
    """A string literal in which something is escaped: `content` stands at `start` of its text."""

    start: int
    content: str
    is_shell: bool = False

    def said(self) -> str:
        """The text that it means."""
        return _SHELL_QUOTE.sub("'", self.content) if self.is_shell else _said(self.content)

    def is_as_plain(self) -> bool:
        """Does the automaton find in the text as it stands what it would find in what it means?

        Breaks, quotes and backslashes are escaped alone, and no literal of a detector needs one of
        these that has no twin with a backslash.
        """
        return not (self.is_shell or _HIDING_ESCAPE.search(self.content) or hides(self.content))

    @property
    def end(self) -> int:
        """The position behind `content` in the text."""
        return self.start + len(self.content)

    def view(self) -> View | None:
        """The same with its places. It is slow, so it is made when something was found."""
        return viewed(self.content, _edits(self.content, is_shell=self.is_shell))


def literals(text: str) -> list[Literal]:
    """The literals of a text whose lines or quotes are escaped, in order; none inside another."""
    if not may_have_some(text):
        return []
    found = sorted(_literals(text))
    return [one for at, one in enumerate(found) if not at or one.start >= found[at - 1].end]


def may_have_some(text: str) -> bool:
    """May there be literals? Plain searches: most texts have none."""
    return ("\\" in text and _is_layer(text)) or (
        "'" in text and (_has_shell_quote(text) or "c '" in text)
    )


def _literals(text: str) -> Iterator[Literal]:
    count = 0
    if _has_shell_quote(text) or "c '" in text:
        for word in _SHELL_WORD.finditer(text):
            content = word.group(1)
            if len(content) <= LITERAL_MAX and (_has_shell_quote(content) or "\n" in content):
                yield Literal(word.start(1), content, is_shell=True)
                count += 1
                if count >= LITERALS_MAX:
                    return
    if "\\" not in text or not _is_layer(text):
        return
    for quote, pattern in (('"', _DOUBLE), ("'", _SINGLE)):
        for found in _quoted(text, quote, pattern):
            content = found.group(1)
            if LITERAL_MIN <= len(content) <= LITERAL_MAX and _is_layer(content):
                yield Literal(found.start(1), content)
                count += 1
                if count >= LITERALS_MAX:
                    return


def _quoted(text: str, quote: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The literals with an escape in them, read from one backslash to the next.

    A literal begins at the last quote before its first backslash, on the same line. Where one has
    no end, none of the escaped quotes inside it begins one that has: all is read once.
    """
    done = 0
    at = text.find("\\") if quote in text else -1
    while at >= 0:
        begin = text.rfind(quote, done, at)
        found = None
        if begin >= 0 and text.find("\n", begin, at) < 0:
            found = pattern.match(text, begin)
        if found is None:
            done = at + 1
        else:
            done = found.end()
            behind = text[done : done + 1]
            if behind == quote or (quote == '"' and behind != "\\"):  # one of JSON may be cut
                yield found
                done += quote == "'"  # the end of one in double quotes may begin another
        at = text.find("\\", done)


def _has_shell_quote(text: str) -> bool:
    return "\\''" in text or "'\"'\"'" in text


def _is_layer(content: str) -> bool:
    return "\\n" in content or "\\t" in content or "\\u" in content or "\\x" in content


def _said(content: str) -> str:
    try:
        said, end = scanstring(f'{content}"', 0, _NOT_STRICT)
        if end == len(content) + 1:
            return str(said)
        raise ValueError
    except ValueError:  # of a language that knows other escapes
        view = viewed(content, _escapes(content))
        return view.text if view is not None else content


def _edits(content: str, *, is_shell: bool) -> Iterator[Edit]:
    if is_shell:
        for found in _SHELL_QUOTE.finditer(content):
            yield Edit(found.start(), found.end(), "'")
    else:
        yield from _escapes(content)


def _escapes(content: str) -> Iterator[Edit]:
    for found in _ESCAPE.finditer(content):
        code = found.group(1) or found.group(2)
        if code:
            char = chr(int(code, 16))
        elif found.group(3) is None:
            char = str(json.loads(f'"{found.group()}"'))
        else:
            char = _CHARS.get(found.group(3), found.group(3))
        yield Edit(found.start(), found.end(), char)


def outside(spans: list[Span], literal: Literal, folded: str) -> Iterator[Span]:
    """Spans inside a literal as spans of the text around it; `folded`: what it says, if folded."""
    view = literal.view()
    at = offsets(folded) if folded else None
    for span in spans:
        first, last = (at[span.start], at[span.end]) if at else (span.start, span.end)
        if view is not None:
            first, last = view.back(first, last)
        quote = span.quote.replace("\\", "\\\\").replace('"', '\\"')
        yield span.moved(literal.start + first, literal.start + last)._replace(quote=quote)
