"""The daemon: opens its parts, runs them, and stops them in order.

Start: journal, intake, accounts, outputs, server (not ready), follows, ready.

Stop: not ready, refuse new clients, cancel the follows, deliver committed records to outputs and
subscribers, close the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bridge.clock import SystemClock
from bridge.config import ResolvedAccount, Settings
from bridge.core.counted import counted
from bridge.core.errors import ConfigError
from bridge.daemon.follows import Follows
from bridge.daemon.reload import Load, apply, prepared_or_refused
from bridge.daemon.running import Running
from bridge.daemon.supervisor import run_rings, stop_on_signals
from bridge.daemon.systemd import Notifier
from bridge.journal.opening import open_journal
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.redact import RULES, Redactor
from bridge.systems import systems

log = get_logger()


class Bridge:
    """One running daemon; `run` lasts as long as the daemon."""

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
        """Prepare a daemon; nothing is opened before `run`.

        Args:
            settings: The checked configuration.
            accounts: The accounts of `settings` with their tokens.
            redactor: Removes secrets from everything that is stored or shown.
            runs_from: A file of run ids to follow, or `-` for stdin.
            load: Reads the configuration again at SIGHUP. Without it SIGHUP only reopens files.
            notifier: Reports to a supervisor; None reports nothing.
            on_ready: Called once, with the host and port that the bridge serves.
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
        self._is_refused = False  # the newest configuration was refused
        self.ready = asyncio.Event()  # set once, when the bridge serves
        self._hangup = asyncio.Event()  # SIGHUP requests a reload
        self._running: Running | None = None  # None while the journal opens or closes
        words = {a.name: systems()[a.settings.system].words for a in accounts}
        self.metrics = Metrics(words, rules=RULES)
        for output in settings.outputs:
            self.metrics.add_sink(output.name, output.reasons)

    def stop(self) -> None:
        """Request an orderly stop."""
        self._stop.set()

    def reload(self) -> None:
        """Request that the daemon reads its configuration again and reopens its files."""
        self._hangup.set()

    @property
    def feeds(self) -> Follows:
        """The followed feeds. Available once `ready` is set."""
        assert self._running is not None, "it does not run"
        return self._running.follows

    async def run(self, *, handle_signals: bool = True) -> None:
        """Serve until stopped.

        Args:
            handle_signals: Install handlers for SIGTERM, SIGINT, SIGHUP and SIGUSR1.

        Raises:
            ConfigError: The daemon cannot start with these settings.
            JournalError: The journal cannot be opened, or fails for good.
            Exception: A bug ended one of the tasks.
        """
        if handle_signals:  # first: an unhandled SIGHUP ends the process
            stop_on_signals(self._stop, on_hangup=self.reload, on_reopen=self._reopen)
        credentials = self._settings.journal_credentials_file
        journal = await open_journal(
            self._settings.journal,
            recent_bytes_max=self._settings.limits.recent_bytes,
            credentials=credentials,
            clock=self._clock,
        )
        try:
            running = Running(
                journal, self._settings, self._redactor, self.metrics, self._clock, self.stop
            )
            await self._run(running)
        finally:
            self._running = None
            await journal.close()

    async def _run(self, running: Running) -> None:
        self._running = running
        try:
            host, port = await running.start(self._accounts)
            self.ready.set()
            log.info("bridge.ready", listen=f"{host}:{port}", head=running.journal.head)
            self._notifier.ready(self._status(running))
            self._on_ready(host, port)
            inner = {**running.inner(), "reload": lambda: self._reload_when_asked(running)}
            if (runs_from := self._runs_from) is not None:
                inner["runs-from"] = lambda: running.listed.watch(runs_from)
            outer = {
                **running.outer(),
                "systemd": lambda: self._notifier.run(lambda: self._status(running)),
            }
            await run_rings(inner, outer, self._stop, drain=lambda: self._drain(running))
        finally:
            await running.close()
            if self.ready.is_set():
                log.info("bridge.stopped", head=running.journal.head)

    async def _drain(self, running: Running) -> None:
        """Deliver committed records to the subscribers; outputs get theirs in their `close`."""
        self._notifier.stopping()
        await running.drain(self._settings.limits.drain)

    def _reopen(self) -> None:
        if self._running is not None:  # SIGUSR1 may come while the journal is being opened
            self._running.sinks.reopen()

    async def _reload_when_asked(self, running: Running) -> None:
        """Reload after each SIGHUP; two SIGHUPs in quick succession may cause one reload."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            self._notifier.reloading(self._clock)
            running.sinks.reopen()
            if self._load is not None:
                await self._reload(self._load, running)
            running.accounts.ask_again()
            self._notifier.ready(self._status(running))

    async def _reload(self, load: Load, running: Running) -> None:
        try:
            # In a thread, because the files may be on a network.
            prepared = await asyncio.to_thread(prepared_or_refused, load)
            self._settings = await apply(prepared, self._settings, running)
        except ConfigError as error:
            self.metrics.config_last_reload_successful.set(0)
            self._is_refused = True
            log.error("config.refused", reason=str(error))
            return
        self.metrics.config_last_reload_successful.set(1)
        self._is_refused = False

    def _status(self, running: Running) -> str:
        """The text for `systemctl status`."""
        refused = "; the newest configuration is refused, see the log" if self._is_refused else ""
        return (
            f"{counted(running.follows.following_count, 'feed')} followed,"
            f" {counted(running.journal.head, 'record')},"
            f" {counted(running.open_streams, 'stream')} open{refused}"
        )
