"""The simulator of this service: an object for tests, and what the program runs."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.server import Listener
from bridge.simulator.moot.control import SpaceControl
from bridge.simulator.moot.gate import Gate
from bridge.simulator.moot.service import Spaces


class Simulator(Spaces, Listener):
    """One simulated service on a port of its own, in the caller's event loop.

        async with Simulator(knobs={"frame": "wrapped"}, seed=7) as sim:
            space = sim.create_space("sprint", events=35)
            ...  # talk to sim.url

    With a `ManualClock` as `clock`, time stands still until the test moves it.
    """

    def __init__(
        self,
        *,
        knobs: Mapping[str, object] | None = None,
        seed: int = 1,
        scenario: str = "empty",
        speed: float = 1.0,
        clock: SimClock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote_control: bool = False,
    ) -> None:
        Spaces.__init__(self, knobs=knobs, seed=seed, scenario=scenario, speed=speed, clock=clock)
        Listener.__init__(self, host, port)
        self._gate = Gate(self.world)
        self._control = SpaceControl(self, allow_remote=allow_remote_control)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await self._gate.handle(request)

    async def answer_control(self, request: web.Request) -> web.StreamResponse:
        return await self._control.handle(request)

    def opened(self) -> None:
        self.reset()

    def closing(self) -> None:
        self.director.stop()
        for stream in tuple(self.world.streams):
            stream.cut("clean")
