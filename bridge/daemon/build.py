"""Builds out of settings what `serve`, `follow` and a reload use: settings stop in this room."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.clock import Clock
from bridge.config import ResolvedAccount
from bridge.config.model import Redaction
from bridge.config.slow_patterns import refuse_slow_patterns
from bridge.core.errors import ConfigError
from bridge.daemon.accounts import Accounts
from bridge.daemon.follows import FEEDS_MAX, Follows
from bridge.daemon.holding import Everything
from bridge.daemon.memories import Memories
from bridge.intake import Intake
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.redact import Policy, Redactor
from bridge.sources.port import Means, Source
from bridge.systems import kind_of, systems

Place = Callable[..., str]  # the path of a key in; where it was set out (`Loaded.place`)

FINGERPRINT_KEY_BYTES = 32  # at least; half of it would do (decision 0009)


@dataclass(frozen=True, slots=True)
class Following:
    """The way in: accounts, the feeds that are followed on them, and who writes for them."""

    intake: Intake
    follows: Follows
    accounts: Accounts
    memories: Memories


def build_following(  # noqa: PLR0913 - all by name but what everything is made of
    journal: Journal,
    redactor: Redactor,
    metrics: Metrics,
    clock: Clock,
    *,
    default_account: str,
    feeds_max: int = FEEDS_MAX,
    log_ends: bool = True,
    held: Everything | None = None,
    jitter: Callable[[], float] = random.random,
    connector: Callable[[], Any] | None = None,
    is_shared: bool = False,
) -> Following:
    """Without accounts yet: they come by `Accounts.change`. `connector`, `is_shared` as in `Means`.
    `held`: what this process follows, None is all.
    """
    sources: dict[str, Source] = {}
    held = held or Everything()
    intake = Intake(journal, redactor, metrics, clock, fence_of=held.fence_of)
    follows = Follows(
        sources,
        intake,
        clock,
        held,
        kind_of=kind_of,
        default_account=default_account,
        feeds_max=feeds_max,
        log_ends=log_ends,
    )
    memories = Memories(journal, sources, held, must_store=is_shared)
    means = Means(
        clock=clock,
        metrics=metrics,
        redact=redactor.text,
        jitter=jitter,
        discovered=follows,
        store=memories.store,
        learnt={},
        connector=connector,
        is_shared=is_shared,
    )

    def build(account: ResolvedAccount) -> Source:
        return build_source(account, means)

    accounts = Accounts(build, sources, follows, metrics, held)
    return Following(intake, follows, accounts, memories)


def build_source(account: ResolvedAccount, means: Means) -> Source:
    """What follows the feeds of one account."""
    return systems()[account.settings.system].source(account, means)


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
