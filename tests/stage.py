"""Simulator, one account and the whole way in, on virtual time: minutes of following in
milliseconds, with the real HTTP client and server in between.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.config import ResolvedAccount
from bridge.core.event import Record
from bridge.daemon.accounts import Accounts
from bridge.daemon.build import build_following
from bridge.daemon.follows import Follows
from bridge.daemon.tokens import TokenWatch
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.redact import Redactor
from bridge.simulator import Simulator
from bridge.sources.gate import Gate
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import EVENT_TYPE
from bridge.sources.mogplex.settings import MogplexAccount
from bridge.sources.mogplex.source import MogplexSource
from bridge.sources.port import Progress
from bridge.wire.jsontext import loads
from tests.accounts import Tokens
from tests.memory_network import MemoryConnector
from tests.record_types import GAP, RUN_ENDED
from tests.virtual_clock import VirtualClock, run_virtually


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

    follows: Follows
    accounts: Accounts
    tokens_watch: TokenWatch
    metrics: Metrics

    def __init__(self, sim: Simulator, setting: Setting, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        self.sim = sim
        self.setting = setting
        self.clock = SkewedClock(loop, setting.skew_s)
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
        self.tokens = Tokens()
        self.stopped_at: list[float] = []  # on the simulator's clock
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """A bridge as a process would start it: all it knows is what the journal holds."""
        metrics = self.metrics = Metrics()
        following = build_following(
            self.journal,
            Redactor(),
            metrics,
            self.clock,
            default_account="default",
            jitter=random.Random(self.setting.seed).random,
            connector=self.connector,
        )
        self.follows, self.accounts = following.follows, following.accounts
        section = MogplexAccount(
            token_env="T",
            stream=self.setting.may_stream,
            reserve=self.setting.reserve,
            requests_per_minute=60 - self.setting.reserve,
        )
        account = ResolvedAccount(section, "http://upstream.test", self.tokens)
        await self.accounts.change([account])
        self.tokens_watch = TokenWatch(self.accounts, self.follows, lambda _: None, self.clock)
        self._memories = following.memories
        await self._memories.recall()
        self.tokens_watch.look()
        self.follows.restore(await self.journal.wishes(), await self.journal.states())
        self._tasks = [
            self._group.create_task(self.accounts.run()),
            self._group.create_task(self.follows.run()),
            self._group.create_task(self._memories.run()),
        ]
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Drop everything where it stands, as a process that ends in order does."""
        self.stopped_at.append(self.sim.clock.now())
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._memories.save()
        await self.accounts.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def connector(self) -> MemoryConnector:
        """The way to the simulator."""
        assert self.sim._runner is not None
        server = self.sim._runner.server
        assert server is not None
        return MemoryConnector(server, delay_s=self.setting.delay_s)

    def http(self) -> HttpSession:
        """A client of the simulator with the token; the caller closes it."""
        return HttpSession("http://upstream.test", self.tokens.token, connector=self.connector)

    @property
    def source(self) -> MogplexSource:
        source = self.accounts.sources["default"]
        assert isinstance(source, MogplexSource)
        return source

    @property
    def gate(self) -> Gate:
        return self.source._gate

    async def follow(self, *runs: Any) -> None:
        for run in runs:
            await self.follows.follow("run", getattr(run, "id", run))

    def view(self, run: Any) -> Mapping[str, Any]:
        """What people see of a run."""
        view = self.follows.view("run", getattr(run, "id", run))
        assert view is not None
        return view

    def progress(self, run: Any) -> Progress:
        """How the follow of a run is going."""
        (progress,) = [e.progress for e in self.follows.entries() if e.feed.feed.id == run.id]
        return progress

    def replace_token(self, token: str) -> None:
        """Put another token in its place, and have it noticed."""
        self.tokens.replace(token)
        self.tokens_watch.look()

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
