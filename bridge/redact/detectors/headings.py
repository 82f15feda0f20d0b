"""Values that a heading names: columns of tables and CSV, `INSERT ... VALUES`, the line below a title."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import SURE, Verdict
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.code import is_decorator
from bridge.redact.values.extent import Value
from bridge.redact.values.judge import is_literal, looks_made, take

HEADING_MAX = 300  # characters of a heading line
ROWS_MAX = 400  # rows read below a heading; four cost as much as a value
CELLS_MAX = 24
BETWEEN_MAX = 5  # lines from a title to its value: empty ones, a fence

_HEADING_CELL = lazy(r"[ \t]{0,40}[\"'`*]{0,3}[A-Za-z#][\w ./#()-]{0,40}[\"'`*]{0,3}[ \t]{0,40}\Z")
_PLAIN_HEADING = lazy(r"[^(){}\[\].=]{1,300}\Z")
_RULE_LINE = lazy(r"[-=+|: \t]{3,300}\Z")
_LONE = lazy(
    r"(?:[ \t\r\n]|\\{1,7}[rn]){1,40}(?:```[a-z]{0,12}[ \t]{0,4}\n[ \t]{0,40})?([^\s\"'`<>\\]{8,256})[ \t\r]{0,8}(?=\n|\\{1,15}[rn\"]|\"|\Z)"
)
# Where a line ends inside a JSON text: at an escaped break, or with the string.
_ESCAPED_END = lazy(r"(?P<next>\\{1,7}(?:r\\{1,7})?n)|\\{0,15}\"|\n")
_OPEN_ENDS = (":", " is", " are", " to", " below", "=", "->", "→")
_FENCE = lazy(r"[ \t]{0,8}(?:```|~~~)[a-z]{0,12}[ \t]{0,4}\Z")
_TITLE_SIGNS = " \t#*:+->_"
# What may stand before the name in a title: `Temporary admin password`.
_ADJECTIVES = lazy(
    r"(?i:(?:the|your|our|an?|new|old|temporary|initial|generated|default|current|first|admin|administrator|root|user|master|service|client|api|access|personal|account|login|app|application|wi-?fi|wlan|db|database|ssh|smtp|mail|ftp|vpn|server|bot)[ ]?){1,3}\Z"
)
_GAP = lazy(r"[ ]{2,100}")
_INSERT = lazy(r"[^()\n]{0,200}\)\s{0,8}VALUES\s{0,8}\(", re.I)
_SQL_ITEM = lazy(r"\s{0,8}(?:[NEBX]?'((?:[^'\n]|''){0,256})'|([^,()'\n]{0,80}))\s{0,8}[,)]")


class _Heading(NamedTuple):
    r"""A line from `start` to `stop`, and where the line below it begins, -1 if there is none.

    `is_escaped`: the line stands inside a JSON text, where breaks are written `\n`.
    """

    start: int
    stop: int
    below: int
    is_escaped: bool


def _line(scan: Scan, at: int, room: int, *, is_escaped: bool) -> tuple[int, int]:
    """Where the line at `at` ends, and where the next one begins or -1."""
    limit = min(scan.end, at + room)
    if not is_escaped:
        stop = scan.text.find("\n", at, limit)
        return (limit, -1) if stop < 0 else (stop, stop + 1)
    found = _ESCAPED_END().search(scan.text, at, limit)
    if found is None:
        return limit, -1
    return found.start(), found.end() if found.group("next") else -1


def _heading(scan: Scan, first: int, last: int) -> _Heading | None:
    """The line of the name `first` to `last`; None if it begins too far away."""
    text = scan.text
    stop, below_ = _line(scan, last, HEADING_MAX, is_escaped=False)
    is_escaped = text.find("\\n", last, stop) >= 0  # plain search first: most lines have none
    if is_escaped:
        stop, below_ = _line(scan, last, HEADING_MAX, is_escaped=True)
    low = max(0, first - HEADING_MAX)
    start = text.rfind("\n", low, first) + 1
    if is_escaped:
        for mark in ('"', "\\n"):
            start = max(start, text.rfind(mark, low, first) + len(mark))
    if start <= 1 and first > HEADING_MAX:
        return None
    return _Heading(start, stop, below_, is_escaped)


def below(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Look below the heading `first` to `last`; return where to go on, or 0."""
    if verdict.grade != SURE or verdict.kind == "authorization":
        return 0
    head = _heading(scan, first, last)
    if head is None:
        return 0
    if head.below < 0:
        return _inserted(scan, first, last, verdict)
    line = scan.text[head.start : head.stop]
    if line.rstrip().endswith(_OPEN_ENDS) and scan.text[last] in " ,(":
        done = _announced(scan, head, last, verdict)
        if done:
            return done
    for mark in "|\t,;":
        if mark in line:
            return _columns(scan, head, mark, first, verdict) or (
                _inserted(scan, first, last, verdict) if mark == "," else 0
            )
    return _by_blanks(scan, head, first, verdict) or _alone(scan, head, first, last, verdict)


