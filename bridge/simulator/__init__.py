"""The upstream services, simulated: the same APIs, limits and faults, without an account.

They share no code with the rest of the package, so a misreading of the contract shows as a
difference between the two. All of them are built from `kit`; each other folder is one service.
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
