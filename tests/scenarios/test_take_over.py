"""Several replicas with one token: what a take-over asks, by the simulator's own account."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bridge.daemon.holding import Held
from bridge.journal.memory import MemoryJournal
from bridge.simulator import Simulator
from tests.accounts import TOKEN
from tests.stages.mogplex import Setting, Stage
from tests.stages.stage import loop_clock
from tests.virtual_clock import VirtualClock, run_virtually

BUDGET = 54  # requests a minute; upstream takes 60
LEASE_S = 3.0
LEASE = "account/default"
MINUTE_S = 60.0


class Replicas:
    """Bridges on one journal and one simulator; the wall clock of each is wrong by its skew."""

    def __init__(self, sim: Simulator, group: asyncio.TaskGroup, skews_s: tuple[float, ...]):
        self.sim = sim
        clock = VirtualClock(asyncio.get_running_loop())
        self.journal = MemoryJournal(records_max=10**6, bytes_max=2**30, clock=clock)
        setting = [Setting(may_stream=False, skew_s=skew_s) for skew_s in skews_s]
        self.all = [Stage(sim, each, group) for each in setting]
        for stage in self.all:
            stage.journal, stage.is_killed = self.journal, True
        self._lease: Any = None

    async def start(self, stage: Stage) -> None:
        """It takes the lease over and follows."""
        if self._lease is not None:
            await self._lease.release()
        self._lease = await self.journal.acquire(LEASE)
        assert self._lease is not None
        stage.held = Held()
        stage.held.put("default", self._lease.fence)
        await stage.start()


def play(
    scenario: Callable[[Replicas], Coroutine[Any, Any, None]], *skews_s: float, **knobs: object
) -> None:
    async def main() -> None:
        async with (
            Simulator(knobs=knobs, clock=loop_clock()) as sim,
            asyncio.TaskGroup() as group,
        ):
            await scenario(Replicas(sim, group, skews_s))

    run_virtually(main())


@pytest.mark.parametrize("runs", [3, 40])
@pytest.mark.parametrize("seed", range(3))
def test_replicas_that_die_one_after_the_other_ask_for_no_more_than_one_may(
    seed: int, runs: int
) -> None:
    """What was asked since the last save was asked again by each successor."""

    async def scenario(replicas: Replicas) -> None:
        chance = random.Random(seed)
        followed = [replicas.sim.create_run(events=3) for _ in range(runs)]
        turns = itertools.cycle(replicas.all)
        await replicas.start(stage := next(turns))
        await stage.follow(*followed)
        await asyncio.sleep(2 * MINUTE_S)
        for _ in range(40):
            await stage.stop()
            await asyncio.sleep(LEASE_S)
            await replicas.start(stage := next(turns))
            await asyncio.sleep(
                chance.choice([0.05, 0.3, 1.1, 4.0, 20.0]) * (0.5 + chance.random())
            )
        await stage.stop()
        assert replicas.sim.refused(TOKEN) == 0
        assert replicas.sim.peak(TOKEN) <= BUDGET + 1

    play(scenario, 0.0, 0.0, 0.0, delay_s=0.3)


@pytest.mark.parametrize(
    "skews_s", [(0, 300), (300, 0), (0, -20), (-20, 0), (8, 0), (-3600, 86400)]
)
def test_a_wrong_wall_clock_of_either_replica_costs_no_request_over_the_budget(
    skews_s: tuple[float, float],
) -> None:
    """A holder whose clock was behind by minutes had asked nothing, as its successor saw it."""

    async def scenario(replicas: Replicas) -> None:
        first, second = replicas.all
        followed = [replicas.sim.create_run(events=3) for _ in range(40)]
        await replicas.start(first)
        await first.follow(*followed)
        await asyncio.sleep(2 * MINUTE_S)
        await first.stop()
        await asyncio.sleep(LEASE_S)
        asked = replicas.sim.accepted(TOKEN)
        await replicas.start(second)
        await asyncio.sleep(20.0)
        assert replicas.sim.accepted(TOKEN) > asked + 10  # it waits for nothing either
        await asyncio.sleep(2 * MINUTE_S)
        await second.stop()
        assert replicas.sim.refused(TOKEN) == 0
        assert replicas.sim.peak(TOKEN) <= BUDGET + 1

    play(scenario, *skews_s)


def test_a_replica_that_lost_the_lease_and_was_not_told_asks_one_request_at_most() -> None:
    """It woke after a freeze, went on as before, and overwrote what its successor remembered."""

    async def scenario(replicas: Replicas) -> None:
        first, second = replicas.all
        followed = [replicas.sim.create_run(events=3) for _ in range(40)]
        await replicas.start(first)
        await first.follow(*followed)
        await asyncio.sleep(2 * MINUTE_S)
        counted = first.metric("upstream_requests_total", endpoint="runs.events", code="OK")
        await replicas.start(second)
        await asyncio.sleep(2 * MINUTE_S)
        more = first.metric("upstream_requests_total", endpoint="runs.events", code="OK") - counted
        await first.stop()
        await second.stop()
        assert more <= 1
        assert replicas.sim.refused(TOKEN) == 0
        assert replicas.sim.peak(TOKEN) <= BUDGET + 1

    play(scenario, 0.0, 0.0)
