"""Simulator, one account and the whole way in, on virtual time: minutes of following in
milliseconds, with the real HTTP client and server in between.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.core.event import GAP, RUN_ENDED, Record
from bridge.core.pace.schedule import Scheduler
from bridge.daemon.follows import Follows
from bridge.intake import JournalIntake
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.simulator import Simulator
from bridge.sources.gate import Account
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import EVENT_TYPE, MogplexApi
from bridge.sources.mogplex.features import Features
from bridge.sources.mogplex.source import MogplexSource
from bridge.wire.jsontext import loads
from tests.memory_network import MemoryConnector
from tests.virtual_clock import VirtualClock, run_virtually

TOKEN = "mog_" + "t" * 24


class LoopClock:
    """The simulator's clock on the virtual loop."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.wall()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), callback)


class SkewedClock(VirtualClock):
    """The virtual clock of a machine whose wall clock is wrong by `skew_s`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew_s: float) -> None:
        super().__init__(loop)
        self._skew_s = skew_s

    def wall(self) -> float:
        return super().wall() + self._skew_s


@dataclass(frozen=True)
class Setting:
    """What a scenario may choose about the bridge and the way to upstream."""

    may_stream: bool = True
    seed: int = 1
    delay_s: float = 0.02  # one way
    reserve: int = 6
    skew_s: float = 0.0  # of the bridge's wall clock


class Stage:
    """What a scenario has at hand. Build with `set_stage`."""

    source: MogplexSource
    follows: Follows
    metrics: Metrics

    def __init__(self, sim: Simulator, setting: Setting, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        self.sim = sim
        self.setting = setting
        self.clock = SkewedClock(loop, setting.skew_s)
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
        self.token = [TOKEN]  # put another in its place to rotate
        self.memory: object = None  # what the source stored last, as the journal would
        self.stopped_at: list[float] = []  # on the simulator's clock
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A bridge as a process would start it: all it knows is what the journal holds."""
        metrics = self.metrics = Metrics(["default"])
        redactor = Redactor()
        clock, setting = self.clock, self.setting
        account = Account(
            "default",
            Scheduler(reserve=setting.reserve),
            clock=clock,
            metrics=metrics,
            jitter=random.Random(setting.seed).random,
        )
        api = MogplexApi(self.http(), redactor.text)
        self.source = MogplexSource(
            account, api, Features(), clock=clock, may_stream=setting.may_stream
        )
        account.store = self._store
        if self.memory is not None:
            self.source.recall(self.memory)
        intake = JournalIntake(self.journal, redactor, metrics, clock)
        self.follows = Follows(
            {"default": self.source},
            intake,
            metrics,
            clock,
            default_account="default",
            requests_per_minute={"default": 60 - setting.reserve},
        )
        intake.on_change = self.follows.state_changed
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        self._tasks = [
            self._group.create_task(account.drive()),
            self._group.create_task(self.follows.run()),
            self._group.create_task(self._remember()),
        ]
        await asyncio.sleep(0)

    async def _remember(self) -> None:
        while True:
            await self._store()
            await asyncio.sleep(1.0)

    async def _store(self) -> None:
        self.memory = self.source.memory()

    async def stop(self) -> None:
        """Drop everything where it stands, as a process that ends does."""
        self.stopped_at.append(self.sim.clock.now())
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.source.api.http.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def http(self) -> HttpSession:
        """A client of the simulator with the token; the caller closes it."""
        assert self.sim._runner is not None
        server = self.sim._runner.server
        assert server is not None
        return HttpSession(
            "http://upstream.test",
            lambda: self.token[0],
            connector=lambda: MemoryConnector(server, delay_s=self.setting.delay_s),
        )

    @property
    def account(self) -> Account:
        return self.source.account

    async def follow(self, *runs: Any) -> None:
        for run in runs:
            await self.follows.follow(getattr(run, "id", run))

    async def over(self, within_s: float = 3600.0) -> None:
        """Wait until no run is followed any more."""
        async with asyncio.timeout(within_s):
            await self.follows.until_none_followed()

    async def records(self, run: Any = None) -> list[Record]:
        page = await self.journal.read(0, 100_000)
        return [r for r in page.records if run is None or r.feed.id == getattr(run, "id", run)]

    async def event_ids(self, run: Any) -> list[str]:
        return [r.id for r in await self.records(run) if r.type.startswith(EVENT_TYPE)]

    async def gaps(self, run: Any) -> list[dict[str, Any]]:
        return [loads(r.body)["data"] for r in await self.records(run) if r.type == GAP]

    async def ends(self, run: Any) -> list[dict[str, Any]]:
        return [loads(r.body)["data"] for r in await self.records(run) if r.type == RUN_ENDED]

    def truth_ids(self, run: Any) -> list[str]:
        """Every event id ever committed, in the order of their commits."""
        return [event["id"] for event in self.sim.truth(run)["committed"]]


def play(
    scenario: Callable[[Stage], Coroutine[Any, Any, None]],
    setting: Setting | None = None,
    *,
    may_stream: bool = True,
    delay_s: float = 0.02,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        chosen = setting or Setting(may_stream=may_stream, delay_s=delay_s)
        async with set_stage(chosen, **knobs) as stage:
            await scenario(stage)

    run_virtually(main())


@asynccontextmanager
async def set_stage(setting: Setting, **knobs: object) -> AsyncIterator[Stage]:
    clock = LoopClock(VirtualClock(asyncio.get_running_loop()))
    async with (
        Simulator(knobs=knobs, seed=setting.seed, clock=clock) as sim,
        asyncio.TaskGroup() as group,
    ):
        stage = Stage(sim, setting, group)
        await stage.start()
        try:
            yield stage
        finally:
            await stage.stop()
            await stage.journal.close()
