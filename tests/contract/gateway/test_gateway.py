"""The vendor's own API as the gateway answers it, beside the simulator that it stands before."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from yarl import URL

from bridge.journal.memory import MemoryJournal
from bridge.outputs.gateway.port import GatewaySettings
from tests.gateway_bridge import API, gateway_bridge, ids

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


async def test_a_followed_run_costs_upstream_nothing_however_many_poll_it() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed()
        before = bridge.asked()
        async with asyncio.TaskGroup() as group:
            path = f"/runs/{run.id}/events?limit=200"
            polls = [group.create_task(bridge.get(path)) for _ in range(50)]
        assert bridge.asked() == before
        assert ids(polls[0].result()) == [event.id for event in run.newest(200)]
        assert all(poll.result() == polls[0].result() for poll in polls)
        assert polls[0].result()["run"]["status"] == "success"
        assert bridge.sample("gateway_reads_total", source="journal") == 50


async def test_a_page_shows_the_newest_events_and_after_leads_on_without_loss() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=451)
        everything = [event.id for event in run.commits]
        assert ids(await bridge.get(f"/runs/{run.id}/events")) == everything[-100:]
        assert ids(await bridge.get(f"/runs/{run.id}/events?limit=999")) == everything[-200:]
        first = everything[0]
        found = [first]
        while page := ids(await bridge.get(f"/runs/{run.id}/events?after={found[-1]}&limit=70")):
            found += page
        assert found == everything
        status, _, refused = await bridge.call(
            "GET", f"{API}/runs/{run.id}/events?after={uuid.uuid4()}"
        )
        assert (status, refused["error"]["code"]) == (400, "BAD_REQUEST")


async def test_a_new_event_is_on_the_next_page() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=5, ends=False)
        before = await bridge.get(f"/runs/{run.id}/events")
        bridge.sim.append(run, 1)
        await bridge.until(lambda: bridge.state(run.id).events == len(before["events"]) + 1)
        after = await bridge.get(f"/runs/{run.id}/events")
        assert ids(after)[:-1] == ids(before)


async def test_a_packed_page_says_so_and_is_the_page() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=20, ends=False)
        path = f"{API}/runs/{run.id}/events"
        _, _, plain = await bridge.call("GET", path)
        for _ in range(3):
            _, headers, found = await bridge.call("GET", path, Accept_Encoding="gzip")
            assert headers["Content-Encoding"] == "gzip"
            assert headers.getall("Vary") == ["Accept-Encoding"]
            assert found == plain
        bridge.sim.append(run, 1)
        await bridge.until(lambda: bridge.state(run.id).events > 20)
        _, _, found = await bridge.call("GET", path, Accept_Encoding="gzip")
        assert len(found["data"]["events"]) == len(run.commits)


async def test_a_page_of_before_shows_nothing_that_retention_took_since() -> None:
    async with gateway_bridge(journal=MemoryJournal(records_max=60)) as bridge:
        run = await bridge.followed(events=20, ends=False)
        assert len(ids(await bridge.get(f"/runs/{run.id}/events"))) == 20
        await bridge.followed(events=50, ends=False)
        _, headers, cut = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert headers["X-Bridge-Cut"] == "true"
        assert len(ids(cut["data"])) < 20


async def test_the_run_object_is_as_fresh_as_what_was_seen_last() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=3, ends=False)
        bridge.sim.pause(run)  # its `finished` closes the stream; of the row alone none would tell
        await bridge.until(lambda: bridge.state(run.id).status == "awaiting_input")
        assert (await bridge.get(f"/runs/{run.id}"))["run"]["status"] == "awaiting_input"


async def test_a_run_that_is_not_followed_is_read_once_however_many_ask_and_followed_then() -> None:
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=7)
        bridge.sim.finish(run)
        async with asyncio.TaskGroup() as group:
            asks = [group.create_task(bridge.get(f"/runs/{run.id}")) for _ in range(20)]
        assert {ask.result()["run"]["runId"] for ask in asks} == {run.id}
        assert bridge.asked("run") == 1
        await bridge.until(lambda: bridge.state(run.id).ended)
        asked = bridge.asked()
        assert len(ids(await bridge.get(f"/runs/{run.id}/events"))) == len(run.commits)
        assert bridge.asked() == asked


async def test_after_on_a_run_that_nobody_followed_never_begins_anew() -> None:
    """Upstream does not know the word: its newest page would repeat what the client has."""
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=7)
        first = run.commits[0].id
        path = f"{API}/runs/{run.id}/events?after={first}"
        status, headers, _ = await bridge.call("GET", path)
        assert (status, headers["Retry-After"]) == (503, "1")
        await bridge.until(lambda: bridge.state(run.id).events == 7)
        _, _, found = await bridge.call("GET", path)
        assert ids(found["data"]) == [event.id for event in run.commits[1:]]


async def test_following_can_be_switched_off_and_what_an_operator_stopped_stays_stopped() -> None:
    async with gateway_bridge(settings=GatewaySettings(follow=False, cache_s=0.0)) as bridge:
        run = bridge.sim.create_run(events=2)
        await bridge.get(f"/runs/{run.id}")
        assert bridge.follows.known("run", run.id) == ()
    async with gateway_bridge(settings=GatewaySettings(cache_s=0.0)) as bridge:
        run = await bridge.followed(events=2, ends=False)
        await bridge.follows.unfollow("run", run.id, "default")
        await bridge.get(f"/runs/{run.id}")
        (entry,) = bridge.follows.known("run", run.id)
        assert not entry.is_followed


@pytest.mark.parametrize("text", ["x", "1234", RUN + "0", "%00"])
async def test_no_other_id_than_a_uuid_goes_upstream(text: str) -> None:
    async with gateway_bridge() as bridge:
        status, _, found = await bridge.call("GET", f"{API}/runs/{text}")
        assert status == 404
        assert found["error"]["code"] == "NOT_FOUND"
        assert bridge.asked() == 0


async def test_an_unknown_run_is_unknown_as_upstream_says_it() -> None:
    async with gateway_bridge() as bridge:
        for path in (f"/runs/{RUN}", f"/runs/{RUN}/events", f"/runs/{RUN}/events/stream"):
            status, _, found = await bridge.call("GET", API + path)
            assert status == 404, path
            assert found == {
                "ok": False,
                "error": {"code": "NOT_FOUND", "message": "Run not found"},
            }


async def test_links_in_a_run_lead_to_the_bridge_whatever_upstream_wrote() -> None:
    """A client sends its token where `eventsUrl` points."""
    async with gateway_bridge() as bridge:
        run = await bridge.followed()
        found = (await bridge.get(f"/runs/{run.id}"))["run"]
        assert found["eventsUrl"] == f"{API}/runs/{run.id}/events"
        assert found["cancelUrl"] == f"{API}/runs/{run.id}/cancel"


async def test_what_retention_cut_is_said_beside_the_data() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=20)
        _, headers, whole = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert "bridge" not in whole
        assert "X-Bridge-Cut" not in headers
    async with gateway_bridge(journal=MemoryJournal(records_max=12)) as bridge:
        run = await bridge.followed(events=20)
        _, headers, cut = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert headers["X-Bridge-Cut"] == "true"
        assert cut["bridge"]["cut"] is True
        assert cut["bridge"]["events"] == len(run.commits) > len(cut["data"]["events"]) > 0


async def test_the_list_of_runs_is_ours_newest_first_in_pages() -> None:
    async with gateway_bridge() as bridge:
        runs = [await bridge.followed(events=2, ends=n % 2 == 0) for n in range(5)]
        newest_first = [run.id for run in reversed(runs)]
        page = await bridge.get("/runs?limit=2")
        assert [run["runId"] for run in page["runs"]] == newest_first[:2]
        rest = await bridge.get(f"/runs?limit=200&cursor={page['nextCursor']}")
        assert [run["runId"] for run in rest["runs"]] == newest_first[2:]
        assert rest["nextCursor"] is None
        ended = await bridge.get("/runs?status=success")
        assert [run["runId"] for run in ended["runs"]] == newest_first[::2]


async def test_equal_questions_share_one_answer_and_others_do_not() -> None:
    async with gateway_bridge() as bridge:
        for _ in range(5):
            await bridge.get("/repos?q=a&limit=3")
        await bridge.get("/repos?limit=3&q=a")
        assert bridge.asked() == 1
        await bridge.get("/repos?limit=4&q=a")
        assert bridge.asked() == 2


async def test_what_is_passed_on_is_redacted() -> None:
    async with gateway_bridge() as bridge:
        secret = "ghp_" + "Zk8" * 12
        bridge.sim.world.account.repos[0]["root_directory"] = f"https://x:{secret}@example.com"
        found = await bridge.get("/repos")
        assert secret not in json.dumps(found)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/mcp/servers"), ("POST", "/mcp"), ("GET", "/agents"), ("GET", "/skills"),
        ("GET", f"/repos/{RUN}/env-vars"), ("POST", "/sandboxes"), ("GET", "/runs/"),
        ("POST", f"/automations/{RUN}/trigger"), ("DELETE", f"/runs/{RUN}"),
        ("GET", f"/runs/{RUN}/artifact?path=x"), ("GET", "//repos"), ("GET", "/./repos"),
        ("GET", "/x/../repos"), ("GET", "/repos/"), ("GET", "/repos%2f"), ("GET", "/%72epos"),
        ("GET", f"/runs%2f{RUN}"), ("GET", f"/runs/{RUN}%2fevents"), ("GET", "/sandboxes/../repos"),
    ],
)  # fmt: skip
async def test_nothing_else_leaves_the_bridge(method: str, path: str) -> None:
    async with gateway_bridge() as bridge:
        url = URL(bridge.url + API + path, encoded=True)
        async with bridge.session.request(method, url) as answer:
            assert answer.status in (404, 405)
            if answer.status == 404:
                assert (await answer.json())["error"]["code"] == "NOT_FOUND"
        assert bridge.asked() == 0


async def test_a_full_budget_is_the_vendors_429_with_a_true_wait_and_upstream_is_not_asked() -> (
    None
):
    async with gateway_bridge(requests_per_minute=5) as bridge:
        answers = [await bridge.call("GET", f"{API}/repos?limit={n}") for n in range(1, 80)]
        statuses = [status for status, _, _ in answers]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        assert bridge.asked() == statuses.count(200)
        _, headers, refused = answers[-1]
        assert 1 <= int(headers["Retry-After"]) <= 60
        assert refused["error"] == {
            "code": "RATE_LIMITED",
            "message": f"Rate limit exceeded. Retry after {headers['Retry-After']}s.",
        }


async def test_a_refused_token_of_the_bridge_is_not_the_clients_fault() -> None:
    async with gateway_bridge() as bridge:
        bridge.sim.world.knobs.auth_flap = 1
        status, headers, found = await bridge.call("GET", f"{API}/repos")
        assert status == 503
        assert found["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert "Retry-After" in headers
