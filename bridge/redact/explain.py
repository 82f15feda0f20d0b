"""Which rule fires where, told without the secret: for operators who tune a policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from bridge.redact.engine import Redactor
from bridge.redact.scanner import Finding

PLACES_MAX = 1000  # of one value; a person reads no more


class Place(NamedTuple):
    """A replacement in a value. `path` is dotted, with secret names in it replaced as well."""

    path: str
    offset: int  # characters into the text at `path`
    rule: str
    kind: str


def explain(redactor: Redactor, obj: Any) -> list[Place]:
    """Return every place of `obj` that is replaced, in order, at most `PLACES_MAX`."""
    result, findings = redactor.trace(obj)
    places: list[Place] = []
    for path, leaf in _changed(obj, result, ""):
        for found, offset in _of_leaf(findings, leaf):
            places.append(Place(path, offset, found.rule, found.kind))
            if len(places) >= PLACES_MAX:
                return places
    return places


def _changed(before: Any, after: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and old text of what differs; names of members first."""
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for (old_key, old), (new_key, new) in zip(before.items(), after.items(), strict=True):
            step = f"{path}.{new_key}" if path else new_key
            if old_key != new_key:
                yield step, old_key
            yield from _changed(old, new, step)
    elif isinstance(before, list) and isinstance(after, list):
        for at, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changed(old, new, f"{path}[{at}]")
    elif before != after:
        yield path or ".", before if isinstance(before, str) else str(before)


def _of_leaf(findings: list[Finding], leaf: str) -> list[tuple[Finding, int]]:
    """Findings of one text, each once; a part of it counts from where it stands in the whole."""
    seen: dict[tuple[str, str, int], Finding] = {}
    for found in findings:
        if found.text == leaf:
            seen.setdefault((found.rule, found.kind, found.start), found)
        elif found.text and (at := leaf.find(found.text)) >= 0:
            seen.setdefault((found.rule, found.kind, found.start + at), found)
    return sorted(((found, key[2]) for key, found in seen.items()), key=lambda pair: pair[1])
