"""Builds the parts of `serve`, `follow` and a reload from settings.

No room below this one sees the settings objects.
"""

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

Place = Callable[..., str]  # key path -> where it was set (`Loaded.place`)

FINGERPRINT_KEY_BYTES = 32  # minimum; 16 would be enough (decision 0009)


@dataclass(frozen=True, slots=True)
class Following:
    """The inbound side: accounts, the feeds that are followed on them, and their intake."""

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
    """Build the inbound side without accounts; `Accounts.change` adds them.

    Args:
        journal: Stores the records and the state of each feed.
        redactor: Removes secrets before a record is stored.
        metrics: The registry of this process.
        clock: The source of time.
        default_account: The account that is meant where none is named.
        feeds_max: Feeds that may be followed at the same time.
        log_ends: Whether to log how each follow ended.
        held: The accounts that this process follows; None is all.
        jitter: Returns a random number from 0 up to 1, for waits.
        connector: As in `Means`.
        is_shared: As in `Means`.
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
    """Build the source that follows the feeds of one account."""
    return systems()[account.settings.system].source(account, means)


def build_redactor(
    settings: Redaction, place: Place | None = None, *, compile_later: bool = False
) -> Redactor:
    """Build the redaction engine with the operator's additions.

    Args:
        settings: The `[redaction]` table.
        place: Returns where a key was set, for errors.
        compile_later: As in `Redactor`.

    Raises:
        ConfigError: A pattern is invalid or slow, or the key file cannot be used.
    """
    return Redactor(build_policy(settings, place), compile_later=compile_later)


def build_policy(settings: Redaction, place: Place | None = None) -> Policy:
    """Translate `[redaction]` into the engine's policy.

    Args:
        settings: The `[redaction]` table.
        place: Returns where a key was set, for errors.

    Raises:
        ConfigError: A pattern is invalid or slow, or the key file cannot be used.
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
