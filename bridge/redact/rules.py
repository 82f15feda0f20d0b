"""The rules by id: a closed, small set, usable as the values of a metric label."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bridge.core.errors import ConfigError
from bridge.redact.detectors import DETECTORS
from bridge.redact.rule import OF_THE_ENGINE, OF_THE_TREE, Rule


def _of_detectors() -> Iterable[Rule]:
    for detector in DETECTORS:
        yield detector.rule
        yield from detector.also


RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: rule for rule in (*OF_THE_TREE, *_of_detectors(), *OF_THE_ENGINE)}
)


def check_off(off: Iterable[str]) -> None:
    """Check the ids of rules that are to be switched off.

    Raises:
        ConfigError: A rule does not exist; the text names a similar one, or all.
    """
    for rule in sorted(off):
        if rule not in RULES:
            close = difflib.get_close_matches(rule, RULES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(RULES)}"
            raise ConfigError(f"redaction.off: no rule {rule!r}; {hint}")
