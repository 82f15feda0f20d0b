"""Scenarios: each does what it says, for ever, and repeats with its seed."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.scenarios import SCENARIOS, Stage
from bridge.simulator.mogplex.server import Simulator
from bridge.simulator.mogplex.truth import truth_of
from bridge.simulator.mogplex.world import World


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
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_repeats_with_its_seed(name: str) -> None:
    def picture(seed: int) -> list[dict[str, Any]]:
        world = played(name, 4.0 if name == "storm" else 120.0, seed, speed=4.0)
        return [truth_of(run, world.knobs) for run in world.store.runs.values()]

    first = picture(11)
    assert first == picture(11)
    assert name == "empty" or first != picture(12)


@pytest.mark.slow
def test_lively_goes_on_for_ever_and_keeps_a_bounded_number_of_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.simulator.mogplex.scenarios.ENDED_KEPT", 30)
    world = played("lively", 2 * 3_600.0)
    going = [run for run in world.store.runs.values() if not run.is_terminal]
    assert 3 <= len(going) <= 6
    assert 30 < len(world.store.runs) <= 36
    outcomes = {run.status for run in world.store.runs.values()}
    assert {"success", "failed", "cancelled"} <= outcomes


@pytest.mark.slow
def test_storm_is_dense() -> None:
    world = played("storm", 130.0)
    assert sum(len(run.commits) for run in world.store.runs.values()) == 20 * 2_000


def test_quiet_is_quiet() -> None:
    world = played("quiet", 600.0)
    counts = [len(run.commits) for run in world.store.runs.values()]
    assert all(2 <= count <= 25 for count in counts)


def test_failures_shows_each_way_to_end() -> None:
    world = played("failures", 300.0)
    runs = list(world.store.runs.values())
    ends = [
        (
            run.status,
            [
                e.draft.type
                for e in run.commits
                if e.draft.type in {"finished", "failed", "cancelled"}
            ],
        )
        for run in runs
    ]
    assert ends == [
        ("success", ["finished"]),
        ("failed", ["failed"]),
        ("failed", ["failed", "failed"]),
        ("failed", []),
        ("success", ["finished"]),
        ("cancelled", ["cancelled"]),
        ("cancelled", ["cancelled"]),
        ("failed", []),
        ("cancelled", ["finished"]),
    ]
    assert runs[4].commits[-1].draft.type == "log"
    assert [event.draft.type for event in runs[7].commits] == ["started"]


def test_segments_end_in_their_second_segment() -> None:
    world = played("segments", 300.0)
    for run in world.store.runs.values():
        assert run.status == "success"
        assert len({event.ai_call_id for event in run.commits}) == 2
        assert run.reading[-1].draft.type == "finished"


def test_empty_is_empty() -> None:
    assert not played("empty", 3_600.0).store.runs


def test_every_scenario_has_a_description() -> None:
    assert set(SCENARIOS) >= {"lively", "quiet", "storm", "long", "failures", "empty"}
    assert all(len(scenario.description) > 20 for scenario in SCENARIOS.values())


def test_an_unknown_scenario_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="no scenario 'livly'; there are lively"):
        Simulator(scenario="livly")
