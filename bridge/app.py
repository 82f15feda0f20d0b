"""The daemon: the only place that knows all concrete classes. Builds, starts, stops.

Start: journal, intake, outputs, server (not ready), follows, ready. Stop: not ready, no new
clients, follows cancelled, outputs and subscribers get what is committed, journal closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import structlog

from bridge.building import build_sources, close_sources
from bridge.clock import Clock, SystemClock
from bridge.config import NdjsonOutput, ResolvedAccount, Settings
from bridge.core.errors import ConfigError, JournalError, JournalFullError
from bridge.core.filter import Filter
from bridge.core.redact import RULES, Redactor
from bridge.follows import Follows
from bridge.housekeeping import Housekeeping, restored_windows
from bridge.intake import JournalIntake
from bridge.journal.sqlite import SqliteJournal
from bridge.metrics import Metrics
from bridge.outputs.files.layout import Keep, Layout
from bridge.outputs.files.sink import FileSink
from bridge.outputs.limits import Limits
from bridge.outputs.lines import LineSettings
from bridge.outputs.port import InvalidRunIdError, TooManyRunsError
from bridge.outputs.server import Server
from bridge.outputs.stdout import StdoutSink
from bridge.outputs.token_access import TokenAccess
from bridge.outputs.tokens import Tokens
from bridge.runlist import to_run_text, watch
from bridge.supervisor import run_rings, stop_on_signals

log = structlog.get_logger()

STDOUT = "-"
FULL_WAIT_S = 10.0  # between two tries to add a listed run while the journal is full


class Sink(Protocol):
    """What a file and stdout have in common."""

    name: str

    @property
    def lag(self) -> int: ...
    def status(self) -> Mapping[str, Any]: ...
    def reopen(self) -> None: ...
    async def open(self) -> None: ...
    async def run(self) -> None: ...
    async def close(self, deadline_s: float = 5.0) -> None: ...


class Bridge:
    """One running daemon. `run` is its whole life."""

    def __init__(
        self,
        settings: Settings,
        accounts: Sequence[ResolvedAccount],
        redactor: Redactor,
        *,
        runs_from: str | None = None,
        on_ready: Callable[[str, int], None] = lambda _host, _port: None,
    ) -> None:
        """`on_ready` is called once with the address that is served."""
        self._settings = settings
        self._accounts = list(accounts)
        self._redactor = redactor
        self._runs_from = runs_from
        self._on_ready = on_ready
        self._clock = SystemClock()
        self._stop = asyncio.Event()
        self._is_ready = False
        self.ready = asyncio.Event()  # set once, when it serves
        self._sinks: list[Sink] = []
        self._not_added: list[tuple[str, str]] = []  # listed runs, while the journal is full
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
        path = journal_path(self._settings.journal)
        journal = await SqliteJournal.open(
            path, recent_bytes_max=self._settings.limits.recent_bytes, clock=self._clock
        )
        try:
            await self._run(journal, handle_signals=handle_signals)
        finally:
            await journal.close()

    async def _run(self, journal: SqliteJournal, *, handle_signals: bool) -> None:
        settings, clock, metrics = self._settings, self._clock, self.metrics
        self._journal = journal
        self._intake = JournalIntake(journal, self._redactor, metrics, clock)
        self._sources = build_sources(self._accounts, self._redactor, metrics, clock)
        self._follows = Follows(
            self._sources,
            self._intake,
            metrics,
            clock,
            default_account=settings.default_account.name,
            requests_per_minute={a.name: a.settings.requests_per_minute for a in self._accounts},
            runs_max=settings.limits.runs,
        )
        self._intake.on_change = self._follows.state_changed
        self._house = Housekeeping(
            journal,
            self._accounts,
            self._sources,
            self._follows,
            metrics,
            clock,
            protect=self._redactor.protect,
        )
        self._server = Server(
            journal,
            self._follows,
            self,
            metrics,
            self._render_metrics,
            access=_access(settings, clock),
            limits=Limits(subscribers_max=settings.limits.subscribers),
            clock=clock,
        )
        try:
            await self._start(handle_signals=handle_signals)
            await run_rings(self._inner(), self._outer(), self._stop, drain=self._drain)
        finally:
            self._is_ready = False
            async with asyncio.TaskGroup() as group:
                for sink in self._sinks:
                    group.create_task(sink.close(), name=f"close {sink.name}")
                group.create_task(self._server.close(), name="close server")
            with suppress(JournalError):  # a successor then assumes the worst
                await self._house.save_windows()
            await close_sources(self._sources)
            if self.ready.is_set():
                log.info("bridge.stopped", head=journal.head)

    async def _start(self, *, handle_signals: bool) -> None:
        for name, times in (await restored_windows(self._journal, self._clock)).items():
            if name in self._sources:
                scheduler = self._sources[name].account.scheduler
                scheduler.start(self._clock.monotonic(), times)
        self._follows.restore(await self._journal.states())
        for output in self._settings.outputs:
            sink = build_sink(output, self._journal, self.metrics, self._clock)
            await sink.open()
            self._sinks.append(sink)
        await self._follow_configured()
        if handle_signals:
            stop_on_signals(self._stop, self._reopen)
        host, port = await self._server.start(*self._settings.listen_address)
        self._is_ready = True
        self.ready.set()
        log.info("bridge.ready", listen=f"{host}:{port}", head=self._journal.head)
        self._on_ready(host, port)

    def _inner(self) -> dict[str, Callable[[], Any]]:
        tasks: dict[str, Callable[[], Any]] = {
            f"account {name}": source.account.drive for name, source in self._sources.items()
        }
        tasks["follows"] = self._follows.run
        tasks["configured runs"] = self._follow_not_added
        tasks["housekeeping"] = self._house.run
        tasks["retention"] = lambda: self._house.retain(
            self._settings.retention.age, self._settings.retention.bytes
        )
        if self._runs_from is not None:
            tasks["runs-from"] = self._watch_runs
        return tasks

    def _outer(self) -> dict[str, Callable[[], Any]]:
        tasks: dict[str, Callable[[], Any]] = {
            f"sink {sink.name}": partial(self._run_sink, sink) for sink in self._sinks
        }
        tasks["server"] = self._server.run
        tasks["loop-lag"] = self._house.measure_loop
        return tasks

    async def _run_sink(self, sink: Sink) -> None:
        await sink.run()
        self.stop()  # only stdout ends by itself: who piped us into something wants no more

    async def _drain(self) -> None:
        """Hand out what is committed: to the subscribers here, to the outputs in their `close`."""
        self._is_ready = False
        await self._server.drain(self._settings.limits.drain)

    def _reopen(self) -> None:
        for sink in self._sinks:
            sink.reopen()

    async def _follow_configured(self) -> None:
        """Follow what the settings name, before anybody may ask.

        A full journal must not keep readers from what it has: what does not fit waits for later.
        """
        for account in self._accounts:
            for run_id in account.settings.runs:
                try:
                    await self._follows.follow(run_id, account.name)
                except JournalFullError:
                    self._not_added.append((run_id, account.name))

    async def _follow_not_added(self) -> None:
        for run_id, account in self._not_added:
            await self._follow_listed(run_id, account)

    async def _follow_listed(self, run_id: str, account: str | None = None) -> None:
        """Follow a run that nobody waits for; while the journal is full, wait."""
        while True:
            try:
                await self._follows.follow(run_id, account)
            except JournalFullError as error:
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
                    await self._follow_listed(text)
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
            **{f"sink {sink.name}": sink.status() for sink in self._sinks},
        }

    def _render_metrics(self, accept: str | None) -> tuple[bytes, str]:
        self._house.set_metrics(is_writable=self._journal.trouble is None)
        for sink in self._sinks:
            self.metrics.sink_lag_records.labels(sink.name).set(sink.lag)
        return self.metrics.render(accept)


def journal_path(url: str) -> Path:
    """The file of `sqlite:PATH`. Raises ConfigError for another engine."""
    scheme, _, path = url.partition(":")
    if scheme != "sqlite" or not path:
        raise ConfigError(f"journal {url!r}: use sqlite:PATH")
    return Path(path)


def _access(settings: Settings, clock: Clock) -> TokenAccess | None:
    """Who may read: with [auth] who has a token, without it this machine only (None)."""
    if settings.auth is None:
        return None
    tokens = Tokens(Path(settings.auth.tokens_file).expanduser())
    return TokenAccess(tokens, clock, open_metrics=settings.metrics.open)


def sink_name(output: NdjsonOutput) -> str:
    return "stdout" if output.path == STDOUT else output.path


def build_sink(
    output: NdjsonOutput, journal: SqliteJournal, metrics: Metrics, clock: SystemClock
) -> Sink:
    lines = LineSettings(
        only=Filter(
            runs=frozenset(output.filter.runs),
            types=tuple(output.filter.types),
            accounts=frozenset(output.filter.accounts),
        ),
        format=output.format,
        bytes_max=output.line_bytes,
    )
    name = sink_name(output)
    if output.path == STDOUT:
        return StdoutSink(name, journal, lines, metrics=metrics, clock=clock)
    layout = Layout(
        Path(output.path),
        naming=output.naming,
        rotate_bytes=output.rotate.bytes,
        rotate_every_s=output.rotate.every,
        keep=Keep(files=output.keep.files, age_s=output.keep.age, bytes=output.keep.bytes),
        compress=output.compress,
        fsync=output.fsync,
    )
    return FileSink(name, journal, layout, lines, metrics=metrics, clock=clock)
