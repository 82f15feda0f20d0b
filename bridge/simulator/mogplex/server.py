"""The simulator of this service: an object for tests, and what the program runs."""

from __future__ import annotations

from typing import Unpack

from bridge.simulator.kit.server import Listener
from bridge.simulator.kit.service import Options
from bridge.simulator.mogplex.control import RunControl
from bridge.simulator.mogplex.gate import Gate
from bridge.simulator.mogplex.service import Runs


class Simulator(Runs, Listener):
    """One simulated service on a port of its own, in the caller's event loop.

    async with Simulator(knobs={"window": "head"}, seed=7) as sim:
        run = sim.create_run(events=35)
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
        Runs.__init__(self, **how)
        control = RunControl(self, allow_remote=allow_remote_control)
        Listener.__init__(self, self, Gate(self.world), control, host=host, port=port)
