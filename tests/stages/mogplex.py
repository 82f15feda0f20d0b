"""The simulated Mogplex, one account and the whole way in, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.simulator import Simulator
from bridge.sources.gate import Gate
from bridge.sources.http import HttpSession
from bridge.sources.mogplex.api import EVENT_TYPE
from bridge.sources.mogplex.settings import MogplexAccount
from bridge.sources.mogplex.source import MogplexSource
from tests.record_types import GAP, RUN_ENDED
from tests.stages import stage
from tests.stages.stage import DELAY_S, loop_clock, playing
from tests.virtual_clock import VirtualClock, run_virtually


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
    delay_s: float = DELAY_S  # one way
    reserve: int = 6
    skew_s: float = 0.0  # of the bridge's wall clock


class Stage(stage.Stage):
    """What a scenario has at hand. Build with `set_stage`."""

    KIND = "run"
    EVENTS = EVENT_TYPE

    def __init__(self, sim: Simulator, setting: Setting, group: asyncio.TaskGroup) -> None:
        section = MogplexAccount(
            token_env="T",
            stream=setting.may_stream,
            reserve=setting.reserve,
            requests_per_minute=60 - setting.reserve,
        )
        clock = SkewedClock(asyncio.get_running_loop(), setting.skew_s)
        super().__init__(
            sim, section, group, clock=clock, seed=setting.seed, delay_s=setting.delay_s
        )
        self.sim = sim
        self.setting = setting

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

    async def gaps(self, run: Any) -> list[dict[str, Any]]:
        return await self.of_type(run, GAP)

    async def ends(self, run: Any) -> list[dict[str, Any]]:
        return await self.of_type(run, RUN_ENDED)

    def truth_ids(self, run: Any) -> list[str]:
        """Every event id ever committed, in the order of their commits."""
        return [event["id"] for event in self.sim.truth(run)["committed"]]


def play(
    scenario: Callable[[Stage], Coroutine[Any, Any, None]],
    setting: Setting | None = None,
    *,
    may_stream: bool = True,
    delay_s: float = DELAY_S,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        chosen = setting or Setting(may_stream=may_stream, delay_s=delay_s)
        async with set_stage(chosen, **knobs) as set_up:
            await scenario(set_up)

    run_virtually(main())


@asynccontextmanager
async def set_stage(setting: Setting, **knobs: object) -> AsyncIterator[Stage]:
    async with (
        Simulator(knobs=knobs, seed=setting.seed, clock=loop_clock()) as sim,
        asyncio.TaskGroup() as group,
        playing(Stage(sim, setting, group)) as set_up,
    ):
        yield set_up
