"""The simulator of this service: an object for tests, and what the program runs."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bridge.simulator.kit.clock import SimClock
from bridge.simulator.kit.server import Listener
from bridge.simulator.miosa.control import ThingControl
from bridge.simulator.miosa.gate import Gate
from bridge.simulator.miosa.service import Things


class Simulator(Things, Listener):
    """One simulated service on a port of its own, in the caller's event loop.

    async with Simulator(knobs={"ticket_path": "auth"}, seed=7) as sim:
        build = sim.create("build", events=35)
        ...  # talk to sim.url + "/api/v1"
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
        Things.__init__(self, knobs=knobs, seed=seed, scenario=scenario, speed=speed, clock=clock)
        Listener.__init__(self, host, port)
        self._gate = Gate(self.world)
        self._control = ThingControl(self, allow_remote=allow_remote_control)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        return await self._gate.handle(request)

    async def answer_control(self, request: web.Request) -> web.StreamResponse:
        return await self._control.handle(request)

    def opened(self) -> None:
        self.reset()

    def closing(self) -> None:
        for stream in tuple(self.world.streams):
            stream.cut("clean")
