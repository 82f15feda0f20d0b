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
from bridge.core.redact import Redactor
from bridge.core.schedule import Scheduler
from bridge.follows import Follows
from bridge.intake import JournalIntake
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.simulator import Simulator
from bridge.sources.account import Account
from bridge.sources.features import Features
from bridge.sources.http import HttpSession
from bridge.sources.mogplex import EVENT_TYPE, MogplexApi
from bridge.sources.source import MogplexSource
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


@dataclass
class Stage:
    """What a scenario has at hand."""

    sim: Simulator
    source: MogplexSource
    follows: Follows
    journal: MemoryJournal
    metrics: Metrics
    clock: VirtualClock
    token: list[str]  # one element; put another in its place to rotate

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
    *,
    may_stream: bool = True,
    seed: int = 1,
    delay_s: float = 0.02,
    reserve: int = 6,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        async with set_stage(
            may_stream=may_stream, seed=seed, delay_s=delay_s, reserve=reserve, **knobs
        ) as stage:
            await scenario(stage)

    run_virtually(main())


@asynccontextmanager
async def set_stage(
    *, may_stream: bool, seed: int, delay_s: float, reserve: int, **knobs: object
) -> AsyncIterator[Stage]:
    clock = VirtualClock(asyncio.get_running_loop())
    async with Simulator(knobs=knobs, seed=seed, clock=LoopClock(clock)) as sim:
        stage = build(sim, clock, may_stream, seed, delay_s, reserve)
        tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks.append(group.create_task(stage.account.drive()))
                tasks.append(group.create_task(stage.follows.run()))
                await asyncio.sleep(0)
                yield stage
                for task in tasks:
                    task.cancel()
        finally:
            await stage.source.api.http.close()
            await stage.journal.close()


def build(
    sim: Simulator,
    clock: VirtualClock,
    may_stream: bool,
    seed: int,
    delay_s: float,
    reserve: int,
) -> Stage:
    assert sim._runner is not None
    server = sim._runner.server
    assert server is not None
    token = [TOKEN]
    metrics = Metrics(["default"])
    redactor = Redactor()
    http = HttpSession(
        "http://upstream.test",
        lambda: token[0],
        connector=lambda: MemoryConnector(server, delay_s=delay_s),
    )
    account = Account(
        "default",
        Scheduler(reserve=reserve),
        clock=clock,
        metrics=metrics,
        jitter=random.Random(seed).random,
    )
    source = MogplexSource(
        account, MogplexApi(http, redactor.text), Features(), clock=clock, may_stream=may_stream
    )
    journal = MemoryJournal(records_max=10**6, bytes_max=2**30)
    intake = JournalIntake(journal, redactor, metrics, clock)
    follows = Follows(
        {"default": source},
        intake,
        metrics,
        clock,
        default_account="default",
        requests_per_minute={"default": 60 - reserve},
    )
    intake.on_change = follows.state_changed
    return Stage(sim, source, follows, journal, metrics, clock, token)
