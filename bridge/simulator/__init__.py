"""The upstream service, simulated: the same API, limits and faults, without an account.

It shares no code with the rest of the package, so that one misreading of the contract cannot hide
on both sides.
"""

from bridge.simulator.clock import ManualClock, RealClock, SimClock
from bridge.simulator.knobs import OLDER_SERVER, KnobError, Knobs
from bridge.simulator.scenarios import SCENARIOS, Scenario
from bridge.simulator.server import Simulator, run, serve
from bridge.simulator.store import Draft

__all__ = [
    "OLDER_SERVER",
    "SCENARIOS",
    "Draft",
    "KnobError",
    "Knobs",
    "ManualClock",
    "RealClock",
    "Scenario",
    "SimClock",
    "Simulator",
    "run",
    "serve",
]
