"""The operator's own patterns: searched window by window, and probed before they are used.

A pattern is anybody's regular expression, and Python's engine backtracks: what takes long on a
short text takes for ever on a long one. So a pattern never sees more than a window at once, and
whoever loads a configuration times it on `probes` first (`bridge/config/slow_patterns.py`; there
is no clock here).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bridge.core.errors import ConfigError
from bridge.redact.policy import EXTRA_PATTERNS_MAX, Policy
from bridge.redact.spans import Scan
from bridge.redact.values import harmless

TEXT_MAX: Final = 65_536  # characters of a text that a pattern is searched in
WINDOW: Final = 2_048  # characters at once; upstream cuts the strings of a payload at 2,000
MATCH_MAX: Final = 512  # a match up to so many characters is found wherever it stands

_UNITS: Final = (
    "a",
    "A",
    "0",
    "aA0",
    "a ",
    "ab",
    " ",
    "_",
    "-",
    ".",
    "/",
    "=",
    '"',
    "\n",
    ":",
    ",",
)
_LENGTHS: Final = (18, 20, 22, 24, 64, 256, 512, 1_024, WINDOW)
_LITERALS_MAX: Final = 24


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield matches in the first `TEXT_MAX` characters; in long texts each is found in a window."""
    end = min(len(text), TEXT_MAX)
    if end <= WINDOW:
        yield from pattern.finditer(text, 0, end)
        return
    step = WINDOW - MATCH_MAX
    for start in range(0, end, step):
        stop = min(end, start + WINDOW)
        for match in pattern.finditer(text, start, stop):
            if match.start() < start + step or stop == end:
                yield match
        if stop == end:
            return


def search(scan: Scan, pattern: re.Pattern[str]) -> None:
    """Note what a pattern finds: its group `secret`, or all of a match."""
    group = "secret" if "secret" in pattern.groupindex else 0
    for match in matches(pattern, scan.text):
        first, last = match.span(group)
        if last > first and not harmless.is_marked(match.group(group)):
            scan.add(first, last, "secret", "policy-pattern")


def probes(pattern: str) -> Iterator[str]:
    """Texts on which a pattern that backtracks is slow, the short ones first.

    Runs of what patterns repeat over, and of the pattern's own characters, with an end that does
    not match.
    """
    literals = sorted(set(pattern), key=lambda char: (char.isalnum(), char))
    units = dict.fromkeys((*_UNITS, *literals[:_LITERALS_MAX]))
    for length in _LENGTHS:
        for unit in units:
            yield (unit * length)[:length] + "\x00"


def compiled(policy: Policy) -> tuple[re.Pattern[str], ...]:
    """Compile the operator's patterns, in their order.

    Raises:
        ConfigError: A pattern is broken, or there are too many.
    """
    if len(policy.patterns) > EXTRA_PATTERNS_MAX:
        raise ConfigError(f"redaction.patterns: more than {EXTRA_PATTERNS_MAX}: join some with |")
    compiled = []
    for name, pattern in policy.patterns:
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise ConfigError(f"redaction.patterns: {name}: {error.msg}: mend it") from None
    return tuple(compiled)
