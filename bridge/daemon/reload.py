"""SIGHUP: the configuration is read again and taken over without a stop.

Two steps. `prepare` reads and checks everything that can be wrong (the file, tokens, redaction,
`[auth]`) and changes nothing. `apply` takes it over; only an output that cannot be opened can still
refuse it, and so outputs come first. What only a start can change is told and left as it is. After
a reload the bridge is as a restart with that file would make it, but for three things: runs taken
out of a list are no longer followed, nobody was disconnected, and nothing was fetched again.
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

# Keys that only a start takes over.
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

Load = Callable[[], Loaded]  # reads file, environment and flags as at the start


@dataclass(frozen=True, slots=True)
class Prepared:
    """Checked, and ready to be taken over."""

    settings: Settings
    place: Callable[..., str]  # where a key was set (`Loaded.place`)
    accounts: list[ResolvedAccount]
    redactor: Redactor
    tokens: Tokens | None
    certificates: Certificates | None


def prepare(load: Load) -> Prepared:
    """Read and check. Raises ConfigError; nothing has changed then. May block on files."""
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
    """`prepare`, where a bug is a refusal too: nothing has changed, and people read what there is.

    Raises ConfigError.
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
    """Take over what can be; return the settings that now hold.

    Raises ConfigError when an output cannot be opened; everything is then as before.
    """
    settings, kept = _with_what_stays(prepared.settings, old)
    try:
        await running.sinks.change(settings.outputs)
    except OutputRefusedError as error:
        place = prepared.place("outputs", settings.outputs.index(error.output), "path")
        raise ConfigError(f"{place}: {error}") from None
    logs.configure(
        running.redactor.twin().value, level=settings.log.level, form=settings.log.format
    )
    running.redactor.adopt(prepared.redactor)
    # Old ones too: until the accounts have changed both are in use.
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
    """The new settings with the running values of what only a start can change, and those."""
    kept: list[tuple[str, Any, Any]] = []
    for key in AT_START:
        table, _, name = key.rpartition(".")
        held, wanted = (getattr(s, table) if table else s for s in (old, new))
        now, then = getattr(held, name), getattr(wanted, name)
        if now != then:
            kept.append((key, now, then))
            wanted = wanted.model_copy(update={name: now})
            new = new.model_copy(update={table: wanted}) if table else wanted
    for key in ("auth", "tls"):  # their contents may change, not whether they are there
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
