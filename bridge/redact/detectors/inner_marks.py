"""Tokens whose mark stands in their middle: both sides must fit."""

from __future__ import annotations

from typing import Final

from bridge.redact.detectors.detector import Detector
from bridge.redact.expressions import Lazy, lazy
from bridge.redact.rule import PROVIDER_TOKEN
from bridge.redact.spans import Scan

# Tokens recognised by a mark in their middle: (literal, characters before, characters behind).
Infix = tuple[Lazy, Lazy, str]
INFIX: Final[dict[str, Infix]] = {
    "8q~": (
        lazy(r"[A-Za-z0-9_~.-]{3}\Z"),
        lazy(r"[A-Za-z0-9_~.-]{31,36}(?![A-Za-z0-9_~-])"),
        "secret",
    ),
    "7q~": (
        lazy(r"[A-Za-z0-9_~.-]{3}\Z"),
        lazy(r"[A-Za-z0-9_~.-]{31,36}(?![A-Za-z0-9_~-])"),
        "secret",
    ),
    ".atlasv1.": (lazy(r"[A-Za-z0-9]{14}\Z"), lazy(r"[A-Za-z0-9_=-]{40,80}"), "token"),
    ":apa91b": (
        lazy(r"[A-Za-z0-9_-]{7,24}\Z"),
        lazy(r"[A-Za-z0-9_-]{80,200}"),
        "token",
    ),
    ":aa": (
        lazy(r"(?<!\d)\d{8,10}\Z"),
        lazy(r"[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])"),
        "token",
    ),
    "t3blbkfj": (
        lazy(r"sk-[A-Za-z0-9_-]{16,100}\Z"),
        lazy(r"[A-Za-z0-9_-]{16,100}"),
        "token",
    ),
    "_mmk": (
        lazy(r"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}\Z"),
        lazy(r"(?![A-Za-z0-9])"),
        "token",
    ),
    "-us1": (lazy(r"(?<![0-9a-f])[0-9a-f]{32}\Z"), lazy(r"\d?(?![\w-])"), "token"),
    "-us2": (lazy(r"(?<![0-9a-f])[0-9a-f]{32}\Z"), lazy(r"\d?(?![\w-])"), "token"),
    "+astb": (lazy(r"[A-Za-z0-9/+]{76}\Z"), lazy(r"[A-Za-z0-9/+]{5}=="), "api-key"),
    "azdo": (lazy(r"[A-Za-z0-9]{76}\Z"), lazy(r"[A-Za-z0-9]{4}"), "token"),
    "jqqj99": (lazy(r"[A-Za-z0-9]{52}\Z"), lazy(r"[A-Za-z0-9]{20,30}"), "api-key"),
    "acdb": (lazy(r"[A-Za-z0-9/+]{76}\Z"), lazy(r"[A-Za-z0-9/+]{4,6}==?"), "api-key"),
}


def infix(scan: Scan, start: int, end: int, data: Infix) -> int:
    """A literal in the middle of a token: both sides must fit."""
    left, right, kind = data
    text = scan.text
    before = left().search(text[max(0, start - 104) : start])
    if before is None:
        return 0
    after = right().match(text, end, scan.end)
    if after is None:
        return 0
    first = start - (len(before.group()))
    return scan.add(first, after.end(), kind, PROVIDER_TOKEN.id)


INNER_MARKS = Detector(
    name="inner-marks",
    rule=PROVIDER_TOKEN,
    literals=INFIX,
    look=infix,
    finds=("client ⟦{a3}8Q~{a34}⟧",),
    leaves=("8Q~ alone", "eu-us1 and ⟨h32⟩"),
)
