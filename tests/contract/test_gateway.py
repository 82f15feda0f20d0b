"""The vendor's own API as the gateway answers it, beside the simulator that it stands before."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from bridge.journal.memory import MemoryJournal
from bridge.outputs.gateway.port import GatewaySettings
from bridge.wire.sse import Frame, FrameDecoder
from tests.gateway_bridge import API, GatewayBridge, gateway_bridge, hashed

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


async def followed(bridge: GatewayBridge, *, events: int = 30, ends: bool = True) -> Any:
    """A run of the simulator that the bridge has read to its end."""
    run = bridge.sim.create_run(events=min(events, 100))  # upstream shows 200 at most
    await bridge.follows.follow("run", run.id, "default")
    while len(run.commits) < events:
        await bridge.until(lambda: bridge.state(run.id).events >= len(run.commits))
        bridge.sim.append(run, min(100, events - len(run.commits)))
    if ends:
        bridge.sim.finish(run)
        await bridge.until(lambda: bridge.state(run.id).ended)
    else:
        await bridge.until(lambda: bridge.state(run.id).events >= events)
    return run


def ids(found: Any) -> list[str]:
    return [event["id"] for event in found["events"]]


async def frames_of(response: Any, until: Any) -> list[Frame]:
    """Frames until the condition holds of them, or the end."""
    decoder, found = FrameDecoder(), []
    async with asyncio.timeout(60):
        while not until(found):
            chunk = await response.content.readany()
            if not chunk:
                return found
            found += decoder.feed(chunk)
    return found


# Reads


async def test_a_followed_run_costs_upstream_nothing_however_many_poll_it() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge)
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
        run = await followed(bridge, events=451)
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
        run = await followed(bridge, events=5, ends=False)
        before = await bridge.get(f"/runs/{run.id}/events")
        bridge.sim.append(run, 1)
        await bridge.until(lambda: bridge.state(run.id).events == len(before["events"]) + 1)
        after = await bridge.get(f"/runs/{run.id}/events")
        assert ids(after)[:-1] == ids(before)


async def test_a_packed_page_says_so_and_is_the_page() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge, events=20, ends=False)
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
        run = await followed(bridge, events=20, ends=False)
        assert len(ids(await bridge.get(f"/runs/{run.id}/events"))) == 20
        await followed(bridge, events=50, ends=False)
        _, headers, cut = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert headers["X-Bridge-Cut"] == "true"
        assert len(ids(cut["data"])) < 20


async def test_the_run_object_is_as_fresh_as_what_was_seen_last() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge, events=3, ends=False)
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


async def test_following_can_be_switched_off_and_what_an_operator_stopped_stays_stopped() -> None:
    async with gateway_bridge(settings=GatewaySettings(follow=False, cache_s=0.0)) as bridge:
        run = bridge.sim.create_run(events=2)
        await bridge.get(f"/runs/{run.id}")
        assert bridge.follows.known("run", run.id) == ()
    async with gateway_bridge(settings=GatewaySettings(cache_s=0.0)) as bridge:
        run = await followed(bridge, events=2, ends=False)
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
        run = await followed(bridge)
        found = (await bridge.get(f"/runs/{run.id}"))["run"]
        assert found["eventsUrl"] == f"{API}/runs/{run.id}/events"
        assert found["cancelUrl"] == f"{API}/runs/{run.id}/cancel"


async def test_what_retention_cut_is_said_beside_the_data() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge, events=20)
        _, headers, whole = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert "bridge" not in whole
        assert "X-Bridge-Cut" not in headers
    async with gateway_bridge(journal=MemoryJournal(records_max=12)) as bridge:
        run = await followed(bridge, events=20)
        _, headers, cut = await bridge.call("GET", f"{API}/runs/{run.id}/events")
        assert headers["X-Bridge-Cut"] == "true"
        assert cut["bridge"]["cut"] is True
        assert cut["bridge"]["events"] == len(run.commits) > len(cut["data"]["events"]) > 0


async def test_the_list_of_runs_is_ours_newest_first_in_pages() -> None:
    async with gateway_bridge() as bridge:
        runs = [await followed(bridge, events=2, ends=n % 2 == 0) for n in range(5)]
        newest_first = [run.id for run in reversed(runs)]
        page = await bridge.get("/runs?limit=2")
        assert [run["runId"] for run in page["runs"]] == newest_first[:2]
        rest = await bridge.get(f"/runs?limit=200&cursor={page['nextCursor']}")
        assert [run["runId"] for run in rest["runs"]] == newest_first[2:]
        assert rest["nextCursor"] is None
        ended = await bridge.get("/runs?status=success")
        assert [run["runId"] for run in ended["runs"]] == newest_first[::2]


# Streams


async def test_a_stream_has_the_vendors_frames_and_ends_after_the_end_of_the_run() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge, events=5, ends=False)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/event-stream"
            found = await frames_of(response, lambda frames: len(frames) >= 6)
            assert found[0].event == "run"
            assert json.loads(found[0].data)["runId"] == run.id
            bridge.sim.append(run, 2)
            bridge.sim.finish(run)
            found += await frames_of(response, lambda _: False)
        events = [frame for frame in found if frame.event != "run"]
        assert [frame.id for frame in events] == [event.id for event in run.commits]
        assert events[-1].event == "finished"
        assert [json.loads(f.data)["type"] for f in events] == [f.event for f in events]


async def test_a_stream_resumes_from_any_event_of_the_journal_and_refuses_a_foreign_one() -> None:
    async with gateway_bridge() as bridge:
        run = await followed(bridge, events=451)
        everything = [event.id for event in run.commits]
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url, headers={"Last-Event-ID": everything[9]}) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == everything[10:]
        async with bridge.session.get(url) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == everything[-100:]
        async with bridge.session.get(url, headers={"Last-Event-ID": everything[-1]}) as response:
            found = await frames_of(response, lambda _: False)
        assert [frame.event for frame in found] == ["run"]
        status, _, refused = await bridge.call(
            "GET", f"{API}/runs/{run.id}/events/stream", Last_Event_ID=str(uuid.uuid4())
        )
        assert status == 400
        assert refused["error"]["message"] == "Last-Event-ID does not belong to this run"


async def test_a_stream_of_a_run_without_a_terminal_event_ends_too() -> None:
    # By polls: on a stream of upstream's it takes a minute of silence until the row is read.
    async with gateway_bridge(knobs={"stream": "absent"}) as bridge:
        run = await followed(bridge, events=3, ends=False)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            bridge.sim.set_status(run, "cancelled")
            found = await frames_of(response, lambda _: False)
        assert [frame.id for frame in found if frame.event != "run"] == [e.id for e in run.commits]
        async with bridge.session.get(url) as response:  # and one that comes when all is over
            assert len(await frames_of(response, lambda _: False)) == 4


async def test_a_stream_of_an_unknown_run_begins_when_it_is_followed() -> None:
    async with gateway_bridge() as bridge:
        run = bridge.sim.create_run(events=5)
        url = f"{bridge.url}{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(url) as response:
            assert response.status == 200
            found = await frames_of(response, lambda frames: len(frames) >= 6)
        assert [frame.id for frame in found if frame.event != "run"] == [e.id for e in run.commits]


# Starts


def start_body(bridge: GatewayBridge, **more: Any) -> dict[str, Any]:
    return {"repoId": bridge.sim.world.account.repos[0]["id"], "prompt": "Fix it", **more}


async def test_a_started_run_is_followed_from_its_first_event_and_a_retry_gives_the_same() -> None:
    async with gateway_bridge() as bridge:
        body, key = start_body(bridge), str(uuid.uuid4())
        first = await bridge.call("POST", f"{API}/runs", body=body, Idempotency_Key=key)
        again = await bridge.call("POST", f"{API}/runs", body=body, Idempotency_Key=key)
        assert (first[0], again[0]) == (202, 202)
        assert first[2]["data"]["replayed"] is False
        assert again[2]["data"]["replayed"] is True
        assert first[2]["data"]["runId"] == again[2]["data"]["runId"]
        run_id = first[2]["data"]["runId"]
        assert bridge.follows.known("run", run_id)[0].is_followed
        assert await bridge.journal.checkpoint("gateway/starts") == b"[]"
        assert bridge.sample("gateway_run_starts_total", outcome="started") == 1
        assert bridge.sample("gateway_run_starts_total", outcome="replayed") == 1
        other = await bridge.call(
            "POST", f"{API}/runs", body=start_body(bridge, prompt="x"), Idempotency_Key=key
        )
        assert (other[0], other[2]["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        ("", b"{}", "Idempotency-Key is required"),
        ("k" * 201, b"{}", "Idempotency-Key exceeds 200 characters"),
        ("k", b"{", "Invalid JSON body"),
        ("k", b"{}", "repoId is required"),
        ("k", b'{"repoId":"acme/web"}', "repoId must be a UUID"),
        ("k", b"null", "repoId is required"),
    ],
)
async def test_a_wrong_start_is_refused_here_and_costs_no_start(
    key: str, body: bytes, said: str
) -> None:
    async with gateway_bridge() as bridge:
        status, _, found = await bridge.call("POST", f"{API}/runs", raw=body, Idempotency_Key=key)
        assert (status, found["error"]) == (400, {"code": "BAD_REQUEST", "message": said})
        assert bridge.asked() == 0


async def test_the_limit_of_starts_is_passed_on_and_counted() -> None:
    async with gateway_bridge(knobs={"run_start_limiter": "user"}) as bridge:
        answers = [
            await bridge.call(
                "POST", f"{API}/runs", body=start_body(bridge), Idempotency_Key=str(uuid.uuid4())
            )
            for _ in range(11)
        ]
        assert [status for status, _, _ in answers] == [202] * 10 + [429]
        assert 1 <= int(answers[-1][1]["Retry-After"]) <= 60
        assert answers[-1][2]["error"]["code"] == "RATE_LIMITED"
        assert bridge.sample("gateway_run_starts_total", outcome="limited") == 1


async def test_a_start_whose_answer_was_lost_is_followed_by_the_next_process() -> None:
    """Killed between passing it on and answering: the key gives the same run."""
    async with gateway_bridge() as bridge:
        body, key = start_body(bridge, prompt="with password=hunter2hunter2"), str(uuid.uuid4())
        (runs,) = bridge.gateways.values()
        asked = runs.ask
        sent: list[Any] = []

        async def lost(account: str, question: Any) -> Any:
            sent.append(await asked(account, question))
            raise asyncio.CancelledError  # the process is killed here

        runs.ask = lost
        with pytest.raises(Exception):  # noqa: B017, PT011 - the connection breaks
            await bridge.call("POST", f"{API}/runs", body=body, Idempotency_Key=key)
        runs.ask = asked
        kept = await bridge.journal.checkpoint("gateway/starts")
        assert kept not in (None, b"[]")
        assert b"hunter2" not in (kept or b"")
        run_id = json.loads(sent[0].body)["data"]["runId"]
        assert bridge.follows.known("run", run_id) == ()
        async with gateway_bridge(journal=bridge.journal, sim=bridge.sim) as successor:
            await successor.until(lambda: successor.follows.known("run", run_id))
            await successor.until(lambda: successor.sim.world.replays)
        assert len(bridge.sim.world.store.runs) == 1


async def test_cancel_is_passed_on_in_both_shapes() -> None:
    for shape in ("seed", "code"):
        async with gateway_bridge(knobs={"cancel_shape": shape}) as bridge:
            run = await followed(bridge, events=2, ends=False)
            status, _, found = await bridge.call("POST", f"{API}/runs/{run.id}/cancel")
            assert status == 200
            assert found["data"]["run"]["runId"] == run.id
            await bridge.until(lambda: bridge.state(run.id).ended)  # noqa: B023 - used at once


# What is passed on


async def test_every_step_of_the_quickstart_works(tmp_path: Path) -> None:
    token = "mog_" + "Q" * 24
    tokens = f'[[tokens]]\nname = "ci"\nsha256 = "{hashed(token)}"\nscopes = ["read", "write"]\n'
    async with gateway_bridge(tokens=tokens, directory=tmp_path) as bridge:
        bridge.headers = {"Authorization": f"Bearer {token}"}
        status, _, user = await bridge.call("GET", "/api/auth/user")
        assert (status, user["user"]["id"]) == (200, bridge.sim.world.account.user["id"])
        repos = await bridge.get("/repos?limit=20")
        status, _, _ = await bridge.call("GET", "/api/models?format=cli")
        assert status in (200, 404)  # the simulator has no models
        status, _, started = await bridge.call(
            "POST", f"{API}/runs", Idempotency_Key=str(uuid.uuid4()),
            Content_Type="application/json",
            body={
                "repoId": repos["repos"][0]["id"], "prompt": "Inspect the failing test suite.",
                "harness": "codex", "baseBranch": "main", "createBranch": True,
                "rootDirectory": "apps/web",
            },
        )  # fmt: skip
        assert status == 202
        run_id = started["data"]["runId"]
        run = bridge.sim.run(run_id)
        bridge.sim.append(run, 3)
        assert (await bridge.get(f"/runs/{run_id}"))["run"]["runId"] == run_id
        await bridge.until(lambda: bridge.state(run_id).events >= 4)
        assert len(ids(await bridge.get(f"/runs/{run_id}/events?limit=100"))) >= 4
        status, _, _ = await bridge.call("POST", f"{API}/runs/{run_id}/cancel")
        assert status == 200
        repo = repos["repos"][0]["id"]
        await bridge.get(f"/sandboxes?repo_id={repo}&status=running")


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


# Who may


TWO = """
[[tokens]]
name = "reader"
sha256 = "{reader}"
scopes = ["read"]

