"""A secret in every text that moot or MIOSA sends, and in keys and tickets: none comes out.

What comes out is looked at as a whole: records, views, metrics with exemplars, and log lines of
every level. No id of a feed is a label.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest
from prometheus_client.openmetrics import exposition

from bridge import log as logs
from bridge.redact import Redactor
from bridge.simulator.moot.store import Draft
from bridge.wire.jsontext import dumps
from tests.stages import miosa, moot
from tests.stages.stage import Stage

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
SAID = f"deploy with GITHUB_TOKEN={SECRET} now"
DEEP = {"note": SAID, "list": [SAID, {"inner": SAID}], "password": SECRET, SECRET: 1}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, of every level."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure(Redactor().twin().value, level="debug", form="json", stream=stream, environ={})
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def everything(stage: Stage, lines: io.StringIO) -> str:
    records = b"\n".join(record.body for record in await stage.records()).decode()
    views = [stage.follows.view(e.feed.feed.kind, e.feed.feed.id) for e in stage.follows.entries()]
    metrics = generate_latest(stage.metrics.registry).decode()
    return "\n".join((records, dumps(views).decode(), metrics, exemplars(stage), lines.getvalue()))


def exemplars(stage: Stage) -> str:
    return exposition.generate_latest(stage.metrics.registry).decode()


def assert_no_id_is_a_label(stage: Stage, ids: list[str]) -> None:
    metrics = generate_latest(stage.metrics.registry).decode()
    labels = set(re.findall(r'="([^"]*)"', metrics))
    assert not labels & set(ids)


def test_nothing_of_moot_brings_a_secret_out(lines: io.StringIO) -> None:
    async def scenario(stage: moot.MootStage) -> None:
        space = stage.sim.create_space("canary", description=SAID)
        await stage.follow(space)
        await asyncio.sleep(5)
        stage.sim.append(
            space,
            [Draft(text=SAID, raw={"metadata": {"message_type": "bug", **DEEP}, "more": DEEP})] * 3,
        )
        await asyncio.sleep(5)
        for kind in ("html_5xx", "not_json"):
            stage.sim.fault(kind, times=2)
        stage.sim.fault("reply", status=403, message=SAID)
        stage.sim.cut_streams("mid_frame")
        await asyncio.sleep(90)
        told = await everything(stage, lines)
        assert len(await stage.event_ids(space)) == 3
        assert SECRET not in told
        assert stage.TOKEN not in told
        assert_no_id_is_a_label(stage, [space.id])

    moot.play(scenario)


@pytest.mark.parametrize("kind", ["run", "sandbox", "computer", "build", "snapshot", "deployment"])
def test_nothing_of_miosa_brings_a_secret_or_a_ticket_out(kind: str, lines: io.StringIO) -> None:
    async def scenario(stage: miosa.Stage) -> None:
        columns = {"instruction": SAID, "error_message": SAID, "metadata": DEEP, "name": SAID}
        thing = stage.sim.create(kind, **columns)
        await stage.follow(thing)
        await asyncio.sleep(10)
        said: Any = SAID if kind == "deployment" else {"message": SAID, "line": SAID, "more": DEEP}
        stage.sim.append(thing, [("log", said)] * 3)
        await asyncio.sleep(10)
        stage.sim.fault("reply", status=409, code="SANDBOX_RUNTIME_UNAVAILABLE", message=SAID)
        stage.sim.cut_streams("mid_frame")
        await asyncio.sleep(60)
        stage.sim.fault("reply", status=403, code=SECRET, message=SAID, times=9)
        stage.sim.cut_streams()
        await asyncio.sleep(200)
        told = await everything(stage, lines)
        assert len((await stage.told(thing)).events) == 3
        assert SECRET not in told
        assert stage.TOKEN not in told
        tickets = stage.sim.world.tickets.given
        assert bool(tickets) is (kind not in ("computer", "deployment"))
        assert not [ticket for ticket in tickets if ticket in told]
        assert_no_id_is_a_label(stage, [thing.id])

    miosa.play(scenario, tickets="all", resume="start", ids="all")
