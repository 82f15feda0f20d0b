"""Patterns of `[redaction]` that could stop the loop are refused before they are used."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from bridge.clock import Clock, ProcessorClock
from bridge.core.errors import ConfigError
from bridge.redact.patterns import probes

# Seconds of computing that a search may take in one window. One unbounded repetition takes 20 ms on
# a slow machine where it is hardest, two that overlap take seconds.
PATTERN_S_MAX = 0.1
# A search of b**n steps in n characters takes PATTERN_S_MAX at about 10**6 steps, whatever b is; in
# a text longer by a twelfth it takes three times as long. So it is found out while it still ends.
PROBE_CHARS_FIRST = 19
PROBE_GROWTH = 13 / 12
# What grows by powers of two shows before this length; what is left grows by a power of the length,
# and half as much text again costs it a few times as much.
PROBE_CHARS_LONG = 96
PROBE_GROWTH_LONG = 1.5


def refuse_slow_patterns(
    patterns: Sequence[str], place: Callable[..., str] | None = None, clock: Clock | None = None
) -> None:
    """Time each pattern on texts that are hard for it (`redact.patterns`).

    Upstream chooses the texts, and a slow pattern would block the event loop.

    Raises:
        ConfigError: A pattern is too slow.
    """
    clock = ProcessorClock() if clock is None else clock
    for number, pattern in enumerate(patterns):
        compiled = re.compile(pattern)
        for probe in _growing(probes(pattern)):
            spent_s = min(_spent_s(compiled, probe, clock, PATTERN_S_MAX))
            if spent_s > PATTERN_S_MAX:
                where = f"{place('redaction', 'patterns', number)}: " if place is not None else ""
                raise ConfigError(
                    f"{where}redaction.patterns[{number}] {pattern!r}: {1e3 * spent_s:.0f} ms for a"
                    f" text of {len(probe)} characters: do not nest repetitions, and bound them:"
                    " {1,64} instead of +"
                )


def _growing(texts: Iterable[str]) -> Iterator[str]:
    """The longest of the texts, cut to each length in turn, all of one length before the next.

    Their last character, which ends what a pattern repeats over, stays the last.
    """
    whole = list(texts)
    longest = max(map(len, whole), default=0)
    whole = [text for text in whole if len(text) == longest]
    length = PROBE_CHARS_FIRST
    while length < longest:
        yield from (text[: length - 1] + text[-1] for text in whole)
        is_long = length >= PROBE_CHARS_LONG
        length = math.ceil(length * (PROBE_GROWTH_LONG if is_long else PROBE_GROWTH))
    yield from whole


def _spent_s(pattern: re.Pattern[str], text: str, clock: Clock, enough_s: float) -> Iterator[float]:
    """Seconds of a search: once if it was fast, else a few times, for caches may be cold."""
    for _ in range(3):
        begin = clock.monotonic()
        for _match in pattern.finditer(text):
            pass
        spent_s = clock.monotonic() - begin
        yield spent_s
        if spent_s <= enough_s or spent_s > 5 * enough_s:
            return
