"""kill -9 of the real process while it follows all seven kinds of MIOSA with one limited key.

Afterwards the journal holds exactly the events of every run, in upstream's order; of the other
kinds each event once and in order, and a gap where upstream shows none of what came meanwhile. No
ticket was used twice, and the key was never refused for its limit.

Four kills by default; `MIOSA_KILLS=50 pytest tests/e2e/test_miosa_kill.py` for the whole proof.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from bridge.simulator.miosa.server import Simulator
from bridge.simulator.miosa.store import Thing
from tests.e2e.processes import environment, serve
from tests.stages.miosa import Told, numbered

KILLS = int(os.environ.get("MIOSA_KILLS", "4"))
KEY = "msk_live_" + "kill0000" * 3
SETTLE_S = 120.0
KINDS = ("run", "run", "run", "sandbox", "computer", "build", "snapshot", "deployment", "tenant")
CUTS = ("between_frames", "mid_frame", "clean")
FAULTS = ("html_5xx", "reset", "not_json", "cut_body", "lost_reply")
LIMIT = 900  # of the key, a minute; 15 a second, so that a minute's work fits into a life

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180 + 20 * KILLS)]


def write_config(directory: Path, url: str, things: list[Thing]) -> Path:
    key = directory / "key"
    key.write_text(KEY)
    config = directory / "bridge.toml"
    config.write_text(
        f"""
journal = "sqlite:{directory / "journal.db"}"
[[accounts]]
name = "cloud"
system = "miosa"
base_url = "{url}"
token_file = "{key}"
requests_per_minute = {LIMIT}
follow = {orjson.dumps([thing.feed_id for thing in things]).decode()}
"""
    )
    return config


def say(sim: Simulator, thing: Thing, count: int) -> None:
    if thing.kind in ("run", "tenant"):
        sim.append(thing, count)
    else:
        sim.append(thing, numbered(thing, count))


async def trouble(sim: Simulator, things: list[Thing], chance: random.Random) -> None:
    """Everything works all the time; now and then streams are torn and requests go wrong."""
    while True:
        for thing in things:
            if chance.random() < 0.7:
                say(sim, thing, chance.choice((1, 1, 2, 5)))
        if chance.random() < 0.1:
            sim.cut_streams(chance.choice(CUTS))
        if chance.random() < 0.1 and not sim.base.faults.waiting:
            sim.fault(chance.choice(FAULTS))
        await asyncio.sleep(0.1)


def end(sim: Simulator, thing: Thing, chance: random.Random) -> None:
    if thing.kind == "run":
        sim.finish(thing, chance.choice(("succeeded", "failed", "canceled")))
    elif thing.kind != "tenant":
        say(sim, thing, 1)
        words = {"sandbox": "destroyed", "computer": "deleted", "deployment": "live"}
        sim.set_status(thing, words.get(thing.kind, "ready"))


async def test_no_kill_loses_or_doubles_an_event_or_a_ticket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.e2e.processes.START_S", 90.0)  # many starts, on a busy machine
    chance = random.Random(os.environ.get("MIOSA_KILLS", "seed"))
    async with Simulator(knobs={"limiter_limit": LIMIT}) as sim:
        sim.set_key(KEY)
        things = [sim.create(kind) for kind in KINDS]
        config = write_config(tmp_path, sim.url, things)
        stderr: list[str] = []
        async with asyncio.TaskGroup() as group:
            working = group.create_task(trouble(sim, things, chance))
            for _ in range(KILLS):
                async with serve("--config", str(config), env=environment(None)) as daemon:
                    await asyncio.sleep(chance.uniform(0.0, 4.0))
                    daemon.process.send_signal(signal.SIGKILL)
                    await daemon.process.wait()
                    stderr += daemon.stderr
            working.cancel()
        sim.base.faults.clear()
        asked = len(sim.requests)
        async with serve("--config", str(config), env=environment(None)) as daemon:
            await until_read(sim, things, asked)
            for thing in things:
                end(sim, thing, chance)
            records = await until_ended(daemon, len(things) - 1)
            stderr += daemon.stderr
        for thing in things:
            check(thing, records)
        told = f"{orjson.dumps(records).decode()} {' '.join(stderr)}"
        assert KEY not in told
        assert not [ticket for ticket in sim.world.tickets.given if ticket in told]
        check_tickets(sim)
        assert sim.refused(KEY) == 0, "the limit of the key was passed"


async def until_read(sim: Simulator, things: list[Thing], asked: int) -> None:
    """Until this life follows everything: what ends unheard has no last event to show."""
    ways = ("events", "stream", "socket", "logs")
    async with asyncio.timeout(SETTLE_S):
        while True:
            heard = {
                request.feed_id
                for request in list(sim.requests)[asked:]
                if request.status in (101, 200) and request.endpoint.rpartition(".")[2] in ways
            }
            if heard >= {thing.feed_id for thing in things}:
                return
            await asyncio.sleep(0.3)


async def until_ended(daemon: Any, count: int) -> list[dict[str, Any]]:
    until = asyncio.get_running_loop().time() + SETTLE_S
    while asyncio.get_running_loop().time() < until:
        feeds = (await daemon.json("/v1/feeds"))["feeds"]
        if sum(feed["following"] == "ended" for feed in feeds) >= count:
            records: list[dict[str, Any]] = await daemon.records()
            return records
        await asyncio.sleep(0.3)
    raise AssertionError(f"not over: {feeds}, {daemon.stderr[-20:]}")


def check(thing: Thing, records: list[dict[str, Any]]) -> None:
    source = f"/miosa/cloud/{thing.kind}"
    own = [
        SimpleNamespace(type=record["type"], id=record["id"], body=orjson.dumps(record))
        for record in records
        if record["source"].startswith(source) and record["subject"] == thing.id
    ]
    told = Told(thing, own)  # type: ignore[arg-type]
    assert told.failures == [], thing.kind
    assert len(set(told.ids)) == len(told.ids), f"an event of a {thing.kind} twice"
    if thing.kind == "run":
        told.assert_whole()
    else:
        assert told.events, thing.kind
        told.assert_honest(may_repeat=False)
    if thing.kind != "tenant":
        told.assert_ended()


def check_tickets(sim: Simulator) -> None:
    """A kill between the two requests leaves one unused for each connect that was under way."""
    book = sim.world.tickets
    lost = sum(
        r.fault in ("lost_reply", "cut_body") for r in sim.requests if r.endpoint == "ticket"
    )
    takers = sum(kind in ("build", "snapshot") for kind in KINDS)
    assert book.given, "no ticket was ever asked for"
    assert book.used_twice == 0
    assert book.unused <= takers * KILLS + lost
