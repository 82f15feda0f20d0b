"""Scripts in play: how large they are drawn, how fast they go."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.scenarios import SCENARIOS, Stage
from bridge.simulator.mogplex.store import Run
from bridge.simulator.mogplex.world import World


def performed(seed: int = 1, knobs: dict[str, object] | None = None, **shape: Any) -> Run:
    clock = ManualClock()
    server = Knobs()
    server.change(knobs or {})
    world = World(clock, server, seed)
    run = world.create_run()
    Director(world).play_lifelike(run, **shape)
    clock.advance(24 * 3_600.0)
    return run


def played(name: str, seconds: float, seed: int = 1, speed: float = 1.0) -> World:
    clock = ManualClock()
    knobs = Knobs()
    scenario = SCENARIOS[name]
    knobs.change(scenario.knobs)
    world = World(clock, knobs, seed)
    stage = Stage(world, Director(world, speed), seed)
    world.lifecycle.on_end = stage.ended
    scenario.begin(stage)
    clock.advance(seconds)
    return world


@pytest.mark.slow
def test_drawn_sizes_stay_within_20_to_2000_events_and_1_to_40_minutes() -> None:
    sizes = []
    for seed in range(25):
        run = performed(seed)
        assert 20 <= len(run.commits) <= 2_000
        seconds = (run.commits[-1].created_us - run.created_us) / 1e6
        assert 55.0 <= seconds <= 40 * 60.0 + 5.0
        sizes.append(len(run.commits))
    assert len(set(sizes)) > 15


@pytest.mark.slow
def test_speed_compresses_time() -> None:
    slow = played("long", 2_460.0)
    fast = played("long", 246.0, speed=10.0)
    for world in (slow, fast):
        counts = sorted(len(run.commits) for run in world.store.runs.values())
        assert counts == [450, 2_000]
        assert {run.status for run in world.store.runs.values()} == {"success"}
