"""Lifelike runs and scenarios: shape, size, determinism."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import VARIANT_NAMES, Knobs
from bridge.simulator.mogplex.scenarios import SCENARIOS, Stage
from bridge.simulator.mogplex.script import EVENTS_MIN, write_script
from bridge.simulator.mogplex.server import Simulator
from bridge.simulator.mogplex.store import EVENT_TYPES, Run
from bridge.simulator.mogplex.truth import truth_of
from bridge.simulator.mogplex.variants import VARIANTS
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


def test_drawn_sizes_stay_within_20_to_2000_events_and_1_to_40_minutes() -> None:
    sizes = []
    for seed in range(25):
        run = performed(seed)
        assert 20 <= len(run.commits) <= 2_000
        seconds = (run.commits[-1].created_us - run.created_us) / 1e6
        assert 55.0 <= seconds <= 40 * 60.0 + 5.0
        sizes.append(len(run.commits))
    assert len(set(sizes)) > 15


def test_the_same_seed_gives_the_same_run_byte_for_byte() -> None:
    def picture(seed: int) -> dict[str, Any]:
        run = performed(seed, events=120, duration_s=300.0)
        return truth_of(run, Knobs())

    assert picture(4) == picture(4)
    assert picture(4) != picture(5)


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
def test_speed_compresses_time() -> None:
    slow = played("long", 2_460.0)
    fast = played("long", 246.0, speed=10.0)
    for world in (slow, fast):
        counts = sorted(len(run.commits) for run in world.store.runs.values())
        assert counts == [450, 2_000]
        assert {run.status for run in world.store.runs.values()} == {"success"}


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


def test_payload_variants_replace_every_fifth_log() -> None:
    run = performed(knobs={"payloads": list(VARIANT_NAMES)}, events=200, duration_s=60.0)
    expected = [VARIANTS[name]().message for name in VARIANT_NAMES]
    found = [event.draft.message for event in run.commits if event.draft.message in expected]
    assert set(found) == set(expected)
    plain = performed(events=200, duration_s=60.0)
    assert not any(event.draft.message in expected for event in plain.commits)


def test_every_variant_does_what_its_name_says() -> None:
    world = World(ManualClock(), Knobs(), 1)
    run = world.create_run()
    wire = {
        name: world.lifecycle.append(run, [VARIANTS[name]()])[0].wire("micros_offset")
        for name in VARIANT_NAMES
    }
    assert b"\\ud83d\\n...[truncated 17 chars]" in wire["lone_surrogate"]
    assert b'"key24":24}' in wire["many_keys"]
    assert b'"three":"[truncated]"' in wire["deep"]
    assert b'"leaf":2' in wire["deep"]
    assert b'"payload":{"truncated":true,"payloadPreview":"' in wire["preview"]
    assert wire["secret_message"].count(b"ghp_") == 1  # in the message, not in the payload
    assert b"mog_Ab3dEf6hIj9lMn2pQr5tUv8x" in wire["mog_value"]
    assert len(wire["long_message"]) > 100_000
    assert b"12345678901234567000" in wire["big_number"]
    assert b'"inputTokens":"[redacted]"' in wire["big_number"]
    assert b"\xff\xfe" in wire["bad_utf8"]
    assert b"7" * 5_000 in wire["huge_number"]
    assert b"[" * 10_000 in wire["no_end"]
