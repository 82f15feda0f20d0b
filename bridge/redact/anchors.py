"""The prefilter: one pass over a text finds the few places worth a closer look.

A multi-pattern automaton (Aho-Corasick) over the lower-cased text; every literal carries the
detectors to ask. Four of five texts have no hit and are done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import ahocorasick

from bridge.redact.detectors import DETECTORS
from bridge.redact.detectors.assignment import ASSIGNMENTS
from bridge.redact.detectors.detector import Detector, Look
from bridge.redact.detectors.markers import MARKER_LITERAL, skip_marker
from bridge.redact.detectors.name_parts import name_literals


class Anchor(NamedTuple):
    """A literal and what to do where it stands."""

    size: int
    look: Look
    data: Any


def build(off: frozenset[str] = frozenset(), extra_names: Iterable[str] = ()) -> Any:
    """Return the automaton of all detectors but those of the rules in `off`.

    `extra_names`: further literals where a text may name a secret.
    """
    named = replace(ASSIGNMENTS, literals=name_literals(extra_names))
    known = [named if detector is ASSIGNMENTS else detector for detector in DETECTORS]
    return automaton([detector for detector in known if detector.rule.id not in off])


def automaton(detectors: Sequence[Detector]) -> Any:
    """Return the automaton; its values are tuples of `Anchor`."""
    anchors = {MARKER_LITERAL: [Anchor(len(MARKER_LITERAL), skip_marker, None)]}
    for detector in detectors:
        for literal, data in detector.literals.items():
            anchors.setdefault(literal, []).append(Anchor(len(literal), detector.look, data))
    built = ahocorasick.Automaton()
    for literal, found in anchors.items():
        built.add_word(literal, tuple(found))
    built.make_automaton()
    return built
