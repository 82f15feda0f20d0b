"""Builds what `serve` and `follow` share out of settings: settings stop here and in app.py."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.clock import Clock
from bridge.config import ResolvedAccount
from bridge.config.model import Account, Redaction
from bridge.config.slow_patterns import refuse_slow_patterns
from bridge.core.errors import ConfigError
from bridge.core.pace.schedule import Scheduler
from bridge.metrics import Metrics
from bridge.redact import Policy, Redactor
from bridge.sources.gate import Account as Gate
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import MogplexApi
from bridge.sources.mogplex.features import Features
from bridge.sources.mogplex.source import MogplexSource

Place = Callable[..., str]  # the path of a key in; where it was set out (`Loaded.place`)

FINGERPRINT_KEY_BYTES = 32  # at least; half of it would do (decision 0009)
WINDOW_REQUESTS = 60  # what upstream lets a token do in 60 s (mogplex.md 1.11)


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
