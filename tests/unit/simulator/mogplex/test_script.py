"""Lifelike runs: shape, size, order, determinism."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import Knobs
from bridge.simulator.mogplex.script import EVENTS_MIN, write_script
from bridge.simulator.mogplex.store import EVENT_TYPES, Run
from bridge.simulator.mogplex.truth import truth_of
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


@pytest.mark.parametrize("outcome", ["success", "failed", "cancelled"])
@pytest.mark.parametrize("events", [EVENTS_MIN, 20, 35, 450])
def test_a_run_has_as_many_events_as_asked(outcome: str, events: int) -> None:
    run = performed(events=events, duration_s=300.0, outcome=outcome)
    assert len(run.commits) == events
    assert run.status == outcome


def test_a_run_follows_the_usual_order_of_events() -> None:
    run = performed(events=60, duration_s=300.0)
    first = [(event.draft.type, event.draft.message) for event in run.commits[:6]]
    assert first[0] == ("started", "External Mogplex run accepted")
    assert first[1][0] == "started"
    assert first[1][1] is not None
    assert first[1][1].startswith("Harness run started: ")
    assert [kind for kind, _ in first[2:]] == ["log", "log", "log", "status_changed"]
    moved = run.commits[5].draft.payload
    assert (moved["from"], moved["to"]) == ("pending", "streaming")
    assert "pull_request_url" in run.commits[-2].draft.payload
    last = run.commits[-1].draft
    assert (last.type, last.message) == ("finished", "Harness run finished")


def test_only_types_of_the_contract_appear_and_tools_come_in_pairs() -> None:
    run = performed(events=300, duration_s=600.0)
    kinds = [event.draft.type for event in run.commits]
    assert set(kinds) <= set(EVENT_TYPES)
    started = [e.draft.payload["toolCallId"] for e in run.commits if e.draft.type == "tool_started"]
    done = [e.draft.payload["toolCallId"] for e in run.commits if e.draft.type == "tool_finished"]
    assert len(started) > 50
    assert done in (started, started[:-1])
    deltas = [e for e in run.commits if e.draft.payload.get("kind") == "assistant_delta"]
    assert len(deltas) > 50
    assert all(event.draft.message for event in run.commits)


def test_a_run_has_bursts_and_pauses_and_lasts_as_long_as_asked() -> None:
    steps = write_script(Random(3), events=200, duration_s=1_200.0)
    assert steps[-2].at_s == pytest.approx(1_200.0)
    gaps = sorted(later.at_s - earlier.at_s for earlier, later in pairwise(steps))
    median_s = gaps[len(gaps) // 2]
    assert gaps[-1] > 4 * median_s
    assert gaps[len(gaps) // 10] < median_s / 3


def test_the_same_seed_gives_the_same_run_byte_for_byte() -> None:
    def picture(seed: int) -> dict[str, Any]:
        run = performed(seed, events=120, duration_s=300.0)
        return truth_of(run, Knobs())

    assert picture(4) == picture(4)
    assert picture(4) != picture(5)
