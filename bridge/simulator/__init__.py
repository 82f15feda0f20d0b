"""The upstream services, simulated: the same APIs, limits and faults, without an account.

They share no code with the rest of the package, so that one misreading of the contract cannot hide
on both sides. `kit` is what all of them are made of; each other folder is one service.
"""

from bridge.simulator.kit.clock import ManualClock, RealClock, SimClock
from bridge.simulator.kit.knobs import KnobError
from bridge.simulator.kit.scenarios import Scenario
from bridge.simulator.mogplex.knobs import OLDER_SERVER, Knobs
from bridge.simulator.mogplex.scenarios import SCENARIOS
from bridge.simulator.mogplex.server import Simulator
from bridge.simulator.mogplex.store import Draft
from bridge.simulator.moot.server import Simulator as MootSimulator
from bridge.simulator.profiles import PROFILES, Profile, run, serve

__all__ = [
    "OLDER_SERVER",
    "PROFILES",
    "SCENARIOS",
    "Draft",
    "KnobError",
    "Knobs",
    "ManualClock",
    "MootSimulator",
    "Profile",
    "RealClock",
    "Scenario",
    "SimClock",
    "Simulator",
    "run",
    "serve",
]
