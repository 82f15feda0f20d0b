"""The daemon's side of workers: starts them, sends them news, and restarts them if they die."""

from __future__ import annotations

import asyncio
import base64
import pickle
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from bridge.clock import Clock
from bridge.config import Settings
from bridge.core.errors import BridgeError
from bridge.daemon.workers.shared import Counts, bind, make_memory
from bridge.daemon.workers.talk import News, Talk
from bridge.journal.port import Journal
from bridge.log import get_logger
from bridge.metrics import Metrics
from bridge.metrics.sums import Sums
from bridge.outputs.http.port import KnownFeeds
from bridge.outputs.http.server import Server
from bridge.tasks import TaskGroup

TICK_S = 1.0  # between checks of the workers
SILENT_TICKS_MAX = 30  # then a worker is killed; it normally reports every few seconds
COLLECT_S = 2.0  # for all workers to report their counts; Prometheus waits 10 s
SETTLED_S = 5.0  # a worker that died sooner is restarted only after AGAIN_S
AGAIN_S = 1.0
GOODBYE_S = 2.0  # added to the drain time, for the end of a process

log = get_logger()


class WorkerStartError(BridgeError):
    """A worker ended before it served its first client."""


class _Slot:
    """One worker's place: its number (from 1), its sockets, and the process that has them now."""

    def __init__(self, number: int, sockets: Sequence[socket.socket]) -> None:
        self.number = number
        self.sockets = sockets
        self.process: asyncio.subprocess.Process | None = None
        self.talk: Talk | None = None
        self.door: socket.socket | None = None
        self.silent = 0  # ticks
        self.reported = asyncio.Event()  # its counts, since they were last requested


