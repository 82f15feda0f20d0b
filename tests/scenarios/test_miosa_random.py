"""Random lives of all seven kinds with kills, cuts, refusals and every knob, against the truth.

For a run the journal holds exactly what upstream committed, in its order. For the other kinds every
event is there once and in order from the first connect on, and where one is missing a gap says so.
`BRIDGE_MIOSA_SEEDS=1000` tries more seeds.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest

from bridge.simulator.miosa.store import Thing
from tests.stages.miosa import KEY, Setting, Stage, numbered, play

KINDS = ("run", "sandbox", "computer", "build", "snapshot", "deployment", "tenant")
SEEDS = int(os.environ.get("BRIDGE_MIOSA_SEEDS", "20"))  # a second each
FAULTS = ("html_5xx", "reset", "not_json", "lost_reply", "cut_body")


def knobs_of(chance: random.Random) -> dict[str, Any]:
    return {
        "ticket_path": chance.choice(["both", "sse", "auth"]),
        "tickets": chance.choice(["documented", "all", "none"]),
        "ticket_shape": chance.choice(["bare", "wrapped"]),
        "runs_path": chance.choice(["runs", "agent_runs", "both"]),
        "envelope": chance.choice(["nested", "flat", "top", "list", "plain"]),
        "lower_codes": chance.random() < 0.3,
        "run_page": chance.choice(["data_events", "data_list", "events", "items", "bare"]),
        "row_shape": chance.choice(["documented", "wrapped", "bare"]),
        "clamp": chance.choice([0, 0, 7, 50]),
        "run_stream": chance.choice(["live", "live", "replay", "json", "missing", "empty"]),
        "ids": chance.choice(["documented", "all", "none"]),
        "id_place": chance.choice(["after", "before"]),
        "resume": chance.choice(["documented", "all", "none"]),
        "done": chance.choice(["off", "sentinel"]),
        "heartbeat": chance.choice(["comment", "tight", "named", "ping", "off"]),
        "line_ends": chance.choice(["lf", "crlf", "cr"]),
        "split": chance.choice(["off", "halves"]),
        "stream_max_s": chance.choice([0.0, 0.0, 30.0, 5.0]),
        "stream_cut": chance.choice(["between_frames", "mid_frame", "clean"]),
        "row_first": chance.random() < 0.4,
        "row_gap_s": chance.choice([0.2, 2.0, 3.5]),
        "limiter_limit": 120,
        "limiter_wait": chance.choice(["header", "body_ms", "body_s", "none"]),
    }


def say(stage: Stage, thing: Thing, count: int) -> None:
    if thing.kind in ("run", "tenant"):
        stage.sim.append(thing, count)
    else:
        stage.sim.append(thing, numbered(thing, count))


async def live(stage: Stage, things: list[Thing], chance: random.Random) -> None:
    """Two minutes in which anything may happen."""
    for _ in range(25):
        for thing in things:
            if chance.random() < 0.7:
                say(stage, thing, chance.choice([1, 1, 2, 9]))
        match chance.randrange(9):
            case 0:
                stage.sim.cut_streams(chance.choice(["between_frames", "mid_frame", "clean"]))
            case 1:
                await stage.restart()
            case 2:
                stage.sim.fault(chance.choice(FAULTS), times=chance.choice([1, 3]))
            case 3:
                stage.sim.knobs.change({"not_ready": 2})
        await asyncio.sleep(chance.choice([0.3, 2.0, 5.0, 12.0]))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_the_journal_tells_what_upstream_committed(seed: int) -> None:
    chance = random.Random(seed)

    async def scenario(stage: Stage) -> None:
        things = [stage.sim.create(kind) for kind in KINDS]
        for kind in ("run", "sandbox"):
            things.append(stage.sim.create(kind))
        await stage.follow(*things)
        await asyncio.sleep(60)
        await live(stage, things, chance)
        stage.sim.base.faults.clear()
        await asyncio.sleep(120)
        for thing in things:
            if thing.kind != "tenant":
                end(stage, thing, chance)
        await asyncio.sleep(400)
        for thing in things:
            told = await stage.told(thing)
            assert told.failures == [], thing.kind
            if thing.kind == "run":
                told.assert_whole()
            else:
                told.assert_honest(may_repeat=False)
            if thing.kind != "tenant":
                told.assert_ended()
        book = stage.sim.world.tickets
        assert book.used_twice == 0
        # A ticket whose reply never came, or whose process was killed between two requests.
        lost = sum(r.fault in ("lost_reply", "cut_body") for r in stage.asked("ticket"))
        assert book.unused <= 3 * len(stage.stopped_at) + lost
        assert stage.sim.refused(KEY) == 0

    play(scenario, Setting(per_minute=120, seed=seed, delay_s=chance.choice([0.002, 0.05])),
         **knobs_of(chance))  # fmt: skip


def end(stage: Stage, thing: Thing, chance: random.Random) -> None:
    """End one thing; what has no last event of its own ends by its row alone."""
    if thing.kind == "run":
        stage.sim.finish(thing, chance.choice(["succeeded", "failed", "canceled"]))
    else:
        say(stage, thing, 1)
        words = {"sandbox": "destroyed", "computer": "deleted", "deployment": "live"}
        stage.sim.set_status(thing, words.get(thing.kind, "ready"))
