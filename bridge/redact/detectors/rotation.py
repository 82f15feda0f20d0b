"""A secret that was changed: `password changed: x -> y`, `replaced the token x with y`, `old x, new y`.

The old one may still open something, and both stand in one sentence behind one name. A word of
change must be there; then what stands behind `old`, `was`, `from`, `to`, `with`, an arrow goes if
it looks made.
"""

# ruff: noqa: E501 - a pattern is read on one line

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bridge.redact.expressions import lazy
from bridge.redact.fold import fold
from bridge.redact.names.classifier import SURE, Verdict
from bridge.redact.names.words import META
from bridge.redact.spans import Scan
from bridge.redact.values import harmless
from bridge.redact.values.extent import Value, before_far
from bridge.redact.values.judge import looks_made, take

REACH: Final = 240  # characters of the sentence behind the name
VALUES_MAX: Final = 4
_NEAR: Final = 60  # characters around the name in which a word of change stands

_CHANGES: Final = (
    *map(fold, """chang rotat updat reset replac renew switch swap roll regenerat reissu modif cambia
    actualiz alter geänder ersetz erneuer rotier zmien измен смен -> → =>""".split()),
    "old ", "old:", "old=", "previous", "was ",
)  # fmt: skip
_VALUE: Final = r"[`\"'«„“]{0,2}(?P<NAME>[^\s`\"'«»„“”]{6,140})"
# What stands before a value: a label of time, a verb or a preposition, an arrow.
_TIED: Final = lazy(
    r"(?i:\b(?:old|new|previous(?:ly)?|prior|former(?:ly)?|current(?:ly)?|before|after|was|were|now|from|to|with|by|into|for|alt|neu|bisher|jetzt|von|auf|zu|durch|mit|ancien|nouveau|antes|ahora|de|à|a|por)\b"
    r"(?:[ ](?:one|value|is|was|key|password|token|secret|pass|set to|to|be)){0,2}(?:[ ]{0,2}[:=][ ]{0,3}|[ ]{1,3})|(?:->|→|=>|⇒|➜|:(?=[ ])|\()[ ]{0,3}|[,;][ ]{1,3})"
    + _VALUE.replace("NAME", "tied")
    + r"|(?<=[ (])"
    + _VALUE.replace("NAME", "head")
    + r"[`\"'»“”]{0,2}[ ]{1,3}(?:->|→|=>|⇒|➜|(?:is|was|has been)[ ](?:now|replaced|changed)|(?:with|by|to|into|for|auf|durch|à|por)[ ])"
)
_BESIDE: Final = lazy(r"[ ]{1,2}" + _VALUE.replace("NAME", "beside"))
_NEXT: Final = lazy(r"[ -]([A-Za-z]{2,20})\b")
_ABOUT: Final = META - {"changed", "rotated", "updated", "reset", "rotate"} | {"lifetime", "parser"}
# `Bitwarden26`: alone it is the name of what was changed.
_PRODUCT: Final = lazy(r"(?:[A-Z][a-z]{1,20}){1,4}[-_]?\d{1,4}\Z")
_TRAIL: Final = ".,;:)]}>"
_DIGIT: Final = re.compile(r"\d")
_END: Final = re.compile(r"\n|\\n")


def changed(scan: Scan, first: int, last: int, verdict: Verdict) -> int:
    """Both values of a change that the sentence of the name `first` to `last` tells."""
    low = scan.low
    if verdict.grade != SURE or _DIGIT.search(low, last, min(scan.end, last + REACH)) is None:
        return 0
    near = low[max(0, first - _NEAR) : min(scan.end, last + _NEAR)]
    if not any(map(near.__contains__, _CHANGES)):
        return 0
    if _is_about(scan.text, last):
        return 0
    scan.effort += 3
    ended = _END.search(scan.text, last, min(scan.end, last + REACH))
    stop = ended.start() if ended is not None else min(scan.end, last + REACH)
    values = list(_values(scan.text, last, stop))
    if len(values) == 1 and _PRODUCT().match(scan.text[slice(*values[0])]):
        return 0
    done = 0
    for begin, end in values:
        done = take(scan, Value(begin, end, "'"), verdict) or done
    return done


def _is_about(text: str, last: int) -> bool:
    """`the password policy`, `the token lifetime`: what was changed is no secret."""
    word = _NEXT().match(text, last)
    return word is not None and word.group(1).lower() in _ABOUT


def _values(text: str, at: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where values stand that a label or a preposition ties to the change and that look made."""
    beside = _BESIDE().match(text, at, stop)
    if beside is not None and _is_made(beside.group("beside").rstrip(_TRAIL)):
        at = beside.start("beside") + len(beside.group("beside").rstrip(_TRAIL))
        yield beside.start("beside"), at
    for _ in range(2 * VALUES_MAX):
        found = _TIED().search(text, at, stop)
        if found is None:
            return
        group = "tied" if found.group("tied") else "head"
        begin, end = found.span(group)
        end = before_far(text, begin, end)
        while end > begin and text[end - 1] in _TRAIL:
            end -= 1
        if _is_made(text[begin:end]):
            yield begin, end
            at = end
        else:
            at = max(begin, found.start() + 1)


def _is_made(content: str) -> bool:
    """Made by a machine, or by a person who was told to: not the name of what was changed."""
    if len(content) < 6:
        return False
    if harmless.weight(content) == harmless.HEAVY:
        is_made = not harmless.is_uuid(content)
    else:
        is_made = looks_made(content)
    return is_made and not harmless.harmless_code(content, ("password",), "")  # the dearest last
