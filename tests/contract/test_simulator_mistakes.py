"""What the control API under /_sim refuses, and in which words."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bridge.simulator import ManualClock, RealClock, Simulator
from bridge.simulator.kit.control import _is_local
from tests.unit.simulator.asking import ROOT, Answer, Asker, asking, control, new_run, refused


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("POST", "/runs", {"evnts": 5}, "body: 'evnts' is not known here; did you mean 'events'?"),
        ("POST", "/runs", {"events": "5"}, "body: 'events' must be a whole number from 0"),
        ("POST", "/runs", [1], "body must be a JSON object, got an array"),
        ("POST", "/runs", {"runId": "x"}, "body: 'runId' must be a UUID, got 'x'"),
        ("POST", "/runs", {"knobs": {"windw": 1}}, "no knob 'windw'; did you mean 'window'?"),
        ("POST", "/runs", {"play": {"event": 20}}, "play: 'event' is not known here; did you mean"),
        ("POST", "/runs", {"timeline": [{"at": 1}]}, "timeline[0]: 'at' is not known here"),
        ("PATCH", "/knobs", {"stream": "v3"}, "knob 'stream' takes one of v2, v1, absent, broken"),
        ("PATCH", "/knobs", {"profile": "old"}, "body: 'profile' must be older or newer"),
        ("POST", "/faults", {"kind": "boom"}, "body: 'kind' must be one of html_5xx, reset"),
        ("POST", "/faults", {}, "body: 'kind' is required"),
        (
            "POST",
            "/faults",
            {"kind": "slow", "endpoint": "event"},
            "body: 'endpoint' must be one of",
        ),
        ("POST", "/tokens", {"token": "t", "scopes": ["admin"]}, "body: 'scopes' takes a list"),
        ("POST", "/reset", {"scenario": "livly"}, "body: 'scenario' must be one of lively"),
        ("POST", "/clock", {}, "body: 'advance_s' is required"),
        ("GET", "/requests?after=x", None, "query: 'after' must be a whole number, got 'x'"),
        ("GET", "/runs?limit=1", None, "query: 'limit' is not known here"),
    ],
)
async def test_a_mistake_is_a_400_that_names_the_key(
    method: str, path: str, body: Any, error: str
) -> None:
    async with asking() as asker:
        status, text = await refused(asker, method, path, body)
        assert status == 400
        assert text.startswith(error)
        assert not asker.sim.run_ids


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "body: give exactly one of 'events', 'generate' and 'variant'"),
        ({"generate": 1, "variant": "deep"}, "body: give exactly one of"),
        ({"events": [{"message": "m"}]}, "events[0]: 'type' is required"),
        ({"events": [{"type": "a\nb"}]}, "events[0]: 'type' must be one line"),
        ({"events": [{"type": "log", "tool": 1}]}, "events[0]: 'tool' is not known here"),
        ({"events": [{"type": "log", "createdAt": "now"}]}, "events[0]: 'createdAt' is no time"),
        ({"events": [{"type": "log", "id": "7"}]}, "events[0]: 'id' must be a UUID"),
    ],
)
async def test_mistakes_in_events(body: Any, error: str) -> None:
    async with asking() as asker:
        run_id = await new_run(asker)
        status, text = await refused(asker, "POST", f"/runs/{run_id}/events", body)
        assert status == 400
        assert text.startswith(error)


async def test_what_is_not_json_or_not_a_route() -> None:
    async with asking() as asker:
        answer: Answer = await asker.post("/_sim/runs", token=None, raw=b"{")
        assert answer.status == 400
        assert answer.json["error"].startswith("body is not JSON")
        assert (await refused(asker, "GET", "/nothing"))[0] == 404
        status, error = await refused(asker, "DELETE", "/runs")
        assert (status, error) == (405, "/_sim/runs takes GET, POST, not DELETE")


async def test_a_clock_that_runs_by_itself_cannot_be_moved() -> None:
    async with Simulator(clock=RealClock()) as sim, aiohttp.ClientSession() as session:
        asker = Asker(sim, session)
        status, error = await refused(asker, "POST", "/clock", {"advance_s": 1})
        assert (status, error) == (400, "this simulator's clock runs by itself")


async def test_control_is_for_this_machine_only_unless_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.simulator.kit.control._is_local", lambda remote: False)
    async with asking() as asker:
        assert (await refused(asker, "GET", "/runs"))[0] == 403
        assert (await asker.get(f"{ROOT}/repos")).status == 200
    async with (
        Simulator(allow_remote_control=True, clock=ManualClock()) as sim,
        aiohttp.ClientSession() as session,
    ):
        assert await control(Asker(sim, session), "GET", "/runs") == {"runs": []}


def test_what_counts_as_this_machine() -> None:
    assert all(_is_local(each) for each in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"))
    assert not any(_is_local(each) for each in ("10.0.0.1", "::ffff:10.0.0.1", "", None, "unix"))
