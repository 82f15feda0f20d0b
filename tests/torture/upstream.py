"""Load: runs that begin, work in bursts and end, on the simulated upstream; and the truth."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from bridge.simulator import Simulator
from bridge.simulator.mogplex import scenarios
from bridge.simulator.mogplex.store import Run

# The end of a run is believed after a grace of seconds, and for a while no life may last as long.
# Upstream must not have forgotten the run by then, as the simulator would.
scenarios.ENDED_KEPT = 10_000

RUNS_AT_ONCE = 4
# Below a page of upstream (200 events): a window that slides is not what is tested here.
EVENTS_MIN, EVENTS_MAX = 20, 90
_BURSTS = (1, 1, 2, 5, 12, 25)
_PAUSES_S = (0.0, 0.02, 0.1, 0.5, 1.5)
BURSTS_A_RUN = 12  # 144 events
_LONG_ONE_IN = 40  # events with a long message: a write that a kill can cut
_LONG_CHARACTERS = 20_000


class Load:
    """Keeps some runs busy until it is told to stop; then all of them come to their end."""

    def __init__(self, sim: Simulator, listed: Path, chance: random.Random) -> None:
        self._sim, self._listed, self._chance = sim, listed, chance
        self._stopping = False
        self._bursting: Run | None = None
        self._bursts_left = 0
        # The runs themselves: the simulator forgets the oldest ones that have ended.
        self._runs: list[Run] = []
        listed.touch()

    def stop(self) -> None:
        self._stopping = True
        self._end_burst()

    async def run(self) -> None:
        """Returns when it was stopped and every run has ended."""
        async with asyncio.TaskGroup() as group:
            for _ in range(RUNS_AT_ONCE):
                group.create_task(self._one_after_another())

    def burst(self) -> None:
        """A quarter of a megabyte at once, in a run that others of these share."""
        if self._bursting is None:
            self._bursting = self._begin()
            self._bursts_left = BURSTS_A_RUN
        message = "b" * _LONG_CHARACTERS
        self._sim.append(self._bursting, [{"type": "log", "message": message}] * 12)
        self._bursts_left -= 1
        if self._bursts_left == 0:
            self._end_burst()

    def _end_burst(self) -> None:
        if self._bursting is not None:
            self._sim.finish(self._bursting, order="event_first", gap_s=0.1)
            self._bursting = None

    def fail(self, error: str) -> None:
        """One more run, which fails with this text in its row."""
        run = self._begin()
        self._sim.append(run, EVENTS_MIN)
        self._sim.finish(run, "failed", order="event_first", error=error, gap_s=0.1)

    def _begin(self) -> Run:
        run = self._sim.create_run(status="streaming")
        self._runs.append(run)
        with self._listed.open("a") as file:
            file.write(f"{run.id}\n")
        return run

    async def _one_after_another(self) -> None:
        while not self._stopping:
            run = self._begin()
            left = self._chance.randint(EVENTS_MIN, EVENTS_MAX)
            while left > 0:
                count = min(left, self._chance.choice(_BURSTS))
                self._sim.append(run, count)
                if self._chance.randrange(_LONG_ONE_IN) < count:
                    message = self._chance.choice("abc") * _LONG_CHARACTERS
                    self._sim.append(run, {"type": "log", "message": message})
                left -= count
                await asyncio.sleep(0.0 if self._stopping else self._chance.choice(_PAUSES_S))
            self._sim.finish(run, order="event_first", gap_s=0.1)

    @property
    def run_count(self) -> int:
        return len(self._runs)

    def truth(self) -> dict[str, list[str]]:
        """Run id -> ids of its events, in the order upstream committed them."""
        return {
            run.id: [event["id"] for event in self._sim.truth(run)["committed"]]
            for run in self._runs
        }
