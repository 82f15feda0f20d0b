"""Takes the dress off a text: what a tool put around and between the characters of another one.

Colors and other escapes of terminals, a prefix on each line (numbers, file names, times, names of
services, marks of a diff, quotes of a mail), breaks inside a command. Detectors read what is left; a
`View` knows where every character of it stood. A layer of escapes is taken off in `literals`.
"""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from bridge.redact.expressions import lazy

LAYERS_MAX: Final = 3  # prefixes of one line that are taken off one after the other


class View(NamedTuple):
    """A text without its dress.

    `starts` and `places`: from the character `starts[i]` of the view on, the text stands at
    `places[i]`. `wide`: characters of the view that stand for several, with where these end.
    """

    text: str
    starts: list[int]
    places: list[int]
    wide: dict[int, int]
    is_of_lines: bool = False  # only prefixes of lines are left out

    def forth(self, first: int, last: int) -> int:
        """Where the view has the character `last` of the text, if it has all from `first` on.

        -1 if it has not. For a view that leaves out and puts nothing in.
        """
        part = bisect_right(self.places, first) - 1
        at = self.starts[part] + last - self.places[part]
        stop = self.starts[part + 1] if part + 1 < len(self.starts) else len(self.text)
        return at if part >= 0 and at < stop else -1

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` to `end` of the view stood, without the dress around them."""
        if end <= start:
            at = self._place(start)
            return at, at
        last = end - 1
        return self._place(start), self.wide.get(last) or self._place(last) + 1

    def _place(self, at: int) -> int:
        part = bisect_right(self.starts, at) - 1
        return self.places[part] + at - self.starts[part]


class Edit(NamedTuple):
    """Characters `start` to `end` of a text are left out, or stand for one other character."""

    start: int
    end: int
    char: str = ""


def viewed(text: str, edits: Iterator[Edit] | list[Edit], *, of_lines: bool = False) -> View | None:
    """The view of a text after edits in order of place; None if there are none.

    `of_lines`: the edits leave out beginnings of lines, and nothing else.
    """
    pieces: list[str] = []
    starts, places = [0], [0]
    wide: dict[int, int] = {}
    done = size = 0
    for start, end, char in edits:
        pieces += (text[done:start], char)
        size += start - done
        if char:
            wide[size] = end
            starts.append(size)
            places.append(start)
            size += 1
        starts.append(size)
        places.append(end)
        done = end
    if not pieces:
        return None
    pieces.append(text[done:])
    return View("".join(pieces), starts, places, wide, is_of_lines=of_lines)


# -- escapes of terminals --------------------------------------------------------------------------

# Sequences that terminals know: another letter behind `ESC [` belongs to the text, as in a text that
# was cut there. Without parameters the last letter of one must not be the first of a word, but for
# those that tools write before words (`ESC [m`, `ESC [K` of grep).
# ESC as one character or written out, `ESC [` as one character of eight bits, and what may follow.
_ESC = r"(?:\x1b|␛|\\{1,4}(?:x1[bB]|u001[bB]|033|e)|\^\[)"
_TERMINAL = lazy(
    rf"(?:{_ESC}\[|\x9b)(?:[0-?]{{1,24}}+[ -/]{{0,4}}[A-HJKSTfhlmnqsu]|[HJKm]|[A-GSTsu](?![A-Za-z_]))"
    rf"|{_ESC}\](?:8;[^;\s\x1b\x07\\]{{0,40}};|\d{{1,3}};)"
    rf"|\x1b_[^\x07\x1b]{{0,64}}\x07|{_ESC}(?:\\{{1,2}}|[()][A-Za-z0-9]|[=>78cDEHMNOZ](?![A-Za-z]))|\x1b[@-Z\\-_]"
)


# With a backslash in front, the pattern is searched for at the speed of a plain search.
_WRITTEN_OUT = re.compile(r"\\(?:x1[bB]|u001[bB]|033|e)\[")


def hides(text: str) -> bool:
    """May a dress hide what the automaton looks for? Plain searches: nearly every text has none."""
    return "\\u" in text or has_terminal(text)


def has_terminal(text: str) -> bool:
    """May there be escapes of a terminal?"""
    if "\x1b" in text or "\x9b" in text:
        return True
    return "[" in text and (
        ("\\" in text and _WRITTEN_OUT.search(text) is not None) or "^[[" in text or "␛" in text
    )


def _without_terminal(text: str) -> View | None:
    # The address of a link (`ESC ]8;;address`) stays, parted from the words before it.
    return viewed(
        text,
        [
            Edit(found.start(), found.end(), " " if "]" in found.group()[:8] else "")
            for found in _TERMINAL().finditer(text)
        ],
    )


# -- prefixes of lines -----------------------------------------------------------------------------

_TIME = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[ ]?(?:Z|[+-]\d\d:?\d\d|UTC))?"
)
_BY_DIGIT = lazy(
    rf"""
    \[?(?:{_TIME}|\d\d:\d\d:\d\d(?:[.,]\d{{1,6}})?)\]?(?:[ \t](?:(?:stdout|stderr)[ ][FP][ ])?(?:[\w.-]{{1,40}}\[[\w.-]{{1,20}}\]:[ ])?|$)
  | [ ]{{0,8}}\d{{1,6}}(?:\#[A-Z]{{2,4}}:|\t|→|[ ]{{0,2}}[│|](?:[ ]|$)|[:)](?!\d\d:\d\d|\d\d[ ]|//)[ ]?)
  | \[(?![\w./:@-]{{0,80}}(?i:key|token|secret|passw(?:or)?d|passphrase|_pass)\])[\w./:@-]{{1,90}}\](?:[ ]{{1,4}}\|)?[ ]
    """,
    re.X,
)
_BY_NAME = lazy(
    rf"""
    (?:[\w.~^/-]{{1,60}}+:)?[\w.@/+~-]{{1,120}}+:(?!5432:|5433:|6432:|\d{{1,5}}/)\d{{1,6}}:(?:\d{{1,4}}:)?[ ]?
  | [\w@/+~-]{{0,100}}(?:\.[A-Za-z]\w{{0,12}}){{1,4}}+-\d{{1,6}}-
  | [A-Za-z][\w.-]{{0,60}}[-_]\d{{1,3}}[ ]{{1,24}}\|(?:[ ]|$)
  | [A-Z][a-z]{{2}}[ ][ \d]\d[ ]\d\d:\d\d:\d\d[ ](?:[\w.-]{{1,60}}[ ][\w./-]{{1,40}}(?:\[\d{{1,7}}\])?:[ ])?
  | [^\t\n]{{1,60}}\t[^\t\n]{{1,60}}\t(?={_TIME})
  | \^?[0-9a-f]{{7,40}}[ ](?:[^\s(]{{1,80}}[ ]{{1,20}})?\([^()\n]{{4,80}}[ ]\d{{1,6}}\)[ ]
  | remote:[ ]
  | L\d{{1,6}}:[ ]?
  | npm[ ](?:ERR!|error|WARN|warn|notice|verb)[ ]
    """,
    re.X,
)
_BY_MARK = re.compile(r"#\d{1,4} (?:\d{1,5}\.\d{1,4} )?|>{1,3} |[│┃║▏] ?")
_DIFF = re.compile(
    r"^(?:@@ -\d|diff --git |\+\+\+ [ab/]|--- [ab/]|\*\*\* (?:Begin Patch|(?:Add|Update) File: ))",
    re.M,
)
# `bat -n`, `less -N`, and lines that `grep -nC` shows around those it found.
_NUMBERED = re.compile(r"[ ]{0,8}(\d{1,6})(?:[ ](?![ ]{0,2}[|│])|[-:](?!\d))")
_LIST_OR_FLAGS = re.compile(r"- |--")
# What a prefix that begins with a letter has: a number between colons or dashes (a line, a time).
# Patterns that begin with a fixed character are searched for at the speed of a plain search.
_COLONS = re.compile(r":\d{1,6}:")
_DASHES = re.compile(r"-\d{1,6}-")
_TIME_BEHIND_TAB = re.compile(r"\t\d{4}[-/]")


_ORDINARY = frozenset(" \t\"'{}()<*`$@%=&;,abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NO_PREFIX = frozenset("\t\"'{")  # no line that begins with one has a prefix


def _may_begin_with_letters(text: str) -> bool:
    return (
        (":" in text and _COLONS.search(text) is not None)
        or ("-" in text and _DASHES.search(text) is not None)
        or "|" in text
        or ("\t" in text and _TIME_BEHIND_TAB.search(text) is not None)
        or "remote: " in text
        or text.startswith("npm ")
        or (text[:1] == "L" and text[1:2].isdigit())
    )


def _is_diff(lines: list[str]) -> bool:
    """Are these lines of a diff although nothing says so: each begins with its mark?"""
    if not all(line[0] in "+-" for line in lines if line):
        return False
    filled = [line for line in lines if line]
    if len(filled) == 1 and filled[0][0] == "-":
        return False
    return not all(_LIST_OR_FLAGS.match(line) for line in filled)


# How a line begins that may have a prefix without letters. With the break before it, a fixed
# character, the pattern is searched for at the speed of a plain search.
_UNUSUAL = r"(?:[^ \t\"'{}()<*`$@%=&;,a-zA-Z\n]|[ ]{1,8}\d)"
_BEGINS_UNUSUALLY = re.compile(_UNUSUAL)
_GOES_ON_UNUSUALLY = re.compile(f"\n{_UNUSUAL}")


def _without_prefixes(text: str) -> View | None:
    if "\n" not in text:
        return _without_prefix(text)
    has_letters = _may_begin_with_letters(text)
    if not (has_letters or _may_begin_without(text)):
        return None
    lines = text.split("\n")
    is_marked = _are_marked(text, lines)
    is_numbered = _NUMBERED.match(text) is not None and _are_numbered(lines)
    starts, places = [0], [0]
    at = cut = 0
    for number, line in enumerate(lines):
        char = line[:1]
        # Most lines begin with a letter or a blank and are done here.
        if char and (
            is_marked
            or char not in _ORDINARY
            or (has_letters and char != " ")
            or (char == " " and line.lstrip(" ")[:1].isdigit())
        ):
            size = 1 if is_marked and not is_numbered and _has_mark(line) else 0
            if is_numbered and (counted := _NUMBERED.match(line)) is not None:
                size = counted.end()
            size = _behind_prefixes(line, size, has_letters=has_letters, is_marked=is_marked)
            if size:
                starts.append(at - cut)
                places.append(at + size)
                cut += size
                lines[number] = line[size:]
        at += len(line) + 1
    return View("\n".join(lines), starts, places, {}, is_of_lines=True) if cut else None


def _without_prefix(line: str) -> View | None:
    """The view of a text of one line; most begin with a letter and have no prefix of letters."""
    char = line[:1]
    if char in _NO_PREFIX:
        return None
    has_letters = _may_begin_with_letters(line)
    if not has_letters and char in _ORDINARY and char != " ":
        return None
    is_marked = char == "+"
    size = 1 if is_marked and _has_mark(line) else 0
    size = _behind_prefixes(line, size, has_letters=has_letters, is_marked=is_marked)
    return View(line[size:], [0, 0], [0, size], {}, is_of_lines=True) if size else None


def _may_begin_without(text: str) -> bool:
    """May a line begin with a prefix that has no letters, or with the mark of a diff?"""
    return (
        text[:1] == " "
        or _BEGINS_UNUSUALLY.match(text) is not None
        or _GOES_ON_UNUSUALLY.search(text) is not None
        or "@@ -" in text
        or "diff --git" in text
    )


def _are_marked(text: str, lines: list[str]) -> bool:
    """Does every line begin with a character that says what became of it, as in a diff?"""
    char = text[:1]
    if char == " " and all(line[0] == " " for line in lines if line):
        return True
    if char in ("+", "-") and _is_diff(lines):
        return True
    return (
        "@@ -" in text or "diff --git" in text or "\n+++ " in text or "*** " in text
    ) and _DIFF.search(text) is not None


def _are_numbered(lines: list[str]) -> bool:
    """Do all lines begin with numbers that count, and nothing but a blank or a sign parts them?"""
    before = None
    for line in lines:
        if not line:
            continue
        if line == "--":  # `grep` left lines out
            before = None
            continue
        found = _NUMBERED.match(line)
        if found is None or before not in (None, int(found[1]) - 1):
            return False
        before = int(found[1])
    return len(lines) > 1


def _has_mark(line: str) -> bool:
    return line[0] in "+- " and not line.startswith(("+++ ", "--- "))


def _behind_prefixes(line: str, size: int, *, has_letters: bool, is_marked: bool) -> int:
    """Where a line begins behind its prefixes, the first `size` characters being one."""
    for _ in range(LAYERS_MAX):
        char = line[size : size + 1]
        if char in "0123456789[" or (
            char == " " and line[size : size + 9].lstrip(" ")[:1].isdigit()
        ):
            found = _BY_DIGIT().match(line, size)
            if found is None and has_letters:
                found = _BY_NAME().match(line, size)
        elif char in "#>│┃║▏":
            found = _BY_MARK.match(line, size)
        elif has_letters and char not in " \t\"'{":
            found = _BY_NAME().match(line, size)
        else:
            break
        if found is None or found.end() == size:
            break
        size = found.end()
    if size and not is_marked and line.startswith("+", size) and not line.startswith("++", size):
        return size + 1
    return size


# -- commands over several lines -------------------------------------------------------------------

# What tells a shell, and PowerShell and `cmd`, that the line goes on below, with what indents it.
# The last two stand apart from the word before: Markdown has backticks at the end of a line.
_CONTINUED: Final = re.compile(r"\\\r?\n[ \t]{0,200}")
_CONTINUED_WINDOWS: Final = re.compile(r"(?<=[ \t])[`^]\r?\n[ \t]{1,200}")


def joined(text: str) -> View | None:
    """The view in which a line that goes on below is one line; None if none does."""
    if "\n" not in text:
        return None
    edits: list[Edit] = []
    if "\\\n" in text or "\\\r\n" in text:
        edits += [
            Edit(found.start(), found.end(), _blank(text, found))
            for found in _CONTINUED.finditer(text)
            if text[found.start() - 1 : found.start()] != "\\"
        ]
    if any(mark in text for mark in ("`\n", "^\n", "`\r\n", "^\r\n")):
        edits += [Edit(*found.span()) for found in _CONTINUED_WINDOWS.finditer(text)]
        edits.sort()
    return viewed(text, edits) if edits else None


def _blank(text: str, found: re.Match[str]) -> str:
    """What stands for the break: a blank, as a path may end so too and is not to be glued."""
    return "" if found.start() == 0 or text[found.start() - 1] in " \t" else " "


def undressed(text: str) -> list[View]:
    """The views that take the dress off, one after the other; none if there is none to take off."""
    views: list[View] = []
    if has_terminal(text) and (view := _without_terminal(text)) is not None:
        views.append(view)
        text = view.text
    if (view := _without_prefixes(text)) is not None:
        views.append(view)
    return views