def _announced(scan: Scan, head: _Heading, last: int, verdict: Verdict) -> int:
    """`Use the following password to go on:`, and it stands alone below."""
    found = _LONE().match(scan.text, head.stop, scan.end)
    if found is None or ":" in scan.text[last : head.stop - 1]:
        return 0
    content = found.group(1)
    is_made = len(content) >= 12 and harmless.weight(content) == harmless.HEAVY
    if not is_made and not (verdict.kind == "password" and looks_made(content)):
        return 0
    if harmless.is_uuid(content):
        return 0
    if verdict.kind != "password" and not content.strip("0123456789abcdef"):
        return 0  # a commit, a digest
    return take(scan, Value(found.start(1), found.end(1), "", found.end(1) >= scan.end), verdict)


def _rows(scan: Scan, head: _Heading) -> Iterator[tuple[int, str]]:
    """The lines below a heading but for ruled ones: where each begins, and its text."""
    start = head.below
    for number in range(ROWS_MAX):
        scan.effort += number % 4 == 0
        stop, following = _line(scan, start, 4 * HEADING_MAX, is_escaped=head.is_escaped)
        row = scan.text[start:stop]
        if not _RULE_LINE().match(row):
            yield start, row
        if following < 0:
            return
        start = following


def _by_blanks(scan: Scan, head: _Heading, first: int, verdict: Verdict) -> int:
    """`USER    PASSWORD` and rows below it, two blanks or more between the columns."""
    line = scan.text[head.start : head.stop]
    cells = _GAP().split(line.strip())
    if not 2 <= len(cells) <= CELLS_MAX or not all(map(_HEADING_CELL().match, cells)):
        return 0
    column = len(_GAP().findall(line[: first - head.start].lstrip()))
    done = 0
    for start, row in _rows(scan, head):
        values = _GAP().split(row.strip())
        if len(values) != len(cells):
            break
        content = values[column]
        if is_literal(content):
            at = start + row.index(content, len("  ".join(values[:column])))
            done = take(scan, Value(at, at + len(content), "|"), verdict) or done
    return done


_NUMBERS: Final = frozenset(("id", "#", "no", "nr", "n", "num", "number", "row", "line"))


def _columns(scan: Scan, head: _Heading, mark: str, first: int, verdict: Verdict) -> int:
    line = scan.text[head.start : head.stop]
    if "||" in line:  # Jira doubles the strokes of a heading
        first -= line.count("||", 0, first - head.start)
        line = line.replace("||", "|")
    cells = line.lstrip("+-> ").split(mark) if mark == "|" else line.split(mark)
    if not 2 <= len(cells) <= CELLS_MAX:
        return 0
    is_list = sum(bool(cell.strip()) for cell in cells) < 2
    if mark in ",;" and (is_list or not _PLAIN_HEADING().match(line)):
        return 0  # arguments of a call, items one to a line
    if not all(not cell.strip() or _HEADING_CELL().match(cell) for cell in cells):
        return 0
    column = line.count(mark, 0, first - head.start)
    done = 0
    for start, row in _rows(scan, head):
        values = row.split(mark)
        # `  7 | x` was taken for the seventh line of a listing, and the number left out.
        is_numbered = len(values) == len(cells) - 1 and cells[0].strip().lower() in _NUMBERS
        if is_numbered:
            values.insert(0, "")
        is_cut = start + len(row) >= scan.end and len(values) > column
        if len(values) != len(cells) and not is_cut:
            break
        left = start + sum(len(value) + 1 for value in values[:column]) - is_numbered
        content = values[column].strip().strip("`\"'*")
        if is_literal(content):
            at = scan.text.find(content, left)
            done = take(scan, Value(at, at + len(content), mark), verdict) or done
    return done


def _inserted(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`INSERT INTO users (name, password) VALUES ('a', 'x')`."""
    text = scan.text
    behind = _INSERT().match(text, last, min(scan.end, last + HEADING_MAX))
    opening = text.rfind("(", max(0, first - HEADING_MAX), first)
    if behind is None or opening < 0 or ")" in text[opening:first]:
        return 0
    column = text.count(",", opening, first)
    at = behind.end()
    for number in range(min(column + 1, CELLS_MAX)):
        item = _SQL_ITEM().match(text, at, scan.end)
        if item is None:
            return 0
        if number == column and item.group(1):
            return take(scan, Value(item.start(1), item.end(1), "'"), verdict)
        at = item.end()
    return 0


def _is_token(row: str) -> bool:
    """Of a machine; `Minimum8Characters` is the next title."""
    if len(row) < 12 or harmless.weight(row) != harmless.HEAVY:
        return False
    return len(row) >= 20 or sum(char.isdigit() for char in row) >= 2


def _alone(scan: Scan, head: _Heading, first: int, last: int, verdict: Verdict) -> int:
    """A title with nothing else on its line, and one heavy word on the next."""
    text = scan.text
    before = text[head.start : first].strip(_TITLE_SIGNS)
    if text[last : head.stop].strip(_TITLE_SIGNS) or (before and not _ADJECTIVES().match(before)):
        return 0
    for start, line in islice(_rows(scan, head), BETWEEN_MAX):
        row = line.strip("+ \t`")
        if not row or _FENCE().match(line):
            continue
        if not _is_token(row) and not (verdict.kind == "password" and looks_made(row)):
            return 0
        at = text.find(row, start)
        stop = at + len(row)
        if is_decorator(text, at):
            return 0
        return take(scan, Value(at, stop, "", stop >= scan.end), verdict)
    return 0
