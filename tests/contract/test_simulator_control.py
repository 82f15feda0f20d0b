"""The control API under /_sim (docs/simulator.md), and the simulator as a program."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import fields
from pathlib import Path

import aiohttp
import pytest

import bridge.simulator
from bridge.simulator import SCENARIOS, Simulator, serve
from bridge.simulator.__main__ import reference_page
from bridge.simulator.kit.tokens import token_hash
from bridge.simulator.mogplex.app import ENDPOINTS
from bridge.simulator.mogplex.faults import FAULT_KINDS
from bridge.simulator.mogplex.knobs import VARIANT_NAMES, Knobs
from tests.unit.simulator.asking import ROOT, TOKEN, asking, control, new_run, refused, still

DOCUMENT = Path(bridge.simulator.__file__).parents[2] / "docs" / "simulator.md"
REFERENCE = DOCUMENT.with_name("simulator-reference.md")


async def test_runs_are_made_one_or_many_and_listed_as_lines() -> None:
    async with asking() as asker:
        made = await control(
            asker, "POST", "/runs", {"count": 3, "events": 35, "status": "pending"}
        )
        ids = [run["runId"] for run in made["runs"]]
        assert {run["status"] for run in made["runs"]} == {"pending"}
        listed = (await control(asker, "GET", "/runs"))["runs"]
        assert [(run["runId"], run["events"]) for run in listed] == [(each, 35) for each in ids]
        lines = await asker.get("/_sim/runs.txt", token=None)
        assert lines.headers["Content-Type"].startswith("text/plain")
        assert lines.body.decode() == "".join(f"{each}\n" for each in ids)
        assert len(await asker.events(ids[0])) == 35


async def test_a_run_can_have_a_chosen_id_columns_and_knobs() -> None:
    async with asking() as asker:
        chosen = "3F0C1C52-6A3E-4F0E-9D3B-0D8F3C5B7A10"
        knobs = {"window": "head"}
        run_id = await new_run(asker, runId=chosen, harness="mogplex", sandboxId="p", knobs=knobs)
        assert run_id == chosen.lower()
        shown = await control(asker, "GET", f"/runs/{run_id}")
        assert (shown["run"]["harness"], shown["run"]["sandboxId"]) == ("mogplex", "p")
        assert shown["knobs"] == {"window": "head"}
        status, error = await refused(asker, "POST", "/runs", {"runId": chosen.lower()})
        assert (status, error) == (400, f"run {run_id} exists already")


async def test_events_are_appended_raw_made_up_or_as_traps() -> None:
    async with asking() as asker:
        run_id = await new_run(asker)
        event = {
            "id": "0c1d7e88-93d4-4c0a-b6f2-6f4a0b0f9e77",
            "type": "assistant_message",
            "message": "m",
            "toolName": "t",
            "payload": {"token": 1},
            "createdAt": "2026-08-03T14:00:00.5Z",
        }
        raw = await control(asker, "POST", f"/runs/{run_id}/events", {"events": [event]})
        assert raw["ids"] == [event["id"]]
        many = await control(asker, "POST", f"/runs/{run_id}/events", {"generate": 7})
        assert len(many["ids"]) == 7
        await control(asker, "POST", f"/runs/{run_id}/events", {"variant": "deep"})
        page = (await asker.get(f"{ROOT}/runs/{run_id}/events")).data["events"]
        assert len(page) == 9
        assert page[0] == {
            **event,
            "payload": {"token": "[redacted]"},
            "createdAt": "2026-08-03T14:00:00.5+00:00",
        }


async def test_events_can_be_committed_later() -> None:
    async with asking() as asker:
        run_id = await new_run(asker, events=1)
        late = {"generate": 1, "commit_after_s": 5}
        (event_id,) = (await control(asker, "POST", f"/runs/{run_id}/events", late))["ids"]
        assert event_id not in await asker.events(run_id)
        await control(asker, "POST", "/clock", {"advance_s": 5})
        assert event_id in await asker.events(run_id)


async def test_status_error_and_knobs_of_a_run_are_changed() -> None:
    async with asking() as asker:
        run_id = await new_run(asker, events=1)
        body = {"status": "failed", "error": "no space", "terminalCommitSha": "abc"}
        run = (await control(asker, "PATCH", f"/runs/{run_id}", body))["run"]
        assert (run["status"], run["error"], run["terminalCommitSha"]) == (
            "failed",
            "no space",
            "abc",
        )
        await control(asker, "PATCH", f"/runs/{run_id}", {"knobs": {"time_format": "millis_z"}})
        shown = (await asker.get(f"{ROOT}/runs/{run_id}")).data["run"]
        assert shown["createdAt"] == "2026-08-03T15:00:00.000Z"


@pytest.mark.parametrize("order", ["event_first", "row_first", "row_only", "logs_after_finished"])
async def test_a_run_is_finished_in_any_order(order: str) -> None:
    async with asking() as asker:
        run_id = await new_run(asker, events=1)
        await control(asker, "POST", f"/runs/{run_id}/finish", {"order": order, "gap_s": 1})
        first = (await asker.get(f"{ROOT}/runs/{run_id}/events")).data
        row_is_first = first["run"]["status"] == "success"
        event_is_first = first["events"][-1]["type"] == "finished"
        assert (row_is_first, event_is_first) == (
            order in {"row_first", "row_only"},
            order in {"event_first", "logs_after_finished"},
        )
        await control(asker, "POST", "/clock", {"advance_s": 10})
        last = (await asker.get(f"{ROOT}/runs/{run_id}/events")).data
        assert last["run"]["status"] == "success"
        kinds = [event["type"] for event in last["events"][1:]]
        expected = {"row_only": [], "logs_after_finished": ["finished", "log", "log"]}
        assert kinds == expected.get(order, ["finished"])


async def test_pause_resume_cancel_and_delete() -> None:
    async with asking() as asker:
        run_id = await new_run(asker, events=2)
        paused = await control(asker, "POST", f"/runs/{run_id}/pause")
        assert paused["run"]["status"] == "awaiting_input"
        resumed = await control(asker, "POST", f"/runs/{run_id}/resume")
        assert resumed["run"]["aiCallId"] != paused["run"]["aiCallId"]
        cancelled = await control(asker, "POST", f"/runs/{run_id}/cancel")
        assert cancelled["run"]["status"] == "cancelled"
        status, error = await refused(asker, "POST", f"/runs/{run_id}/resume")
        assert (status, error) == (400, f"run {run_id} is cancelled, not awaiting_input")
        await control(asker, "DELETE", f"/runs/{run_id}")
        assert await refused(asker, "GET", f"/runs/{run_id}") == (404, f"no run '{run_id}'")


async def test_a_lifelike_run_and_a_timeline_play_on_the_clock() -> None:
    async with asking() as asker:
        shape = {"events": 40, "duration_s": 60, "outcome": "failed", "order": "row_first"}
        lifelike = await new_run(asker, play=shape)
        timeline = [
            {"at_s": 2, "events": [{"type": "log", "message": "b"}]},
            {"at_s": 0, "events": [{"type": "started"}], "status": "streaming"},
            {"at_s": 3, "finish": "cancelled", "order": "row_only"},
        ]
        written = await new_run(asker, timeline=timeline)
        assert len(await asker.events(written)) == 1
        await control(asker, "POST", "/clock", {"advance_s": 2})
        assert len(await asker.events(written)) == 2
        await control(asker, "POST", "/clock", {"advance_s": 70})
        assert (await asker.get(f"{ROOT}/runs/{written}")).data["run"]["status"] == "cancelled"
        data = (await asker.get(f"{ROOT}/runs/{lifelike}/events")).data
        assert (data["run"]["status"], len(data["events"])) == ("failed", 40)
        idle = await new_run(asker)
        await control(
            asker, "POST", f"/runs/{idle}/play", {"events": 20, "duration_s": 10, "speed": 10}
        )
        await control(asker, "POST", "/clock", {"advance_s": 4})
        assert len(await asker.events(idle)) == 20


async def test_the_truth_has_both_orders_both_payloads_and_every_segment() -> None:
    async with asking() as asker:
        run_id = await new_run(asker, events=1)
        await control(asker, "POST", f"/runs/{run_id}/pause")
        await control(asker, "POST", f"/runs/{run_id}/resume")
        append = f"/runs/{run_id}/events"
        late = {"events": [{"type": "log", "payload": {"secret": 1}}], "commit_after_s": 5}
        (late_id,) = (await control(asker, "POST", append, late))["ids"]
        (early_id,) = (await control(asker, "POST", append, {"generate": 1}))["ids"]
        still(asker).advance(5.0)
        truth = await control(asker, "GET", f"/runs/{run_id}/truth")
        assert [event["id"] for event in truth["committed"]][2:] == [early_id, late_id]
        assert truth["reading"] == [late_id, early_id]
        assert len(truth["segments"]) == 2
        assert truth["committed"][0]["aiCallId"] == truth["segments"][0]
        last = truth["committed"][-1]
        assert (last["rawPayload"], last["payload"]) == ({"secret": 1}, {"secret": "[redacted]"})
        assert (last["createdAt"], last["committedAt"]) == (
            "2026-08-03T15:00:00.000002+00:00",
            "2026-08-03T15:00:05+00:00",
        )


async def test_knobs_are_shown_changed_and_reset() -> None:
    async with asking() as asker:
        await control(asker, "PATCH", "/knobs", {"window": "head", "limiter_limit": 5})
        rows = {row["name"]: row for row in (await control(asker, "GET", "/knobs"))["knobs"]}
        assert (rows["window"]["value"], rows["window"]["default"]) == ("head", "tail")
        assert rows["limiter_limit"]["value"] == 5
        await control(asker, "PATCH", "/knobs", {"profile": "older", "window": "tail"})
        assert (asker.sim.knobs.stream, asker.sim.knobs.window) == ("absent", "tail")
        await control(asker, "PATCH", "/knobs", {"profile": "newer"})
        assert (asker.sim.knobs.stream, asker.sim.knobs.limiter_limit) == ("v2", 5)
        await control(asker, "DELETE", "/knobs")
        assert asker.sim.knobs.limiter_limit == 60


async def test_faults_are_added_listed_and_cleared() -> None:
    async with asking() as asker:
        await control(asker, "POST", "/faults", {"kind": "html_5xx", "times": 2, "status": 503})
        assert (await asker.get(f"{ROOT}/repos")).status == 503
        (waiting,) = (await control(asker, "GET", "/faults"))["faults"]
        assert (waiting["kind"], waiting["times"]) == ("html_5xx", 1)
        await control(asker, "DELETE", "/faults")
        assert (await asker.get(f"{ROOT}/repos")).status == 200
        body = {"kind": "database", "token": TOKEN, "endpoint": "repos"}
        added = await control(asker, "POST", "/faults", body)
        assert added["fault"]["token"] == token_hash(TOKEN)
        assert (await asker.get(f"{ROOT}/repos", token="mog_other")).status == 200
        assert (await asker.get(f"{ROOT}/repos")).status == 500


async def test_tokens_are_revoked_and_limited() -> None:
    async with asking() as asker:
        body = {"token": TOKEN, "valid": False}
        assert (await control(asker, "POST", "/tokens", body)) == {"token": token_hash(TOKEN)}
        assert (await asker.get(f"{ROOT}/repos")).status == 401
        await control(asker, "POST", "/tokens", {"token": TOKEN, "scopes": ["write"]})
        assert (await asker.get(f"{ROOT}/repos")).status == 200
        assert (await asker.get(f"{ROOT}/automations")).status == 403


async def test_the_request_log_tells_who_asked_what_and_what_became_of_it() -> None:
    async with asking(limiter_limit=1) as asker:
        run = asker.sim.create_run(events=1)
        await asker.get(f"{ROOT}/runs/{run.id}/events?limit=200")
        await asker.get(f"{ROOT}/repos")
        await asker.get(f"{ROOT}/repos", token="bad")
        await asker.get(f"{ROOT}/nothing")
        rows = (await control(asker, "GET", "/requests"))["requests"]
        assert [(row["endpoint"], row["status"], row["outcome"]) for row in rows] == [
            ("events", 200, "accepted"),
            ("repos", 429, "refused"),
            ("repos", 401, "unauthorized"),
            ("", 404, "unmetered"),
        ]
        assert (rows[0]["query"], rows[0]["run_id"]) == ("limit=200", run.id)
        assert rows[0]["token"] == token_hash(TOKEN)
        assert TOKEN not in json.dumps(rows)
        newer = await control(asker, "GET", f"/requests?after=1&token={token_hash(TOKEN)}")
        assert [row["number"] for row in newer["requests"]] == [2, 4]
        await control(asker, "DELETE", "/requests")
        assert (await control(asker, "GET", "/requests"))["requests"] == []


async def test_limits_show_the_peak_and_the_refusals_of_each_token() -> None:
    async with asking() as asker:
        for _ in range(40):
            await asker.get(f"{ROOT}/repos")
        still(asker).advance(59.0)
        for _ in range(25):
            await asker.get(f"{ROOT}/repos")
        still(asker).advance(1.0)
        (row,) = (await control(asker, "GET", "/limits"))["tokens"]
        assert row == {
            "token": token_hash(TOKEN),
            "accepted": 60,
            "refused": 5,
            "unauthorized": 0,
            "peak_60s": 60,
            "in_window": 20,
        }
        await control(asker, "DELETE", "/limits")
        (row,) = (await control(asker, "GET", "/limits"))["tokens"]
        assert row["in_window"] == 0


async def test_open_streams_are_listed_and_cut() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        async with asker.stream(run.id) as frames:
            await frames.begin()
            await frames.id()
            assert await control(asker, "GET", "/streams") == {"streams": [{"runId": run.id}]}
            assert await control(asker, "POST", "/streams/cut", {"runId": run.id}) == {"cut": 1}
            assert await frames.rest() == (b"", False)


async def test_reset_begins_again_with_another_scenario() -> None:
    async with asking() as asker:
        asker.sim.create_run(events=3)
        await asker.get(f"{ROOT}/repos")
        asker.sim.fault("reset")
        asker.sim.knobs.change({"window": "head"})
        done = await control(asker, "POST", "/reset", {"scenario": "long", "seed": 9})
        assert (done["scenario"], len(done["runs"])) == ("long", 2)
        assert (asker.sim.requests, asker.sim.world.faults.waiting) == ([], [])
        assert (asker.sim.knobs.window, asker.sim.world.seed) == ("tail", 9)
        again = await control(asker, "POST", "/reset", {})
        assert again["runs"] == done["runs"]


async def test_the_index_and_the_scenarios_describe_themselves() -> None:
    async with asking() as asker:
        index = await control(asker, "GET", "")
        assert (index["scenario"], index["seed"]) == ("empty", 1)
        assert "POST /_sim/runs/{id}/events" in index["routes"]
        rows = (await control(asker, "GET", "/scenarios"))["scenarios"]
        assert {row["name"] for row in rows} == set(SCENARIOS)


# -- as a program


async def test_serve_says_where_it_listens_names_its_runs_and_stops(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop, bound = asyncio.Event(), asyncio.Event()
    where: list[tuple[str, int]] = []
    runs: list[str] = []

    def on_bound(host: str, port: int) -> None:
        where.append((host, port))
        bound.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(
            serve(
                scenario="long", seed=3, speed=50, on_bound=on_bound, on_feed=runs.append, stop=stop
            )
        )
        await bound.wait()
        host, port = where[0]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}/_sim/runs.txt") as response,
        ):
            assert (await response.text()).split() == runs
        stop.set()
    assert len(runs) == 2
    assert capsys.readouterr().out == ""


async def test_a_port_in_use_is_an_oserror() -> None:
    async with Simulator() as sim:
        with pytest.raises(OSError, match="address already in use"):
            await serve(port=sim.port)


async def test_a_wrong_speed_is_told() -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        await serve(speed=0)


# -- the document


def test_the_reference_page_is_what_the_tables_say() -> None:
    assert REFERENCE.read_text() == reference_page(), "run make docs"


def test_the_reference_page_has_every_knob_fault_scenario_and_endpoint() -> None:
    text = REFERENCE.read_text()
    about = {scenario.name: scenario.description for scenario in SCENARIOS.values()} | FAULT_KINDS
    assert [name for name in about if f"| `{name}` | {about[name]} |" not in text] == []
    knobs = [each.name for each in fields(Knobs)]
    names = (*knobs, *VARIANT_NAMES, *ENDPOINTS)
    assert [name for name in names if f"`{name}`" not in text] == []
    assert "| `limiter_limit`: 60 (0–1,000,000) | requests per window |" in text


async def test_every_route_of_the_document_exists_and_the_other_way_round() -> None:
    async with asking() as asker:
        routes = set((await control(asker, "GET", ""))["routes"])
    written = set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /_sim[^ `?]*)", DOCUMENT.read_text()))
    assert written == routes
