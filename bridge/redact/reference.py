"""The reference page of the rules: `python -m bridge.redact > docs/redaction-rules.md`."""

# ruff: noqa: E501 - paragraphs of a page

from __future__ import annotations

from collections.abc import Iterator

from bridge.redact.detectors import DETECTORS
from bridge.redact.detectors.detector import Detector
from bridge.redact.rules import RULES

_LITERALS_SHOWN = 3

_HEAD = """# Redaction rules

Generated: `python -m bridge.redact > docs/redaction-rules.md`. What the rules are for, their limits and what they miss: [redaction](redaction.md).

## Rules

The ids stand in `redactions_total{rule}`, in `redact --explain` and in `[redaction] off`.

| Rule | Finds |
|---|---|
"""
_DETECTORS = """
## Detectors

Each looks at the places where one of its literals stands. In the examples `⟦...⟧` is what goes; `a40` stands for 40 letters and digits,
`h` for hex, `b` for base64, `d` for digits, `u` for capitals, `PA` for a password of a person.

| Detector | Rule | Looks at | Finds | Leaves |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page as Markdown."""
    rules = (f"| `{rule.id}` | {rule.what} |\n" for rule in RULES.values())
    return "".join((_HEAD, *rules, _DETECTORS, *_rows()))


def _rows() -> Iterator[str]:
    for one in DETECTORS:
        rules = ", ".join(f"`{rule.id}`" for rule in (one.rule, *one.also))
        cells = (one.name, rules, _literals(one), _code(one.finds[0]), _code(one.leaves[0]))
        yield f"| {' | '.join(cells)} |\n"


def _literals(detector: Detector) -> str:
    words = list(detector.literals)
    shown = ", ".join(_code(word) for word in words[:_LITERALS_SHOWN])
    more = len(words) - _LITERALS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _code(text: str) -> str:
    """The text in a cell of a table."""
    return "`" + text.replace("\n", "\\n").replace("|", "\\|") + "`"
