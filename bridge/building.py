"""Builds what `serve` and `follow` share out of settings: settings stop here and in app.py."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from bridge.clock import Clock
from bridge.config import ResolvedAccount
from bridge.config.model import Account, Redaction
from bridge.core.errors import ConfigError
from bridge.core.redact import Policy, Redactor
from bridge.core.schedule import Scheduler
from bridge.metrics import Metrics
from bridge.sources.account import Account as Gate
from bridge.sources.features import Features
from bridge.sources.http import HttpSession
from bridge.sources.mogplex import MogplexApi
from bridge.sources.source import MogplexSource

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


def build_redactor(settings: Redaction) -> Redactor:
    """The engine with the operator's additions. Raises ConfigError."""
    return Redactor(build_policy(settings))


def build_policy(settings: Redaction) -> Policy:
    """What `[redaction]` says, as the engine wants it. Raises ConfigError."""
    key: bytes | None = None
    if settings.fingerprint_key_file is not None:
        path = Path(settings.fingerprint_key_file)
        try:
            key = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"redaction.fingerprint_key_file {path}: {reason}") from None
        if len(key) < 32:
            raise ConfigError(
                f"redaction.fingerprint_key_file {path}: {len(key)} bytes: make one of 32 with "
                "head -c 32 /dev/urandom"
            )
    patterns = tuple((f"custom_{n}", text) for n, text in enumerate(settings.patterns, 1))
    return Policy(
        keys=tuple(settings.keys),
        patterns=patterns,
        keep=tuple(settings.keep),
        off=frozenset(settings.off),
        fingerprint_key=key,
    )
