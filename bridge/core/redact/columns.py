"""Values that a heading names: columns of tables and CSV, `INSERT ... VALUES`, the line below a title."""

# ruff: noqa: E501 - a pattern or a row of a table is read on one line

from __future__ import annotations

import re

from bridge.core.redact import benign
from bridge.core.redact.judge import take
from bridge.core.redact.keys import SURE, Verdict
from bridge.core.redact.reading import is_literal
from bridge.core.redact.spans import Scan
from bridge.core.redact.values import Value, line_end

HEADING_MAX = 300  # characters of a heading line
ROWS_MAX = 50  # rows read below a heading
CELLS_MAX = 24

_HEADING_CELL = re.compile(
    r"[ \t]{0,40}[\"'`*]{0,3}[A-Za-z#][\w ./#()-]{0,40}[\"'`*]{0,3}[ \t]{0,40}\Z"
)
_PLAIN_HEADING = re.compile(r"[^(){}\[\].=]{1,300}\Z")
_RULE_LINE = re.compile(r"[-=+|: \t]{3,300}\Z")
_LONE = re.compile(r"[ \t\r\n]{1,80}([^\s\"'`<>]{12,256})[ \t\r]{0,8}(?=\n|\Z)")
_GAP = re.compile(r"[ ]{2,100}")
_INSERT = re.compile(r"[^()\n]{0,200}\)\s{0,8}VALUES\s{0,8}\(", re.I)
_SQL_ITEM = re.compile(r"\s{0,8}(?:[NEBX]?'((?:[^'\n]|''){0,256})'|([^,()'\n]{0,80}))\s{0,8}[,)]")


def below(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Look below the heading `first` to `last`; return where to go on, or 0."""
    if verdict.grade != SURE or verdict.kind == "authorization":
        return 0
    text = scan.text
    begin = text.rfind("\n", max(0, first - HEADING_MAX), first) + 1
    if begin == 0 and first > HEADING_MAX:
        return 0
    stop = line_end(text, last, min(scan.end, last + HEADING_MAX))
    if stop >= scan.end or text[stop] != "\n":
        return _inserted(scan, first, last, verdict)
    line = text[begin:stop]
    for mark in "|\t,;":
        if mark in line:
            return _columns(scan, line, mark, first - begin, stop + 1, verdict) or (
                _inserted(scan, first, last, verdict) if mark == "," else 0
            )
    if (
        line.endswith(":")
        and line[last - begin :][:1] == " "
        and (done := _announced(scan, last, stop, verdict))
    ):
        return done
    return _by_blanks(scan, line, first - begin, stop + 1, verdict) or _alone(
        scan, begin, stop, first, last, verdict
    )


def _announced(scan: Scan, last: int, stop: int, verdict: Verdict) -> int:
    """`Use the following password to go on:`, and it stands alone below."""
    found = _LONE.match(scan.text, stop, scan.end)
    if found is None or ":" in scan.text[last : stop - 1]:
        return 0
    content = found.group(1)
    if benign.weight(content) != benign.HEAVY or benign.is_uuid(content):
        return 0
    if verdict.kind != "password" and not content.strip("0123456789abcdef"):
        return 0  # a commit, a digest
    return take(scan, Value(found.start(1), found.end(1), "", found.end(1) >= scan.end), verdict)


def _by_blanks(scan: Scan, line: str, at: int, start: int, verdict: Verdict) -> int:
    """`USER    PASSWORD` and rows below it, two blanks or more between the columns."""
    cells = _GAP.split(line.strip())
    if not 2 <= len(cells) <= CELLS_MAX or not all(map(_HEADING_CELL.match, cells)):
        return 0
    scan.effort += 1
    column = len(_GAP.findall(line[:at].lstrip()))
    done = 0
    text = scan.text
    for _ in range(ROWS_MAX):
        stop = line_end(text, start, min(scan.end, start + 4 * HEADING_MAX))
        row = text[start:stop]
        if not _RULE_LINE.match(row):
            values = _GAP.split(row.strip())
            if len(values) != len(cells):
                break
            content = values[column]
            if is_literal(content):
                first = start + row.index(content, len("  ".join(values[:column])))
                done = take(scan, Value(first, first + len(content), "|"), verdict) or done
        if stop >= scan.end:
            break
        start = stop + 1
    return done


def _columns(scan: Scan, line: str, mark: str, at: int, start: int, verdict: Verdict) -> int:
    cells = line.lstrip("+-> ").split(mark) if mark == "|" else line.split(mark)
    if not 2 <= len(cells) <= CELLS_MAX:
        return 0
    is_list = sum(bool(cell.strip()) for cell in cells) < 2
    if mark in ",;" and (is_list or not _PLAIN_HEADING.match(line)):
        return 0  # arguments of a call, items one to a line
    if not all(not cell.strip() or _HEADING_CELL.match(cell) for cell in cells):
        return 0
    column = line.count(mark, 0, at)
    scan.effort += 1
    done = 0
    text = scan.text
    for _ in range(ROWS_MAX):
        stop = line_end(text, start, min(scan.end, start + 4 * HEADING_MAX))
        row = text[start:stop]
        if not _RULE_LINE.match(row):
            if row.count(mark) != len(cells) - 1:
                break
            left = start + sum(len(cell) + 1 for cell in row.split(mark)[:column])
            cell = row.split(mark)[column]
            content = cell.strip().strip("`\"'*")
            if is_literal(content):
                at = text.find(content, left)
                done = take(scan, Value(at, at + len(content), mark), verdict) or done
        if stop >= scan.end:
            break
        start = stop + 1
    return done


def _inserted(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`INSERT INTO users (name, password) VALUES ('a', 'x')`."""
    text = scan.text
    behind = _INSERT.match(text, last, min(scan.end, last + HEADING_MAX))
    opening = text.rfind("(", max(0, first - HEADING_MAX), first)
    if behind is None or opening < 0 or ")" in text[opening:first]:
        return 0
    column = text.count(",", opening, first)
    at = behind.end()
    for number in range(min(column + 1, CELLS_MAX)):
        item = _SQL_ITEM.match(text, at, scan.end)
        if item is None:
            return 0
        if number == column and item.group(1):
            return take(scan, Value(item.start(1), item.end(1), "'"), verdict)
        at = item.end()
    return 0


def _alone(scan: Scan, begin: int, stop: int, first: int, last: int, verdict: Verdict) -> int:
    """A title with nothing else on its line, and one heavy word on the next."""
    text = scan.text
    if (text[begin:first] + text[last:stop]).strip(" \t#*:+->_"):
        return 0
    for _ in range(2):
        start = stop + 1
        stop = line_end(text, start, min(scan.end, start + HEADING_MAX))
        row = text[start:stop].strip("+ \t`")
        if _RULE_LINE.match(row):
            continue
        if benign.weight(row) != benign.HEAVY or len(row) < 12:
            return 0
        at = text.find(row, start)
        return take(scan, Value(at, at + len(row), "", stop >= scan.end), verdict)
    return 0
