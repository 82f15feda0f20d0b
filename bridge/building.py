"""Builds what `serve` and `follow` share out of settings: settings stop here and in app.py."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bridge.clock import Clock, SystemClock
from bridge.config import ResolvedAccount
from bridge.config.model import Account, Redaction
from bridge.core.errors import ConfigError
from bridge.core.redact import Policy, Redactor
from bridge.core.redact.patterns import probes
from bridge.core.schedule import Scheduler
from bridge.metrics import Metrics
from bridge.sources.account import Account as Gate
from bridge.sources.features import Features
from bridge.sources.http import HttpSession
from bridge.sources.mogplex import MogplexApi
from bridge.sources.source import MogplexSource

Place = Callable[..., str]  # the path of a key in; where it was set out (`Loaded.place`)

# Seconds a search may take at most in one window of a text. One unbounded repetition takes 20 ms on
# a slow machine where it is hardest, two that overlap take seconds.
PATTERN_S_MAX = 0.1
# A search of b**n steps in n characters takes PATTERN_S_MAX at about 10**6 steps, whatever b is; in
# a text longer by a twelfth it takes three times as long. So it is found out while it still ends.
PROBE_CHARS_FIRST = 19
PROBE_GROWTH = 13 / 12
FINGERPRINT_KEY_BYTES = 32  # at least; half of it would do (decision 0009)
WINDOW_REQUESTS = 60  # what upstream lets a token do in 60 s (contracts.md 1.11)


def build_sources(
    accounts: list[ResolvedAccount], redactor: Redactor, metrics: Metrics, clock: Clock
) -> dict[str, MogplexSource]:
    """One source per account, by name. Accounts of one base URL share what is learnt about it."""
    features: dict[str, Features] = {}
    return {
        account.name: build_source(
            account, redactor, metrics, clock, features.setdefault(account.base_url, Features())
        )
        for account in accounts
    }


def pace(settings: Account) -> tuple[int, int]:
    """Places in the token's rolling minute, and how many of them polls leave alone."""
    limit = max(WINDOW_REQUESTS, settings.requests_per_minute)
    reserve = max(limit - settings.requests_per_minute, settings.reserve)
    return limit, min(limit - 1, reserve)


def build_source(
    resolved: ResolvedAccount,
    redactor: Redactor,
    metrics: Metrics,
    clock: Clock,
    features: Features,
) -> MogplexSource:
    """What follows the runs of one account; `features` is shared by those of one base URL."""
    settings = resolved.settings
    limit, reserve = pace(settings)
    scheduler: Scheduler[str] = Scheduler(
        limit=limit,
        reserve=reserve,
        min_interval=settings.min_interval,
        q=settings.q,
        ra_cap=settings.ra_cap,
    )
    account = Gate(
        resolved.name,
        scheduler,
        clock=clock,
        metrics=metrics,
        jitter=random.random,
    )
    api = MogplexApi(HttpSession(resolved.base_url, resolved.tokens.token), redactor.text)
    return MogplexSource(account, api, features, clock=clock, may_stream=settings.stream)


async def close_sources(sources: Mapping[str, MogplexSource]) -> None:
    for source in sources.values():
        await source.api.http.close()


def build_redactor(settings: Redaction, place: Place | None = None) -> Redactor:
    """The engine with the operator's additions. Raises ConfigError."""
    return Redactor(build_policy(settings, place))


def build_policy(settings: Redaction, place: Place | None = None) -> Policy:
    """What `[redaction]` says, as the engine wants it; `place` tells where a key stands.

    Raises ConfigError.
    """
    refuse_slow_patterns(settings.patterns, place)
    key: bytes | None = None
    if settings.fingerprint_key_file is not None:
        key = _fingerprint_key(settings.fingerprint_key_file, place)
    patterns = tuple((f"custom_{n}", text) for n, text in enumerate(settings.patterns, 1))
    return Policy(
        keys=tuple(settings.keys),
        patterns=patterns,
        keep=tuple(settings.keep),
        off=frozenset(settings.off),
        fingerprint_key=key,
    )


def _fingerprint_key(name: str, place: Place | None) -> bytes:
    where = _where(place, "fingerprint_key_file") + f"redaction.fingerprint_key_file {name}"
    try:
        key = Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{where}: {(error.strerror or str(error)).lower()}") from None
    if len(key) < FINGERPRINT_KEY_BYTES:
        raise ConfigError(f"{where}: {len(key)} bytes: make one of 32 with head -c 32 /dev/urandom")
    return key


def _where(place: Place | None, *path: str | int) -> str:
    return f"{place('redaction', *path)}: " if place is not None else ""


def refuse_slow_patterns(
    patterns: Sequence[str], place: Place | None = None, clock: Clock | None = None
) -> None:
    """Time each pattern on texts that are hard for it (`core.redact.patterns`).

    A text of upstream's choice must not stop the loop. Raises ConfigError.
    """
    clock = SystemClock() if clock is None else clock
    for number, pattern in enumerate(patterns):
        compiled = re.compile(pattern)
        for probe in _growing(probes(pattern)):
            spent_s = min(_spent_s(compiled, probe, clock, PATTERN_S_MAX))
            if spent_s > PATTERN_S_MAX:
                where = _where(place, "patterns", number)
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
        length = math.ceil(length * PROBE_GROWTH)
    yield from whole


def _spent_s(pattern: re.Pattern[str], text: str, clock: Clock, enough_s: float) -> Iterator[float]:
    """Seconds of a search: once if it was fast, else a few times, for the machine may be busy."""
    for _ in range(3):
        begin = clock.monotonic()
        for _match in pattern.finditer(text):
            pass
        spent_s = clock.monotonic() - begin
        yield spent_s
        if spent_s <= enough_s or spent_s > 5 * enough_s:
            return
