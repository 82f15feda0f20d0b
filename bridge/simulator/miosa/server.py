"""The simulator of this service: an object for tests, and what the program runs."""

from __future__ import annotations

from typing import Unpack

from bridge.simulator.kit.server import Listener
from bridge.simulator.kit.service import Options
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
        host: str = "127.0.0.1",
        port: int = 0,
        allow_remote_control: bool = False,
        **how: Unpack[Options],
    ) -> None:
        Things.__init__(self, **how)
        control = ThingControl(self, allow_remote=allow_remote_control)
        Listener.__init__(self, self, Gate(self.world), control, host=host, port=port)
