"""The daemon: the only place that knows all concrete classes. Builds, starts, stops.

Start: journal, intake, outputs, server (not ready), follows, ready. Stop: not ready, no new
clients, follows cancelled, outputs and subscribers get what is committed, journal closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from bridge.clock import Clock, SystemClock
from bridge.config import ResolvedAccount, Settings
from bridge.core.errors import ConfigError, JournalError, JournalUnavailableError
from bridge.daemon.accounts import Accounts
from bridge.daemon.follows import Follows
from bridge.daemon.housekeeping import Housekeeping, stored_memories
from bridge.daemon.reload import Load, RunChanges, Running, apply, prepared_or_refused, read_tokens
from bridge.daemon.run_lists import to_run_text, watch
from bridge.daemon.serving import Parts, build_certificates, build_policy, build_server
from bridge.daemon.sinks import Sinks, sink_name
from bridge.daemon.supervisor import run_rings, stop_on_signals
from bridge.daemon.systemd import Notifier
from bridge.intake import JournalIntake
from bridge.journal.opening import open_journal
from bridge.journal.port import OwnedJournal
from bridge.metrics import Metrics
from bridge.outputs.http.token_access import TokenAccess
from bridge.outputs.port import InvalidRunIdError, TooManyRunsError, UnknownAccountError
from bridge.redact import RULES, Redactor

log = structlog.get_logger()

FULL_WAIT_S = 10.0  # between two tries to add a listed run while the journal is full
# A reload is told as done when its lists hold too; 10,000 runs take some seconds.
LISTED_WAIT_S = 10.0


class Bridge:
    """One running daemon. `run` is its whole life."""

    def __init__(
        self,
        settings: Settings,
        accounts: Sequence[ResolvedAccount],
        redactor: Redactor,
        *,
        runs_from: str | None = None,
        load: Load | None = None,
        notifier: Notifier | None = None,
        on_ready: Callable[[str, int], None] = lambda _host, _port: None,
    ) -> None:
        """`load` reads the configuration again at SIGHUP; without it files are only reopened.

        `on_ready` is called once with the address that is served.
        """
        self._settings = settings
        self._accounts = list(accounts)
        self._redactor = redactor
        self._runs_from = runs_from
        self._load = load
        self._notifier = notifier or Notifier(None)
        self._on_ready = on_ready
        self._clock = SystemClock()
        self._stop = asyncio.Event()
        self._is_ready = False
        self._is_refused = False  # the newest configuration
        self.ready = asyncio.Event()  # set once, when it serves
        self._hangup = asyncio.Event()  # SIGHUP: somebody wants the configuration read again
        # Listed runs to follow, those without an account to leave; at most what a 1 MiB file holds.
        self._listed: asyncio.Queue[tuple[str, str | None]] = asyncio.Queue()
        sink_names = [sink_name(output) for output in settings.outputs]
        self.metrics = Metrics([a.name for a in accounts], sink_names, rules=RULES)

    def stop(self) -> None:
        """Ask for an orderly stop."""
        self._stop.set()

    @property
    def runs(self) -> Follows:
        """The followed runs, once `ready`."""
        return self._follows

    async def run(self, *, handle_signals: bool = True) -> None:
        """Serve until stopped. Raises ConfigError, JournalError and what a bug raises."""
        if handle_signals:  # first of all: SIGHUP ends a process that does not know it
            stop_on_signals(self._stop, on_hangup=self._hangup.set, on_reopen=self._reopen)
        journal = await open_journal(
            self._settings.journal,
            recent_bytes_max=self._settings.limits.recent_bytes,
            clock=self._clock,
        )
        try:
            await self._run(journal)
        finally:
            await journal.close()

    async def _run(self, journal: OwnedJournal) -> None:
        self._build(journal)
        try:
            await self._start()
            await run_rings(self._inner(), self._outer(), self._stop, drain=self._drain)
        finally:
            self._is_ready = False
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sinks.close(), name="close outputs")
                group.create_task(self._server.close(), name="close server")
            with suppress(JournalError):  # a successor then assumes the worst
                await self._house.save_windows()
            await self._accounts_in_use.close()
            if self.ready.is_set():
                log.info("bridge.stopped", head=journal.head)

    def _build(self, journal: OwnedJournal) -> None:
        settings, clock, metrics = self._settings, self._clock, self.metrics
        self._journal = journal
        self._intake = JournalIntake(journal, self._redactor, metrics, clock)
        self._accounts_in_use = Accounts(self._accounts, self._redactor, metrics, clock)
        self._follows = Follows(
            self._accounts_in_use.sources,
            self._intake,
            metrics,
            clock,
            default_account=settings.default_account.name,
            requests_per_minute=self._accounts_in_use.requests_per_minute,
            runs_max=settings.limits.runs,
        )
        self._intake.on_change = self._follows.state_changed
        self._sinks = Sinks(journal, metrics, clock, on_end=self.stop)
        self._house = Housekeeping(
            journal,
            self._accounts_in_use,
            self._follows,
            metrics,
            clock,
            protect=self._redactor.protect,
        )
        self._accounts_in_use.store = self._house.save_windows
        self._house.retention = settings.retention.age, settings.retention.bytes
        self._access = _access(settings, clock)
        parts = Parts(
            journal, self._follows, self, metrics, self._render_metrics, self._redactor, clock
        )
        policy = build_policy(settings)
        self._server = build_server(parts, access=self._access, policy=policy)

    async def _start(self) -> None:
        certificates = build_certificates(self._settings)  # first: it is wrong more often than full
        sources = self._accounts_in_use.sources
        for name, memory in (await stored_memories(self._journal)).items():
            if name in sources:
                sources[name].recall(memory)
        self._follows.restore(await self._journal.wishes(), await self._journal.states())
        await self._sinks.open(self._settings.outputs)
        await self._follow_configured()
        host, port = await self._server.start(*self._settings.listen_address, certificates)
        self._is_ready = True
        self.ready.set()
        log.info("bridge.ready", listen=f"{host}:{port}", head=self._journal.head)
        self._notifier.ready(self._status())
        self._on_ready(host, port)

    def _inner(self) -> dict[str, Callable[[], Any]]:
        tasks: dict[str, Callable[[], Any]] = {
            "accounts": self._accounts_in_use.run,
            "follows": self._follows.run,
            "listed runs": self._follow_or_leave_listed,
            "housekeeping": self._house.run,
            "retention": self._house.retain,
            "reload": self._reload_when_asked,
        }
        if self._runs_from is not None:
            tasks["runs-from"] = self._watch_runs
        return tasks

    def _outer(self) -> dict[str, Callable[[], Any]]:
        return {
            "outputs": self._sinks.run,
            "server": self._server.run,
            "loop-lag": self._house.measure_loop,
            "systemd": lambda: self._notifier.run(self._status),
        }

    async def _drain(self) -> None:
        """Hand out what is committed: to the subscribers here, to the outputs in their `close`."""
        self._notifier.stopping()
        self._is_ready = False
        await self._server.drain(self._settings.limits.drain)

    def _reopen(self) -> None:
        if hasattr(self, "_sinks"):  # SIGUSR1 may come while the journal is being opened
            self._sinks.reopen()

    async def _reload_when_asked(self) -> None:
        """Read the configuration again after each SIGHUP; two in a row may be one."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            self._notifier.reloading(self._clock)
            self._sinks.reopen()
            if self._load is not None:
                await self._reload(self._load)
            self._accounts_in_use.ask_again()
            self._notifier.ready(self._status())

    async def _reload(self, load: Load) -> None:
        running = Running(
            self._accounts_in_use,
            self._follows,
            self._sinks,
            self._house,
            self._server,
            self._access,
            self._redactor,
            self._take_lists,
        )
        try:
            # In a thread: its files may be on a network.
            prepared = await asyncio.to_thread(prepared_or_refused, load)
            self._settings = await apply(prepared, self._settings, running)
        except ConfigError as error:
            self.metrics.config_last_reload_successful.set(0)
            self._is_refused = True
            log.error("config.refused", reason=str(error))
            return
        self.metrics.config_last_reload_successful.set(1)
        self._is_refused = False

    async def _take_lists(self, runs: RunChanges) -> None:
        """Do what changed in the lists of runs; what waits for a full journal is done later."""
        for run_id in runs.unlisted:
            self._listed.put_nowait((run_id, None))
        for run_id, account in runs.listed:
            self._listed.put_nowait((run_id, account))
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTED_WAIT_S):
                await self._listed.join()

    def _status(self) -> str:
        """For `systemctl status`."""
        refused = "; the newest configuration is refused, see the log" if self._is_refused else ""
        return (
            f"{self._follows.following_count} runs followed, {self._journal.head} records,"
            f" {self._server.open_streams} streams open{refused}"
        )

    async def _follow_configured(self) -> None:
        """Follow what the settings name, before anybody may ask.

        A full journal must not keep readers from what it has: what does not fit waits for later.
        """
        for account in self._accounts:
            for run_id in account.settings.runs:
                try:
                    await self._follows.follow(run_id, account.name)
                except JournalUnavailableError:
                    self._listed.put_nowait((run_id, account.name))

    async def _follow_or_leave_listed(self) -> None:
        """Do what the lists of runs ask for, one after the other; a full journal is waited for."""
        while True:
            run_id, account = await self._listed.get()
            change = (
                self._leave_listed
                if account is None
                else partial(self._follows.follow, account=account)
            )
            try:
                await self._patiently(run_id, change)
            except (TooManyRunsError, UnknownAccountError) as error:
                log.warning("run.not_added", run_id=run_id, reason=str(error))
            self._listed.task_done()

    async def _leave_listed(self, run_id: str) -> bool:
        is_left = await self._follows.unfollow(run_id)
        if is_left:
            log.info("run.unlisted", run_id=run_id)
        return is_left

    @staticmethod
    async def _patiently(run_id: str, change: Callable[[str], Awaitable[bool]]) -> None:
        """Follow or leave a run for which nobody waits; while the journal is full, wait."""
        while True:
            try:
                await change(run_id)
            except JournalUnavailableError as error:
                log.warning("run.not_added", run_id=run_id, reason=str(error))
                await asyncio.sleep(FULL_WAIT_S)
            else:
                return

    async def _watch_runs(self) -> None:
        assert self._runs_from is not None
        async for number, line in watch(self._runs_from):
            try:
                text = to_run_text(line)
                if text is not None:
                    await self._patiently(text, self._follows.follow)
            except (ValueError, InvalidRunIdError, TooManyRunsError) as error:
                log.warning("runs_from.line_refused", line=number, reason=str(error))

    # outputs.port.Health

    def is_ready(self) -> bool:
        return self._is_ready and self._journal.trouble is None

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        trouble = self._journal.trouble
        return {
            "ready": {"ok": self._is_ready, "detail": "serving" if self._is_ready else "stopping"},
            "journal": {
                "ok": trouble is None,
                "detail": trouble or "writable",
                "head": self._journal.head,
                "floor": self._journal.floor,
            },
            **self._house.account_checks(),
            **self._sinks.checks(),
        }

    def _render_metrics(self, accept: str | None) -> tuple[bytes, str]:
        self._house.set_metrics(is_writable=self._journal.trouble is None)
        self._sinks.set_metrics()
        return self.metrics.render(accept)


def _access(settings: Settings, clock: Clock) -> TokenAccess | None:
    """Who may read: with [auth] who has a token, without it this machine only (None)."""
    tokens = read_tokens(settings)
    return (
        None if tokens is None else TokenAccess(tokens, clock, open_metrics=settings.metrics.open)
    )