class Workers:
    """`start`, run `run` as a task, `drain`, cancel `run`, `close`."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        feeds: KnownFeeds,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        """Reserve the shared counts; `start` starts the processes.

        Raises:
            ConfigError: This platform does not support workers.
        """
        self._settings = settings
        self._journal = journal
        self._feeds = feeds
        self._metrics = metrics
        self._clock = clock
        self._count = settings.server.workers
        self.counts = Counts(make_memory(self._count + 1), 0, self._count + 1)
        self.sums = Sums(metrics.registry)
        self._slots: list[_Slot] = []
        self._address = ("", 0)
        self._is_stopping = False
        self._passed: set[asyncio.Task[None]] = set()  # connections that are being accepted
        # Set by `start`.
        self._server: Server | None = None
        self._spend: Callable[[bytes], bytes | None] = lambda _: None
        self._forget_growth: Callable[[], None] = lambda: None

    async def start(
        self, server: Server, spend: Callable[[bytes], bytes | None]
    ) -> tuple[str, int]:
        """Open the port and start the workers.

        Args:
            server: Answers the requests that workers pass on.
            spend: Uses up a ticket, given by its hash, and returns the hash of its token.

        Returns:
            The host and port, once every worker serves.

        Raises:
            ConfigError: The port cannot be opened.
            WorkerStartError: A worker ended before it served.
        """
        host, port = self._settings.listen_address
        self._server, self._spend = server, spend
        lines = bind(host, port, self._count)
        self._slots = [_Slot(n, line) for n, line in enumerate(lines, 1)]
        self._address = lines[0][0].getsockname()[:2]
        await server.start_inside(host, self._address[1])
        self._forget_growth = self._journal.add_listener(self._tell_head)
        async with TaskGroup() as group:
            starts = [group.create_task(self._start(slot)) for slot in self._slots]
        if not all(start.result() for start in starts):
            raise WorkerStartError("a worker ended before it served; its log line says why")
        return self._address

    @property
    def open_streams(self) -> int:
        """Open event streams of all workers together, from the shared counts."""
        return self.counts.streams.total()

    def adopt(self, settings: Settings) -> None:
        """Give reloaded settings to the workers; they apply to the next request."""
        self._settings = settings
        self._tell(settings=_packed(settings))

    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """The checks for /healthz: whether all workers serve, and how many streams each has."""
        serving = [slot for slot in self._slots if slot.talk is not None]
        detail = f"{len(serving)} of {self._count} serve"
        streams = [self.counts.streams.total_of_row(slot.number) for slot in self._slots]
        ok = len(serving) == self._count
        return {"workers": {"ok": ok, "detail": detail, "streams": streams}}

    async def collect(self) -> None:
        """Have the workers report; who does not within `COLLECT_S` counts as last reported.

        Reports on request make a scrape exact without frequent ones, which cost more than all else
        that an idle worker does.
        """
        serving = [slot for slot in self._slots if slot.talk is not None]
        for slot in serving:
            slot.reported.clear()
        self._tell(report=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(COLLECT_S):
                for slot in serving:
                    await slot.reported.wait()

    def set_metrics(self) -> None:
        """Update the gauge; called before a scrape."""
        self._metrics.workers.set(sum(slot.talk is not None for slot in self._slots))

    async def run(self) -> None:
        """Keep all workers alive until cancelled."""
        async with TaskGroup() as group:
            group.create_task(self._tick(), name="workers.tick")
            for slot in self._slots:
                group.create_task(self._keep(slot), name=f"worker {slot.number}")

    async def drain(self, drain_s: float) -> None:
        """Refuse new clients, deliver committed records to streams, then end the workers."""
        self._is_stopping = True
        for slot in self._slots:
            for opened in slot.sockets:
                opened.close()
        self._tell(drain=drain_s, head=self._journal.head)
        with suppress(TimeoutError):
            async with asyncio.timeout(drain_s + GOODBYE_S):
                for slot in self._slots:
                    if slot.process is not None:
                        await slot.process.wait()

    async def close(self) -> None:
        """End the remaining workers."""
        self._is_stopping = True
        self._forget_growth()
        for slot in self._slots:
            for opened in slot.sockets:
                opened.close()
            if slot.process is not None and slot.process.returncode is None:
                slot.process.kill()
                await slot.process.wait()
            self._hang_up(slot)

    # One worker

    async def _start(self, slot: _Slot) -> bool:
        """Start the process of a place. Returns False if it ended before it served."""
        ours, theirs = socket.socketpair()
        door, their_door = socket.socketpair()
        inherited = [theirs, their_door, *slot.sockets]
        files = [each.fileno() for each in inherited] + [self.counts.file]
        with theirs, their_door:
            slot.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "bridge.daemon.workers", *map(str, files)),
                pass_fds=files,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,  # the daemon's stdout may be an output
            )
        talk = await Talk.on(ours)
        talk.tell(
            number=slot.number,
            rows=self._count + 1,
            host=self._settings.listen_address[0],
            settings=_packed(self._settings),
        )
        if await talk.next() is None:
            talk.close()
            door.close()
            await slot.process.wait()
            return False
        door.settimeout(0)
        slot.talk, slot.door, slot.silent = talk, door, 0
        asyncio.get_running_loop().add_reader(door.fileno(), self._open_door, slot)
        talk.tell(head=self._journal.head)
        return True

    async def _keep(self, slot: _Slot) -> None:
        while True:
            began = self._clock.monotonic()
            if slot.talk is not None:
                await slot.talk.run(lambda news: self._heard(slot, news), self._answer)
            assert slot.process is not None
            code = await slot.process.wait()
            self._hang_up(slot)
            if self._is_stopping:
                return
            self._metrics.worker_restarts_total.inc()
            log.warning("worker.died", worker=slot.number, exit=code)
            if self._clock.monotonic() - began < SETTLED_S:
                await asyncio.sleep(AGAIN_S)
            if await self._start(slot):
                log.info("worker.started", worker=slot.number)

    def _hang_up(self, slot: _Slot) -> None:
        """Release the resources of a process that has ended."""
        if slot.talk is None or slot.door is None:
            return
        asyncio.get_running_loop().remove_reader(slot.door.fileno())
        slot.door.close()
        slot.talk.close()
        slot.talk = slot.door = None
        slot.reported.set()
        self.counts.forget(slot.number)
        self.sums.forget(slot.number)

    def _open_door(self, slot: _Slot) -> None:
        """Accept the connections that a worker passes on."""
        assert slot.door is not None
        assert self._server is not None
        while True:
            try:
                said, files, _, _ = socket.recv_fds(slot.door, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                said, files = b"", []
            if not said:  # the worker has ended; `_keep` sees that too
                asyncio.get_running_loop().remove_reader(slot.door.fileno())
                return
            for file in files:
                taking = asyncio.get_running_loop().create_task(
                    self._server.take(socket.socket(fileno=file))
                )
                self._passed.add(taking)
                taking.add_done_callback(self._passed.discard)

    # Messages

    def _heard(self, slot: _Slot, news: News) -> None:
        slot.silent = 0
        self.sums.tell(slot.number, news["counts"])
        slot.reported.set()

    async def _answer(self, question: News) -> Any:
        if "ticket" in question:
            key = self._spend(bytes.fromhex(question["ticket"]))
            return None if key is None else key.hex()
        return await self._feeds.find(question["kind"], question["id"])

    def _tell(self, **news: Any) -> None:
        for slot in self._slots:
            if slot.talk is not None:
                slot.talk.tell(**news)

    def _tell_head(self, head: int) -> None:
        self._tell(head=head)

    async def _tick(self) -> None:
        """Kill workers that have been silent too long."""
        while True:
            await asyncio.sleep(TICK_S)
            self._tell_head(self._journal.head)  # for a worker that could not receive it earlier
            for slot in self._slots:
                slot.silent += 1
                is_hung = slot.talk is not None and slot.silent > SILENT_TICKS_MAX
                if is_hung and slot.process is not None and slot.process.returncode is None:
                    log.error("worker.hung", worker=slot.number)
                    slot.process.kill()


def _packed(settings: Settings) -> str:
    """Serialize the settings for a worker: the same program, over a private socket."""
    return base64.b64encode(pickle.dumps(settings)).decode()
