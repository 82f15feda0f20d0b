"""Takes off what all lines of a text begin with: the prefix of a tool that nobody told us of.

`api:dev: `, `npm error `, `2026-08-03 15:00:07,123 - app.main - INFO - `: tools put the same before
each line, but for numbers. Where that ends at a blank or a bracket and holds none of the literals
that detectors begin at, the lines are read without it. The prefixes of `dress` are taken off first:
they may differ from line to line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from bridge.redact.dress import Edit, View, viewed

HEAD_MAX: Final = 160  # characters of a line that are compared
LINES_MAX: Final = 4_000
SAMPLE: Final = 12  # lines of a long text that are compared first
HITS_MAX: Final = 400  # literals of a text beyond which it is read as it stands
_TRIES: Final = 3
_DIGITS = re.compile(r"\d+")
_ENDED = re.compile(r".*[\s\]|│›»]", re.S)
# Numbers and the marks of lists are read with what follows: only more than that is a prefix, or the
# mark of a comment (`--`, `;`, ` * `).
_MORE = re.compile(r"[^\d\s.,:;*+-]|^--|^;|^[ \t]{1,40}\*[ ]")


def may_share(text: str) -> bool:
    """Do two lines begin alike? Most texts are done with this."""
    first = text.find("\n") + 1
    if not first:
        return False
    second = text.find("\n", first) + 1
    one, other = (first, second) if second and second < len(text) else (0, first)
    char, also = text[one : one + 1], text[other : other + 1]
    if char != also and not (char.isdigit() and also.isdigit()):
        return False
    if char not in (" ", "\t"):
        return char not in ("", "\n", "{", "}", '"')
    head, below = text[one : one + 24].lstrip(), text[other : other + 24].lstrip()
    return head[:2] == below[:2] != ""


def without_shared(text: str, hits: Sequence[int]) -> View | None:
    """The view without it; None if the lines share nothing. Only of a text that `may_share`.

    `hits`: where the literals begin that detectors look at.
    """
    if len(hits) > HITS_MAX:
        return None
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        return None
    if len(lines) > 2 * SAMPLE:  # what all lines share, some of them share
        some = [line for line in lines[1:-1] if line][:: len(lines) // SAMPLE]
        if not _shared([_DIGITS.sub("0", line[:HEAD_MAX]) for line in some]):
            return None
    heads = [_DIGITS.sub("0", line[:HEAD_MAX]) for line in lines]
    inside = _filled(heads[1:-1])
    # What more lines share, these share: mostly an indent, or nothing.
    if len(inside) > 1 and _MORE.search(_common(inside)) is None:
        return None
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    count = len(lines)
    # A line before and one behind may be of somebody else.
    for low, high in ((0, count), (1, count), (0, count - 1), (1, count - 1)):
        shared = _shared(heads[low:high])
        for _ in range(_TRIES):
            if not shared or _is_of_table(shared, lines[low:high]):
                break
            before = _before_hits(shared, lines, starts, hits, low, high)
            if before is None:
                return viewed(text, list(_edits(shared, lines, starts, low, high)), of_lines=True)
            shared = _ended(shared[:before])
    return None


def _filled(heads: list[str]) -> list[str]:
    return [head for head in heads if head.strip()]


def _shared(heads: list[str]) -> str:
    filled = _filled(heads)
    return _ended(_common(filled)) if len(filled) > 1 else ""


def _common(heads: list[str]) -> str:
    """What all begin with."""
    least, most = min(heads), max(heads)  # what these share, all between them share
    size = 0
    for char, also in zip(least, most, strict=False):
        if char != also:
            break
        size += 1
    return least[:size]


def _ended(shared: str) -> str:
    """As far as it ends before a word of its own."""
    found = _ENDED.match(shared)
    if found is None or _MORE.search(found.group()) is None:
        return ""
    return found.group()


def _is_of_table(shared: str, lines: list[str]) -> bool:
    """`| a | b |`: a stroke begins the row, and further ones part it."""
    return shared[0] == "|" and all(line.count("|") > shared.count("|") for line in lines if line)


def _width(shared: str, line: str) -> int:
    """How many characters of a line it is: numbers are as long as they are."""
    numbers = shared.count("0")
    if not numbers:
        return min(len(shared), len(line))
    behind = 0
    for number, found in enumerate(_DIGITS.finditer(line), 1):
        behind = found.end()
        if number == numbers:
            return min(behind + len(shared) - shared.rfind("0") - 1, len(line))
    return len(line)  # an empty line of the tool: only its prefix


def _before_hits(
    shared: str,
    lines: list[str],
    starts: list[int],
    hits: Sequence[int],
    low: int,
    high: int,
) -> int | None:
    """How much of it stands before all literals; None if all of it does."""
    for start in hits:
        at = bisect_right(starts, start) - 1
        if not low <= at < high:
            continue
        column = start - starts[at]
        if column < _width(shared, lines[at]):
            return len(_DIGITS.sub("0", lines[at][:column]))
    return None


def _edits(shared: str, lines: list[str], starts: list[int], low: int, high: int) -> Iterator[Edit]:
    for at in range(low, high):
        line = lines[at]
        if line.strip() and (width := _width(shared, line)):
            yield Edit(starts[at], starts[at] + width)
