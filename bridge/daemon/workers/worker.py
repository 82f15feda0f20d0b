"""A worker: serves clients of the shared port from the journal's file.

A worker serves streams, pages of records and the files of the live page itself. It passes all other
requests on to the daemon, over connections that it sends through a socket (`door`), so that feeds,
tickets and checks are kept in one process.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bridge import log as logs
from bridge.clock import SystemClock
from bridge.config import Settings
from bridge.core.errors import ConfigError
from bridge.daemon.build import build_redactor
from bridge.daemon.names import Names
from bridge.daemon.serving import build_certificates, build_policy, counting, read_tokens
from bridge.daemon.upkeep import measure_loop
from bridge.daemon.workers.shared import Counts
from bridge.daemon.workers.talk import News, Talk
from bridge.journal.opening import open_for_worker
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.metrics.sums import counts_of
from bridge.outputs.gateway.routes import START_BYTES_MAX
from bridge.outputs.http.access import LoopbackAccess
from bridge.outputs.http.problems import ProblemError
from bridge.outputs.http.relay import RelayRoutes
from bridge.outputs.http.routes_events import EventRoutes
from bridge.outputs.http.routes_page import PageRoutes
from bridge.outputs.http.server import Server
from bridge.outputs.http.streaming import Streams
from bridge.outputs.http.token_access import WorkerAccess
from bridge.outputs.http.turns import Turns
from bridge.redact import RULES
from bridge.systems import systems
from bridge.tasks import TaskGroup

REPORT_S = 5.0  # between reports of the counts that nobody requested

log = get_logger()


class _Account(NamedTuple):
    """The part of an account that ids need."""

    name: str
    system: Any


class _Feeds:
    """Implements `outputs.http.port.KnownFeeds`: parses ids here, asks the daemon for the rest."""

    def __init__(self, settings: Settings, talk: Talk) -> None:
        self._talk = talk
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        accounts = {a.name: _Account(a.name, systems()[a.system]) for a in settings.accounts}
        self._names = Names(accounts, settings.default_account.name)  # type: ignore[arg-type]  # uses names only

    def ids(self, kind: str | None, text: str) -> frozenset[str]:
        named = {feed.id for feed in self._names.feeds(kind, text, None)}
        return frozenset({text, *named})

    async def find(self, kind: str, id_: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] | None = await self._talk.ask(kind=kind, id=id_)
        except ConnectionError as error:
            raise ProblemError("not_ready", "the bridge is stopping") from error
        return found


class Worker:
    """One worker process; `run` lasts as long as the process."""

    def __init__(
        self, talk: Talk, door: socket.socket, counts_file: int, hello: News, settings: Settings
    ) -> None:
        self._talk = talk
        self._door = door
        self._settings = settings
        self._host: str = hello["host"]
        self._clock = SystemClock()
        self._counts = Counts(counts_file, hello["number"], hello["rows"])
        self._metrics = Metrics(rules=RULES)
        self._redactor = build_redactor(settings.redaction)
        self._feeds = _Feeds(settings, talk)
        tokens = read_tokens(settings)
        self._access = None if tokens is None else WorkerAccess(tokens, self._clock, self._spend)
        self._drained = asyncio.Event()
        self._drain_s: float | None = None

    async def run(self, listening: Sequence[socket.socket]) -> None:
        """Serve until the daemon stops this worker or ends.

        Raises:
            ConfigError: A file that the settings name cannot be used.
            JournalError: The journal's file cannot be read.
        """
        settings = self._settings
        logs.configure(
            self._redactor.twin().value, level=settings.log.level, form=settings.log.format
        )
        self._journal = await open_for_worker(
            settings.journal, recent_bytes_max=settings.limits.recent_bytes
        )
        streams = Streams(self._journal, self._metrics, self._clock, self._counts.streams)
        relay = RelayRoutes(self._dial, START_BYTES_MAX)
        self._server = Server(
            [
                EventRoutes(
                    self._journal, self._feeds, streams, Turns(), self._metrics, self._clock
                ),
                PageRoutes(),
                relay,
            ],
            streams,
            self._redactor,
            access=self._access or LoopbackAccess(),
            policy=build_policy(settings),
            count=counting(self._metrics),
            connections=self._counts.connections,
        )
        certificates = build_certificates(settings)
        await self._server.start(self._host, 0, certificates, bound=listening)
        self._talk.tell(ready=True)
        try:
            await self._until_over()
        finally:
            await self._server.close()
            await relay.close()
            await self._journal.close()

    async def _until_over(self) -> None:
        """Return when this worker has drained, or the daemon has ended."""
        async with TaskGroup() as group:
            tasks = [
                group.create_task(self._journal.run(), name="journal"),
                group.create_task(self._server.run(), name="server"),
                group.create_task(measure_loop(self._metrics, self._clock), name="loop-lag"),
                group.create_task(self._report_counts(), name="counts"),
            ]
            talking = group.create_task(self._talk.run(self._heard, _no_answer), name="talk")
            draining = group.create_task(self._drain_when_told(), name="drain")
            await asyncio.wait((talking, draining), return_when=asyncio.FIRST_COMPLETED)
            for task in (*tasks, talking, draining):
                task.cancel()

    def _heard(self, news: News) -> None:
        if "head" in news:
            self._journal.told(news["head"])
        if "report" in news:
            self._report_now()
        if "settings" in news:
            try:
                self._adopt(unpacked(news["settings"]))
            except ConfigError as error:  # a file changed since the daemon read it
                log.error("config.refused", reason=str(error))
        if "drain" in news:
            self._drain_s = news["drain"]
            self._drain_head = news["head"]
            self._drained.set()

    def _adopt(self, settings: Settings) -> None:
        tokens, certificates = read_tokens(settings), build_certificates(settings)
        logs.configure(
            self._redactor.twin().value, level=settings.log.level, form=settings.log.format
        )
        self._server.adopt(build_policy(settings))
        self._server.change_certificates(certificates)
        self._feeds.adopt(settings)
        if self._access is not None and tokens is not None:
            self._access.change(tokens, open_metrics=settings.metrics.open)
        self._settings = settings

    async def _drain_when_told(self) -> None:
        await self._drained.wait()
        assert self._drain_s is not None
        await self._journal.wait_above(self._drain_head - 1)
        await self._server.drain(self._drain_s)
        self._report_now()

    async def _report_counts(self) -> None:
        while True:
            self._report_now()
            await asyncio.sleep(REPORT_S)

    def _report_now(self) -> None:
        self._talk.tell(counts=counts_of(self._metrics))

    async def _spend(self, digest: bytes) -> bytes | None:
        try:
            key: str | None = await self._talk.ask(ticket=digest.hex())
        except ConnectionError:
            return None
        return None if key is None else bytes.fromhex(key)

    def _dial(self) -> socket.socket:
        """Open a connection to the daemon.

        Raises:
            OSError: The daemon has ended, or no descriptor is free.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._door, [b"+"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        ours.settimeout(0)
        return ours


async def _no_answer(_: News) -> None:
    """Answer no question: the daemon asks a worker none."""


def unpacked(settings: str) -> Settings:
    """Restore the settings that the daemon serialized, from a socket only this daemon has."""
    found: Settings = pickle.loads(base64.b64decode(settings))  # noqa: S301 - see above
    return found


async def main(control: int, door: int, *rest: int) -> None:
    """Run a worker over inherited descriptors: the daemon's two, the port's, and the counts."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        # A terminal or a supervisor signals all processes, but the daemon stops its workers itself.
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    *listening, counts_file = rest
    talk = await Talk.on(socket.socket(fileno=control))
    hello = await talk.next()
    if hello is None:
        return
    through = socket.socket(fileno=door)
    through.settimeout(0)
    worker = Worker(talk, through, counts_file, hello, unpacked(hello["settings"]))
    await worker.run([socket.socket(fileno=each) for each in listening])
