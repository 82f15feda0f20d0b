"""The simulator of this service: an object for tests, and what the program runs."""

from __future__ import annotations

from typing import Unpack

from bridge.simulator.kit.server import Listener
from bridge.simulator.kit.service import Options
from bridge.simulator.moot.control import SpaceControl
from bridge.simulator.moot.gate import Gate
from bridge.simulator.moot.service import Spaces


class Simulator(Spaces, Listener):
    """One simulated service on a port of its own, in the caller's event loop.

    async with Simulator(knobs={"frame": "wrapped"}, seed=7) as sim:
        space = sim.create_space("sprint", events=35)
        ...  # talk to sim.url
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote_control: bool = False,
        **how: Unpack[Options],
    ) -> None:
        Spaces.__init__(self, **how)
        control = SpaceControl(self, allow_remote=allow_remote_control)
        Listener.__init__(self, self, Gate(self.world), control, host=host, port=port)
