"""Random servers and random lives of runs, for the test against the oracle."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

from bridge.core.errors import Failure
from tests.stages.mogplex import Setting, Stage

FAULTS = (
    "html_5xx", "reset", "database", "crash", "lost_reply", "cut_body", "not_json", "slow",
    "empty_page",
)  # fmt: skip
RETRY_AFTER = ("1", "7", "60", "4000", "-3", "soon", "", "Wed, 21 Oct 2099 07:28:00 GMT", None)
ODD = ("lone_surrogate", "deep", "preview", "secret_message", "many_keys", "big_number")


def random_setting(chance: random.Random, seed: int) -> Setting:
    return Setting(
        may_stream=chance.random() < 0.7,
        seed=seed,
        delay_s=chance.choice([0.002, 0.02, 0.2]),
        skew_s=chance.choice([0.0, 0.0, 0.0, -95.0, 4000.0]),
    )


def random_knobs(chance: random.Random) -> dict[str, Any]:
    """One server generation, with any mix of its other faults."""
    generation = chance.choice(
        ["newer", "newer", "newer", "older", "first_stream", "broken_listener"]
    )
    knobs: dict[str, Any] = {
        "newer": {"window": "tail", "stream": "v2"},
        "older": {"window": "head", "stream": "absent", "tie_order": "arbitrary"},
        "first_stream": {"window": "head", "stream": "v1"},
        "broken_listener": {"window": "tail", "stream": "broken"},
    }[generation]
    knobs |= {
        "stream_max_s": chance.choice([800.0, 800.0, 7.0, 2.0]),
        "stream_cut": chance.choice(["between_frames", "mid_frame", "clean"]),
        "segment_stream": chance.choice(["silent", "ends"]),
        "stream_comment_s": chance.choice([0.0, 0.0, 15.0]),
        "terminal_order": chance.choice(
            [
                "natural",
                "event_first",
                "row_first",
                "row_only",
                "double_failed",
                "logs_after_finished",
            ]
        ),
        "terminal_gap_s": chance.choice([0.0, 0.5, 2.0]),
        "time_format": chance.choice(["micros_offset", "millis_z"]),
        "touch_row": chance.random() < 0.8,
        "payloads": chance.choice([(), (), ODD]),
        "gzip": chance.random() < 0.3,
        "delay_s": chance.choice([0.0, 0.05, 0.8]),
        "status_regress": chance.choice(["off", "off", "off", "cancelled", "failed"]),
        "limiter_instances": chance.choice([1, 1, 1, 3]),
    }
    if chance.random() < 0.02:
        knobs["payloads"] = ("long_message",)
    if knobs["window"] == "tail" and chance.random() < 0.3:
        knobs |= {"late_commit_every": chance.choice([3, 10]), "late_commit_s": 1.5}
    if knobs["window"] == "tail" and chance.random() < 0.3:
        knobs["segment_switch"] = chance.choice([10, 60])
        knobs["segment_pause_s"] = chance.choice([2.0, 45.0, 45.0])
    return knobs


async def accepted_runs(stage: Stage, chance: random.Random) -> list[Any]:
    """Runs as upstream accepts them: the first event is written together with the row (1.7)."""
    runs = [stage.sim.create_run() for _ in range(3)]
    for run in runs:
        stage.sim.append(run, {"type": "started", "message": "External Mogplex run accepted"})
    await asyncio.sleep(1.0)
    for run in runs:
        stage.sim.set_status(run, "streaming")
        stage.sim.append(run, chance.choice([0, 1, 30]))
    return runs


async def live(stage: Stage, run: Any, chance: random.Random) -> None:
    """Let a run grow by bursts and pauses, with faults, and end."""
    for _ in range(chance.randrange(1, 30)):
        await asyncio.sleep(chance.choice([0.1, 1.0, 3.0, 20.0]))
        _grow(stage, run, chance)
        if chance.random() < 0.1:
            _disturb(stage, chance)
        if chance.random() < 0.05:
            stage.sim.cut_streams(chance.choice(["mid_frame", "silent"]))
    if 0 < stage.sim.knobs.segment_switch - run.drafted <= 4:
        stage.sim.append(run, 4)  # the simulator cannot pause a run by the event that ends it
    while stage.sim.truth(run)["run"]["status"] == "awaiting_input":
        await asyncio.sleep(1.0)
    stage.sim.finish(run, chance.choice(["success", "failed", "cancelled"]))


def _grow(stage: Stage, run: Any, chance: random.Random) -> None:
    count = chance.choice([1, 1, 2, 5, 5, 20, 60])
    if chance.random() < 0.3 and not run.resumes:
        # One transaction: all of them have the instant at which it began.
        began = datetime.fromtimestamp(stage.sim.clock.now() - 0.002, UTC).isoformat()
        stage.sim.append(run, count, created_at=began)
    else:
        stage.sim.append(run, count)


def _disturb(stage: Stage, chance: random.Random) -> None:
    how: dict[str, Any] = {}
    kind = chance.choice((*FAULTS, "reply"))
    if kind == "slow":
        how = {"delay_s": chance.choice([4.0, 12.0])}
    elif kind == "reply":
        how = {
            "status": 429,
            "code": "RATE_LIMITED",
            "retry_after": chance.choice(RETRY_AFTER),
        }
    stage.sim.fault(kind, times=chance.choice([1, 1, 3]), **how)


async def use_token_elsewhere(stage: Stage, chance: random.Random) -> None:
    """Another program with the same token, for ever."""
    http = stage.http()
    try:
        while True:
            await asyncio.sleep(chance.expovariate(1 / 4.0))
            reply = await http.get("repos", "/api/v1/mogplex/repos", {"limit": "1"})
            if isinstance(reply, Failure) or reply.status == 429:
                await asyncio.sleep(30.0)
    finally:
        await http.close()
