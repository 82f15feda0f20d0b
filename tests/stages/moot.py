"""The simulated moot service, one account and the whole way in, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bridge.simulator import MootSimulator
from bridge.sources.moot.settings import MootAccount
from bridge.sources.moot.source import MootSource
from tests.stages.stage import Stage, loop_clock, playing
from tests.virtual_clock import run_virtually

KEY = "convo_key_" + "Stage0000" * 2
EVENT = "io.mootup.space.event."
STATUS = "io.mootup.space.status"
ENDED = "bridge.space.ended"
GAP = "bridge.gap"
FAILED = "bridge.follow.failed"


class MootStage(Stage):
    """What a scenario has at hand. Build with `play`."""

    KIND = "space"
    EVENTS = EVENT
    TOKEN = KEY

    def __init__(
        self, sim: MootSimulator, group: asyncio.TaskGroup, settings: dict[str, Any]
    ) -> None:
        keys = {key: value for key, value in settings.items() if key != "origin"}
        section = MootAccount(token_env="T", **{"requests_per_minute": 600, **keys})
        super().__init__(sim, section, group, origin=settings.get("origin", "http://127.0.0.1"))
        self.sim = sim

    @property
    def source(self) -> MootSource:
        source = self.accounts.sources["default"]
        assert isinstance(source, MootSource)
        return source

    async def statuses(self, space: Any) -> list[str]:
        return [data["status"] for data in await self.of_type(space, STATUS)]

    def truth(self, space: Any) -> list[str]:
        """Ids of every event ever visible, in that order."""
        return [event["event_id"] for event in self.sim.truth(space)["committed"]]

    def asked(self, *endpoints: str) -> int:
        return sum(r.endpoint in endpoints for r in self.sim.requests)


async def caught_up(stage: MootStage, space: Any) -> None:
    """Everything upstream has is here, in its order and once."""
    assert await stage.event_ids(space) == stage.truth(space)


def play(
    scenario: Callable[[MootStage], Coroutine[Any, Any, None]],
    settings: dict[str, Any] | None = None,
    **knobs: object,
) -> None:
    """Run one scenario from an empty stage to its end, on a fresh virtual loop."""

    async def main() -> None:
        async with set_stage(settings or {}, **knobs) as stage:
            await scenario(stage)

    run_virtually(main())


@asynccontextmanager
async def set_stage(settings: dict[str, Any], **knobs: object) -> AsyncIterator[MootStage]:
    async with (
        MootSimulator(knobs=knobs, clock=loop_clock()) as sim,
        asyncio.TaskGroup() as group,
        playing(MootStage(sim, group, settings)) as stage,
    ):
        yield stage
