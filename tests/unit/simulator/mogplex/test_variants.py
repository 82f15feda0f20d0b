"""Payloads of every odd shape, and that each is what its name says."""

from __future__ import annotations

from typing import Any

from bridge.simulator.kit.clock import ManualClock
from bridge.simulator.mogplex.director import Director
from bridge.simulator.mogplex.knobs import VARIANT_NAMES, Knobs
from bridge.simulator.mogplex.store import Run
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