[[tokens]]
name = "one-run"
sha256 = "{one}"
scopes = ["read", "write"]
runs = ["{run}"]

[[tokens]]
name = "second"
sha256 = "{second}"
scopes = ["read", "write"]
accounts = ["second"]

[[tokens]]
name = "writer"
sha256 = "{writer}"
scopes = ["read", "write"]
"""
NAMES = ("reader", "one", "second", "writer")


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer mog_{name}{'x' * 24}"}


def some_tokens(run: str = RUN) -> str:
    return TWO.format(run=run, **{name: hashed(f"mog_{name}{'x' * 24}") for name in NAMES})


async def test_refusals_of_access_are_in_the_vendors_envelope(tmp_path: Path) -> None:
    async with gateway_bridge(tokens=some_tokens(), directory=tmp_path) as bridge:
        for headers in ({}, {"Authorization": "Bearer mog_wrong"}):
            status, _, found = await bridge.call("GET", f"{API}/repos", **headers)
            assert (status, found["error"]["code"]) == (401, "UNAUTHORIZED")
        bridge.headers = as_("reader")
        status, _, found = await bridge.call(
            "POST", f"{API}/runs", body=start_body(bridge), Idempotency_Key="k"
        )
        assert (status, found["error"]["code"]) == (403, "FORBIDDEN")
        status, _, _ = await bridge.call("POST", f"{API}/runs/{RUN}/cancel")
        assert status == 403
        assert bridge.asked() == 0


async def test_a_token_limited_to_a_run_sees_that_run_and_nothing_else(tmp_path: Path) -> None:
    async with gateway_bridge(tokens=some_tokens(), directory=tmp_path) as bridge:
        mine = bridge.sim.create_run(events=2, run_id=RUN)
        other = await followed(bridge, events=2)
        bridge.headers = as_("one")
        assert (await bridge.get(f"/runs/{mine.id}"))["run"]["runId"] == mine.id
        asked = bridge.asked()
        for path in (f"/runs/{other.id}", f"/runs/{other.id}/events", "/repos", "/sandboxes"):
            status, _, _ = await bridge.call("GET", API + path)
            assert status in (403, 404), path
        status, _, _ = await bridge.call("POST", f"{API}/runs/{other.id}/cancel")
        assert status in (403, 404)
        listed = await bridge.get("/runs")
        assert other.id not in [run["runId"] for run in listed["runs"]]
        assert bridge.asked("repos") == 0
        assert bridge.asked("cancel") == 0
        del asked


async def test_answers_of_one_account_never_reach_a_token_of_another(tmp_path: Path) -> None:
    names = ("default", "second")
    async with gateway_bridge(tokens=some_tokens(), directory=tmp_path, accounts=names) as bridge:
        bridge.headers = as_("writer")
        run = await followed(bridge, events=2)
        await bridge.get("/repos?limit=7")
        asked = bridge.asked()
        bridge.headers = as_("second")
        await bridge.get("/repos?limit=7")
        assert bridge.asked() == asked + 1, "each account has answers of its own"
        status, _, _ = await bridge.call("GET", f"{API}/repos", X_Bridge_Account="default")
        assert status == 403
        listed = await bridge.get("/runs")
        assert run.id not in [one["runId"] for one in listed["runs"]]


async def test_a_key_of_another_client_gives_nobody_his_run(tmp_path: Path) -> None:
    async with gateway_bridge(
        tokens=some_tokens(), directory=tmp_path, accounts=("default", "second")
    ) as bridge:
        body = start_body(bridge)
        bridge.headers = as_("writer")
        first = await bridge.call(
            "POST", f"{API}/runs", body=body, Idempotency_Key="same", X_Bridge_Account="second"
        )
        bridge.headers = as_("second")
        other = await bridge.call("POST", f"{API}/runs", body=body, Idempotency_Key="same")
        assert first[0] == 202
        assert (other[0], other[2]["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_headers_of_clients_do_not_reach_upstream() -> None:
    async with gateway_bridge() as bridge:
        seen: list[Any] = []
        gate = bridge.sim._gate
        handle = gate.handle

        async def watch(request: Any) -> Any:
            seen.append(dict(request.headers))
            return await handle(request)

        gate.handle = watch  # type: ignore[method-assign]
        await bridge.call(
            "POST", f"{API}/runs", body=start_body(bridge), Idempotency_Key="k1",
            Authorization="Bearer mog_theirs", X_Forwarded_For="1.2.3.4", Cookie="a=b",
            X_Evil="1", Accept_Language="xx",
        )  # fmt: skip
        assert seen
        text = json.dumps(seen)
        for leaked in ("mog_theirs", "1.2.3.4", "a=b", "Evil", "xx"):
            assert leaked not in text


async def test_a_body_over_the_limit_is_refused_unread() -> None:
    async with gateway_bridge() as bridge:
        status, _, found = await bridge.call(
            "POST", f"{API}/runs", raw=io.BytesIO(b"x" * (2**20 + 1)), Idempotency_Key="k"
        )
        assert status == 413
        assert found["error"]["code"] == "BAD_REQUEST"
        assert bridge.asked() == 0


async def test_a_long_prompt_is_taken() -> None:
    """100,000 characters, six bytes each as JSON: more than any other request may hold."""
    async with gateway_bridge() as bridge:
        body = start_body(bridge, prompt="ü" * 99_000 + "x" * 1000)
        status, _, found = await bridge.call(
            "POST", f"{API}/runs", raw=io.BytesIO(json.dumps(body).encode()), Idempotency_Key="k"
        )
        assert status == 202, found


async def test_a_browser_of_another_origin_gets_nothing() -> None:
    async with gateway_bridge() as bridge:
        status, _, found = await bridge.call("GET", f"{API}/repos", Origin="https://evil.example")
        assert (status, found["error"]["code"]) == (403, "FORBIDDEN")
        status, _, _ = await bridge.call("GET", f"{API}/repos", Host="evil.example")
        assert status == 403
        assert bridge.asked() == 0
