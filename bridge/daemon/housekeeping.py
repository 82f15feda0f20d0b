"""What the daemon does beside following: remembers request windows, drops old records, watches
tokens, and brings gauges up to date.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from bridge.clock import Clock
from bridge.config import TokenProvider
from bridge.core.errors import JournalUnavailableError
from bridge.daemon.accounts import Accounts
from bridge.daemon.follows import Follows
from bridge.journal.port import OwnedJournal
from bridge.metrics import Metrics
from bridge.wire import times
from bridge.wire.jsontext import JsonError, dumps, loads

TICK_S = 1.0  # windows are stored and tokens looked at this often
HELD_BYTES_TOLD = 16 * 1024 * 1024  # of the write-ahead log; `export` holds some for a moment
RETAIN_S = 60.0  # between two looks for records to drop
LOOP_LAG_S = 0.5  # length of the sleep whose lateness is measured
_WINDOWS = "windows"  # name of the checkpoint: account -> memory of its source

log = structlog.get_logger()


async def stored_memories(journal: OwnedJournal) -> dict[str, Any]:
    """What the sources of a predecessor stored, by account: see `MogplexSource.recall`.

    Zero 429 over a restart rests on it (0016-design.md D4, scheduler.md 6), and who is heard
    first. Empty when there is none.
    """
    stored = await journal.checkpoint(_WINDOWS)
    try:
        saved = loads(stored) if stored is not None else {}
    except JsonError:
        return {}
    return saved if isinstance(saved, dict) else {}


class Housekeeping:
    """Small periodic duties. Each method that runs for ever is one task."""

    def __init__(
        self,
        journal: OwnedJournal,
        accounts: Accounts,
        follows: Follows,
        metrics: Metrics,
        clock: Clock,
        *,
        protect: Callable[[list[str]], None],
    ) -> None:
        """`protect` is told the tokens in use, for the redactor to know them by heart."""
        self._protect = protect
        self._journal = journal
        self._accounts = accounts
        self._sources = accounts.sources
        self._follows = follows
        self._metrics = metrics
        self._clock = clock
        self._saved: bytes | None = None
        self._saving = asyncio.Lock()
        self.retention = (0.0, 0)  # age in seconds, bytes; 0 is no limit
        # By account: the token in use, its generation, how often it was put there.
        self._known: dict[str, tuple[TokenProvider, int, int]] = {}
        self._suspended: set[str] = set()  # accounts of which the log says so
        self._warned: dict[str, str | None] = {}
        self._waited: dict[tuple[str, str], float] = {}
        self.accounts_changed()

    async def run(self) -> None:
        """Store request windows, notice new tokens, tell of trouble, once a second."""
        while True:
            self._look_at_tokens()
            self._follows.log_trouble()
            await self.save_windows()
            await asyncio.sleep(TICK_S)

    async def save_windows(self) -> None:
        """Store what a successor must know of the last minute's requests; skip a full disk.

        A burst of requests waits for this: a kill just after it must not have a successor send
        them once more.
        """
        async with self._saving:
            value = dumps({name: source.memory() for name, source in self._sources.items()})
            if value == self._saved:
                return
            try:
                await self._journal.append((), checkpoints=((_WINDOWS, value),))
            except JournalUnavailableError:
                return  # the intake tells; a second later it is tried again
            self._saved = value

    async def retain(self) -> None:
        """Drop what is older or more than `retention` asks for, for ever."""
        while True:
            await asyncio.sleep(RETAIN_S)
            age_s, bytes_max = self.retention
            try:
                done = await self._journal.retain(
                    older_than_s=age_s or None,
                    bytes_max=bytes_max or None,
                    now_s=self._clock.wall(),
                )
                if done.held_bytes > HELD_BYTES_TOLD:
                    log.warning("journal.log_held", bytes=done.held_bytes)
            except JournalUnavailableError as error:
                log.warning("journal.retention_failed", reason=str(error))

    async def measure_loop(self) -> None:
        """How late a sleep ends is how long the event loop was busy with something else."""
        while True:
            started = self._clock.monotonic()
            await asyncio.sleep(LOOP_LAG_S)
            late_s = self._clock.monotonic() - started - LOOP_LAG_S
            self._metrics.event_loop_lag_seconds.observe(max(0.0, late_s))

    def _look_at_tokens(self) -> None:
        for account in self._accounts.resolved:
            account.tokens.token()  # reads a changed file
            warning = account.tokens.warning
            if warning != self._warned.get(account.name):
                self._warned[account.name] = warning
                if warning is not None:
                    log.warning("token.warned", account=account.name, reason=warning)
            tokens, generation, touched = self._known.get(account.name, (None, 0, 0))
            if tokens is not account.tokens:  # the configuration was read again
                self.accounts_changed()
            elif generation != account.tokens.generation:
                log.info("token.replaced", account=account.name)
                self.accounts_changed()
                self._sources[account.name].account.token_replaced()
            elif touched != account.tokens.touched:
                self.accounts_changed()
                self._sources[account.name].ask_again()
            self._tell_suspended(account.name)

    def _tell_suspended(self, name: str) -> None:
        credential = self._sources[name].account.credential
        if credential.suspended_since is not None and name not in self._suspended:
            self._suspended.add(name)
            retry_s = max(0.0, credential.retry_at - self._clock.monotonic())
            log.error("token.suspended", account=name, retry_in_s=round(retry_s))
        elif credential.suspended_since is None and name in self._suspended:
            self._suspended.discard(name)
            if credential.was_accepted:
                log.info("token.revived", account=name)

    def accounts_changed(self) -> None:
        """Take note of the accounts and their tokens as they are now."""
        accounts = self._accounts.resolved
        self._known = {a.name: (a.tokens, a.tokens.generation, a.tokens.touched) for a in accounts}
        self._protect([account.tokens.token() for account in accounts])

    def account_checks(self) -> dict[str, Mapping[str, Any]]:
        """One check per account: an outage shows here and nowhere else."""
        return {f"account {name}": self._account_check(name) for name in self._sources}

    def _account_check(self, name: str) -> Mapping[str, Any]:
        account = self._sources[name].account
        state = account.scheduler.snapshot(self._clock.monotonic())
        trouble = self._follows.trouble_of(name)
        credential, now = account.credential, self._clock.monotonic()
        detail = "token accepted" if credential.was_accepted else "nothing asked so far"
        if credential.suspended_since is not None and credential.refused_since is not None:
            since = times.rfc3339(self._clock.wall() - (now - credential.refused_since))
            retry_s = max(0.0, credential.retry_at - now)
            detail = f"the token is refused since {since}; asked again in {retry_s:.0f} s"
        elif trouble is not None:
            count, _, failure = trouble
            detail = f"{count} runs fail: {failure.code}: {failure.message}"
        given_up = self._follows.given_up_count(name)
        if given_up:
            detail += f"; {given_up} runs are given up"
        return {
            "ok": credential.suspended_since is None and trouble is None,
            "detail": detail,
            "windowRequests": state.used,
            "budgetRequests": state.cap,
            "refusals": state.refused_count,
            "foreignRequests": round(state.foreign, 1),
            "givenUpRuns": given_up,
        }

    def set_metrics(self, *, is_writable: bool) -> None:
        """Bring the gauges up to date; called when somebody reads them."""
        metrics, now, wall = self._metrics, self._clock.monotonic(), self._clock.wall()
        for name, source in self._sources.items():
            state = source.account.scheduler.snapshot(now)
            metrics.rate_limit_window_requests.labels(name).set(state.used)
            metrics.rate_limit_budget_requests.labels(name).set(state.cap)
            until = state.blocked_until
            metrics.rate_limit_blocked_until_timestamp_seconds.labels(name).set(
                wall + until - now if until else 0.0
            )
            is_suspended = source.account.credential.suspended_since is not None
            metrics.token_suspended.labels(name).set(is_suspended)
            oldest = wall - state.age_max_s if state.followed else 0.0
            metrics.oldest_poll_timestamp_seconds.labels(name).set(oldest)
            self._add_waits(name, "budget", state.waited_budget_s)
            self._add_waits(name, "retry_after", state.waited_retry_after_s)
        self._follows.set_metrics()
        stats = self._journal.stats()
        if stats.records is not None:
            metrics.journal_records.set(stats.records)
        metrics.journal_bytes.set(stats.bytes + stats.wal_bytes)
        metrics.journal_head_sequence.set(self._journal.head)
        metrics.journal_writable.set(is_writable)

    def _add_waits(self, account: str, reason: str, total_s: float) -> None:
        key = (account, reason)
        added = total_s - self._waited.get(key, 0.0)
        self._waited[key] = total_s
        self._metrics.rate_limit_wait_seconds_total.labels(account, reason).inc(max(0.0, added))
