"""What a detector is: one value that says all there is to know about it.

The automaton, the rules, the metrics, the reference page and a test follow from the list of them
(`bridge.redact.detectors.DETECTORS`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.redact.rule import Rule
from bridge.redact.spans import Scan

# What looks at the literal text[start:end]. Returns where to go on, or 0 when nothing is there.
Look = Callable[[Scan, int, int, Any], int]


@dataclass(frozen=True, slots=True)
class Detector:
    """One way in which a secret stands in a text.

    `literals`: what of the lower-cased text calls `look`, each with the `data` it is given.
    `finds` and `leaves` are texts in which `⟦...⟧` stands for a secret and `⟨...⟩` for chance that
    is none, written as slots (`tests/corpus/blocks.py`: `a40` is 40 letters and digits): no secret
    stands in the tree. The test of the list fills them, and lets each detector look at its own.
    `also`: rules under which `look` notes spans besides `rule`.
    """

    name: str
    rule: Rule
    literals: Mapping[str, Any]
    look: Look
    finds: tuple[str, ...]
    leaves: tuple[str, ...]
    also: tuple[Rule, ...] = ()


def literals(*words: str, data: Any = None) -> Mapping[str, Any]:
    """The words with the same data for each."""
    return dict.fromkeys(words, data)


def shorter(look: Look) -> Look:
    """The literal ends in a blank, so that it is a word; the blank belongs to what follows."""

    def shorter_(scan: Scan, start: int, end: int, data: Any) -> int:
        return look(scan, start, end - 1, data)

    return shorter_
