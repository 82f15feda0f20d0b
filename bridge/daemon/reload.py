"""SIGHUP: reads the configuration again and applies it without a stop.

A reload has two steps. `prepare` reads and checks everything that can be wrong (the file, tokens,
redaction, `[auth]`) and changes nothing. `apply` takes the settings over; only an output that
cannot be opened can still refuse them, so outputs come first. Settings that need a restart are
reported and keep their values. Otherwise a reload has the effect of a restart, with three
differences: runs removed from a list are no longer followed, clients stay connected, and nothing is
fetched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bridge import log as logs
from bridge.config import Loaded, ResolvedAccount, Settings, flat, resolve_accounts
from bridge.config.explain import dotted
from bridge.core.errors import ConfigError
from bridge.daemon.build import build_redactor
from bridge.daemon.listed import list_changes
from bridge.daemon.running import Running
from bridge.daemon.serving import build_certificates, read_tokens
from bridge.daemon.sinks import OutputRefusedError
from bridge.log import get_logger
from bridge.outputs.http.certificates import Certificates
from bridge.outputs.http.tokens import Tokens
from bridge.redact import Redactor

log = get_logger()

# Keys that need a restart.
AT_START = (
    "listen",
    "journal",
    "journal_credentials_file",
    "limits.recent_bytes",
    "server.workers",
    "gateway.enabled",
    "gateway.follow",
    "gateway.cache",
)

Load = Callable[[], Loaded]  # reads file, environment and flags as a start does


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked configuration, ready to be applied."""

    settings: Settings
    place: Callable[..., str]  # where a key was set (`Loaded.place`)
    accounts: list[ResolvedAccount]
    redactor: Redactor
    tokens: Tokens | None
    certificates: Certificates | None


def prepare(load: Load) -> Prepared:
    """Read and check the configuration; change nothing. May block on files.

    Raises:
        ConfigError: The configuration, or a file that it names, cannot be used.
    """
    loaded = load()
    settings = loaded.settings
    accounts = resolve_accounts(settings, place=loaded.place)
    redactor = build_redactor(settings.redaction, loaded.place)
    with loaded.telling("auth", "tokens_file"):
        tokens = read_tokens(settings)
    with loaded.telling("tls"):
        certificates = build_certificates(settings)
    return Prepared(settings, loaded.place, accounts, redactor, tokens, certificates)


def prepared_or_refused(load: Load) -> Prepared:
    """Run `prepare` and report a bug as a refusal too, because nothing has changed.

    Raises:
        ConfigError: The configuration cannot be used, or `prepare` crashed.
    """
    try:
        return prepare(load)
    except ConfigError:
        raise
    except Exception as error:
        log.exception("config.check_crashed")
        what = type(error).__name__
        raise ConfigError(f"a bug in this program ({what}); its log has the cause") from error


async def apply(prepared: Prepared, old: Settings, running: Running) -> Settings:
    """Apply what a reload can change.

    Returns:
        The settings that are now in force.

    Raises:
        ConfigError: An output cannot be opened; everything is as before.
    """
    settings, kept = _with_what_stays(prepared.settings, old)
    try:
        await running.sinks.change(settings.outputs)
    except OutputRefusedError as error:
        index = settings.outputs.index(error.output)
        place = prepared.place("outputs", index, error.output.name_key)
        raise ConfigError(f"{place}: {error}") from None
    logs.configure(
        running.redactor.twin().value, level=settings.log.level, form=settings.log.format
    )
    running.redactor.adopt(prepared.redactor)
    # Old tokens too: both are in use until the accounts have changed.
    both = [*running.accounts.resolved, *prepared.accounts]
    running.redactor.protect([account.tokens.token() for account in both])
    running.follows.feeds_max = settings.limits.runs
    await running.accounts.change(prepared.accounts)
    running.follows.set_default_account(settings.default_account.name)
    running.tokens.look()
    running.upkeep.retention = settings.retention.age, settings.retention.bytes
    running.adopt(settings)
    running.server.change_certificates(prepared.certificates)
    if running.access is not None and prepared.tokens is not None:
        running.access.change(prepared.tokens, open_metrics=settings.metrics.open)
    await running.listed.take(list_changes(old, settings))
    changed = [dotted(path) for path in _changes(old, settings)]
    log.info("config.reloaded", changed=changed or "nothing")
    for key, now, wanted in kept:
        log.warning("config.restart_needed", key=key, running=now, configured=wanted)
    return settings


def _with_what_stays(new: Settings, old: Settings) -> tuple[Settings, list[tuple[str, Any, Any]]]:
    """The settings to apply, and the changes that need a restart.

    Returns:
        The new settings with the running values of keys that need a restart, and for each such key
        its path, its running value and the wanted value.
    """
    kept: list[tuple[str, Any, Any]] = []
    for key in AT_START:
        table, _, name = key.rpartition(".")
        held, wanted = (getattr(s, table) if table else s for s in (old, new))
        now, then = getattr(held, name), getattr(wanted, name)
        if now != then:
            kept.append((key, now, then))
            wanted = wanted.model_copy(update={name: now})
            new = new.model_copy(update={table: wanted}) if table else wanted
    for key in ("auth", "tls"):  # their contents may change, not their presence
        now, then = getattr(old, key), getattr(new, key)
        if (now is None) != (then is None):
            kept.append((key, *(("off", "on") if now is None else ("on", "off"))))
            new = new.model_copy(update={key: now})
    return new, kept


def _changes(old: Settings, new: Settings) -> Iterator[tuple[str | int, ...]]:
    before, after = dict(flat(old)), dict(flat(new))
    for path in {**before, **after}:
        if (path in before) != (path in after) or before.get(path) != after.get(path):
            yield path
