"""Names and values in cells and elements of HTML, parts of forms, and leaders of dots."""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from typing import Final

from bridge.redact.detectors.detector import Detector, literals
from bridge.redact.detectors.rotation import changed
from bridge.redact.expressions import lazy
from bridge.redact.names.classifier import NONE, Verdict
from bridge.redact.rule import ASSIGNMENT
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import BARE, TRAIL, Value, line_end
from bridge.redact.values.judge import looks_made, take

ROWS_MAX: Final = 40  # of a table
ROW_MAX: Final = 2_000  # characters of one
HEAD_MAX: Final = 600  # characters of the heading's row before the name

_CLOSES = lazy(r"[ ]?:?[ ]?</(?P<tag>[A-Za-z][\w-]{0,12})>\s{0,20}")
_INNER = lazy(
    r"(?::[ ]?)?(?:<(?P<tag>[A-Za-z][\w-]{0,12})[^<>\n]{0,120}>\s{0,10}){0,3}(?P<secret>[^<>\s]{6,256})\s{0,10}(?=<|\n|\Z)"
)
_CELL = lazy(r"<t[hd]\b[^<>]{0,120}>", re.I)
_ROW_END = lazy(r"</tr>", re.I)
_LEADER = re.compile(
    r"[ \t]{0,3}(?:(?:[.·_‥][ ]?){3,80}|…{1,40})[ \t]{0,4}:?[ \t]{1,4}(?=[^\s<\[(])"
)
_PART = lazy(
    r"\\{0,7}\"?(?P<name>[\w.\[\]-]{2,60})\\{0,7}\"?[ ]{0,4}(?:\r?\n[A-Za-z-]{3,40}:[^\n]{0,200}){0,4}\r?\n\r?\n(?P<secret>[^\r\n]{4,512})"
)


def is_value(content: str, verdict: Verdict) -> bool:
    """Does it speak for itself, beside a name that only its place ties to it?"""
    heavy = len(content) >= 10 and harmless.weight(content) == harmless.HEAVY
    if not heavy and not (verdict.kind == "password" and looks_made(content)):
        return False
    return not harmless.harmless_code(content, verdict.words, "")


def _led_to(scan: Scan, last: int, verdict: Verdict) -> int:
    """`Password ........ x`."""
    found = _LEADER.match(scan.text, last, scan.end)
    bare = BARE.match(scan.text, found.end(), scan.end) if found is not None else None
    if bare is None:
        return 0
    at, stop = bare.span()
    while stop > at and scan.text[stop - 1] in TRAIL and stop < line_end(scan.text, at, scan.end):
        stop -= 1
    return _noted(scan, at, stop, verdict)


def _noted(scan: Scan, at: int, stop: int, verdict: Verdict) -> int:
    if not is_value(scan.text[at:stop], verdict):
        return 0
    return take(scan, Value(at, stop, "'"), verdict)


def _element(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`<td>Password</td><td>x</td>`, `<b>Password:</b> x`, the column below `<th>Password</th>`."""
    closed = _CLOSES().match(scan.text, last, scan.end)
    if closed is None or scan.text[first - 1 : first] not in (">", " ", "\n"):
        return 0
    scan.effort += 1
    tag = closed.group("tag").lower()
    beside = _INNER().match(scan.text, closed.end(), scan.end)
    if beside is not None and not (tag == "th" and (beside.group("tag") or "").lower() == "th"):
        done = _noted(scan, *beside.span("secret"), verdict)
        if done:
            return done
    return _column(scan, first, closed.end(), verdict) if tag in ("th", "td") else 0


def _column(scan: Scan, first: int, at: int, verdict: Verdict) -> int:
    """The cells below a heading."""
    begin = scan.low.rfind("<tr", max(0, first - HEAD_MAX), first)
    if begin < 0:
        return 0
    column = len(_CELL().findall(scan.text, begin, first)) - 1
    done = 0
    row = _ROW_END().search(scan.text, at, min(scan.end, at + ROW_MAX))
    for _ in range(ROWS_MAX):
        if row is None:
            break
        start = row.end()
        row = _ROW_END().search(scan.text, start, min(scan.end, start + ROW_MAX))
        stop = row.start() if row is not None else start
        scan.effort += 1
        cells = [cell.end() for cell in _CELL().finditer(scan.text, start, stop)]
        if column >= len(cells):
            continue
        value = _INNER().match(scan.text, cells[column], stop + 1)
        if value is not None:
            done = _noted(scan, *value.span("secret"), verdict) or done
    return done


def by_place(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Values that no separator ties to the name; what stands behind it is looked at first."""
    behind = scan.text[last : last + 3]
    if behind[1:2] in ".·_‥…" and behind[:1] in " .…":
        return _led_to(scan, last, verdict)
    if "<" in behind:
        return _element(scan, first, last, verdict)
    if behind[:1] in ":,).":  # behind a blank it was looked for already
        return changed(scan, first, last, verdict)
    if behind[:1] and behind[0] in "\"'" and scan.text[first - 1 : first] == behind[0]:
        return _of_row(scan, first, last, verdict)
    return 0


_COLUMN = lazy(r"[\w.\"`]{1,40}[ ]?=[ ]?[\"']")
_CELL_MAX = 4_096  # characters of a value in a row


def _of_row(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`update settings set value = 'x' where name = 'api_token'`."""
    text = scan.text
    where = scan.low.rfind("where ", max(0, first - 60), first)
    if where < 0 or _COLUMN().fullmatch(text, where + 6, first) is None:
        return 0  # nearly always
    close = where
    while close > max(1, where - 3) and text[close - 1] == " ":
        close -= 1
    quote = text[close - 1 : close]
    if quote not in ("'", '"'):
        return 0
    start = text.rfind(quote, max(0, close - 1 - _CELL_MAX), close - 1) + 1
    return _noted(scan, start, close - 1, verdict) and last if start else 0


_BRACKETED = lazy(r"(?P<secret>[^\s\"'`()]{6,128})[\"'`]?[ ]\((?:[A-Za-z]{1,12}[ ]){0,2}\Z")


def bracketed_name(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """`dana: x (her password)`."""
    low = max(0, first - 160)
    found = _BRACKETED().search(scan.text[low:first])
    if found is None:
        return 0
    start, stop = found.span("secret")
    return _noted(scan, low + start, low + stop, verdict) and last


def part(scan: Scan, _start: int, end: int, _data: object) -> int:
    """A part of a form as it is sent: headers, an empty line, the value."""
    found = _PART().match(scan.text, end, scan.end)
    if found is None:
        return 0
    verdict = scan.names.verdict(found.group("name"))
    if verdict.grade == NONE:
        return 0
    return take(scan, Value(*found.span("secret"), "'"), verdict)


FORM_PARTS = Detector(
    name="form-parts",
    rule=ASSIGNMENT,
    literals=literals("form-data; name="),
    look=part,
    finds=('Content-Disposition: form-data; name="password"\n\n⟦PA⟧\n------X',),
    leaves=('Content-Disposition: form-data; name="user"\n\nDana2207x\n------X',),
)
