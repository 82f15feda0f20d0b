"""The simulated MIOSA: tickets, 406, envelopes, limits, streams, sockets, and its page."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import bridge.simulator
from bridge.simulator.miosa.knobs import ENVELOPES
from bridge.simulator.miosa.server import Simulator

DOCUMENT = Path(bridge.simulator.__file__).parents[2] / "docs" / "simulator-miosa.md"
KEY = "msk_live_1"
STREAM = {"Accept": "text/event-stream, application/json;q=0.9"}


class Asker:
    """A plain client."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.session.get(self._url(path), headers=headers) as reply:
            return reply.status, await reply.text()

    async def ticket(self, path: str = "/sse/ticket") -> tuple[int, Any]:
        async with self.session.post(self._url(path), json={}) as reply:
            return reply.status, await reply.json()

    def _url(self, path: str) -> str:
        return self.sim.url + (path if path.startswith("/_sim") else f"/api/v1{path}")


@asynccontextmanager
async def asking(**knobs: object) -> AsyncIterator[Asker]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        Simulator(knobs=knobs, seed=5) as sim,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        yield Asker(sim, session)


def log_path(build: Any) -> str:
    return f"/sandbox-template-builds/{build.id}/logs/stream"


async def test_a_ticket_opens_one_stream_once() -> None:
    async with asking() as asker:
        build = asker.sim.create("build", events=2)
        asker.sim.finish(build)
        assert (await asker.get(log_path(build), **STREAM))[0] == 401
        status, body = await asker.ticket()
        assert (status, body["expires_in"]) == (200, 60)
        path = f"{log_path(build)}?ticket={body['ticket']}"
        assert (await asker.get(path, **STREAM))[0] == 204
        status, text = await asker.get(path, **STREAM)
        assert status == 401
        assert "UNAUTHORIZED" in text
        book = asker.sim.world.tickets
        assert (book.used_twice, book.unused, book.refused_uses) == (1, 0, 1)


@pytest.mark.parametrize(
    ("known", "absent"), [("sse", "/auth/sse-ticket"), ("auth", "/sse/ticket")]
)
async def test_only_one_of_the_ticket_paths_may_exist(known: str, absent: str) -> None:
    async with asking(ticket_path=known) as asker:
        assert (await asker.ticket(absent))[0] == 404


async def test_a_bare_event_stream_accept_is_406_before_the_sign_in() -> None:
    async with asking() as asker:
        run = asker.sim.create("run", events=1)
        status, _ = await asker.get(f"/runs/{run.id}/events", Accept="text/event-stream")
        assert status == 406


async def test_runs_have_one_of_two_names() -> None:
    async with asking(runs_path="agent_runs") as asker:
        run = asker.sim.create("run", events=1)
        assert (await asker.get(f"/runs/{run.id}"))[0] == 404
        assert (await asker.get(f"/agent-runs/{run.id}"))[0] == 200


@pytest.mark.parametrize("envelope", ENVELOPES)
async def test_a_refusal_comes_in_any_envelope(envelope: str) -> None:
    async with asking(envelope=envelope) as asker:
        status, text = await asker.get("/runs/00000000-0000-4000-8000-000000000000")
        assert status == 404
        assert "NOT_FOUND" in text
        assert (await asker.get("/runs/not-a-uuid"))[0] == 400


async def test_the_limit_is_a_property_of_the_key() -> None:
    async with asking() as asker:
        asker.sim.set_key(KEY, limit=2)
        statuses = [(await asker.get("/runs"))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert asker.sim.refused(KEY) == 1


async def test_a_key_without_the_scope_is_told_which() -> None:
    async with asking() as asker:
        asker.sim.set_key(KEY, scopes=["runs:read"])
        status, text = await asker.get("/sandboxes")
        assert status == 403
        assert "sandboxes:read" in text


async def test_another_tenants_things_do_not_exist() -> None:
    async with asking() as asker:
        asker.sim.set_key(KEY, tenant="tenant-2")
        run = asker.sim.create("run")
        assert (await asker.get(f"/runs/{run.id}"))[0] == 404
        assert '"total":0' in (await asker.get("/runs"))[1]


async def test_pages_go_on_behind_a_cursor_and_are_clamped() -> None:
    async with asking(clamp=3) as asker:
        run = asker.sim.create("run", events=5)
        path = f"/runs/{run.id}/events?limit=200"
        _, text = await asker.get(path)
        ids = re.findall(r'"id":"([^"]+)","run_id"', text)
        assert ids == [event.id for event in run.events[:3]]
        _, text = await asker.get(f"{path}&after_id={ids[-1]}")
        assert re.findall(r'"id":"([^"]+)","run_id"', text) == [e.id for e in run.events[3:]]


async def test_a_sandbox_goes_on_behind_the_last_event_id() -> None:
    async with asking() as asker:
        sandbox = asker.sim.create("sandbox", events=5)
        asker.sim.finish(sandbox)
        last_id = {"Last-Event-ID": sandbox.events[2].id}
        _, text = await asker.get(f"/sandboxes/{sandbox.id}/events", **STREAM, **last_id)
        assert re.findall(r"^id: (.+)$", text, re.MULTILINE) == [e.id for e in sandbox.events[3:]]


async def test_a_computer_speaks_over_a_websocket_only() -> None:
    async with asking() as asker:
        computer = asker.sim.create("computer")
        path = f"/computers/{computer.id}/events"
        assert (await asker.get(path))[0] == 426
        url = f"{asker.sim.url}/api/v1{path}"
        async with asker.session.ws_connect(url) as socket:
            asker.sim.append(computer, [("file.created", {"path": "/a"})])
            message = await socket.receive_json()
            assert (message["type"], message["payload"]) == ("file.created", {"path": "/a"})


@pytest.mark.parametrize(
    "scenario", ["miosa-lively", "miosa-cuts", "miosa-errors", "miosa-tickets"]
)
async def test_a_scenario_plays(scenario: str) -> None:
    async with Simulator(scenario=scenario, seed=4, speed=60.0) as sim:
        async with asyncio.timeout(20):
            while sum(len(thing.events) for thing in sim.world.store.things.values()) < 20:
                await asyncio.sleep(0.02)


async def test_the_control_api_makes_feeds_ends_them_and_tells_the_truth() -> None:
    async with asking() as asker:
        url = f"{asker.sim.url}/_sim"
        async with asker.session.post(f"{url}/feeds", json={"kind": "run", "events": 3}) as reply:
            feed_id = (await reply.json())["feedId"]
        async with asker.session.post(f"{url}/feeds/{feed_id}/finish", json={}) as reply:
            assert (await reply.json())["status"] == "succeeded"
        _, text = await asker.get(f"/_sim/feeds/{feed_id}/truth")
        assert text.count('"number"') == 4
        async with asker.session.post(f"{url}/feeds", json={"kind": "walrus"}) as reply:
            assert (reply.status, "kind" in (await reply.json())["error"]) == (400, True)


async def test_the_page_names_every_route() -> None:
    text = DOCUMENT.read_text()
    async with asking() as asker:
        _, index = await asker.get("/_sim")
    routes = set(re.findall(r'"((?:GET|POST|PATCH|DELETE) /_sim[^"]*)"', index))
    own = {route for route in routes if re.search(r"/(?:feeds|keys|tickets)", route)}
    written = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /_sim[^ `?]*)", text))
    assert written == own
