"""Transport, sign-in, limiter and faults of the simulated service (mogplex.md 1.2, 1.3, 1.11)."""

from __future__ import annotations

import asyncio
import gzip
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.unit.simulator.asking import ROOT, TOKEN, Frames, asking, still

ABSENT_ID = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
REPOS = f"{ROOT}/repos"


# -- what is not JSON


async def test_without_bearer_the_answer_is_a_redirect_to_the_login_page() -> None:
    async with asking() as asker:
        for how in ({"token": None}, {"headers": {"Authorization": "Basic eDp5"}}):
            answer = await asker.get(f"{REPOS}?limit=1", **how)
            assert answer.status == 307
            target = urlsplit(answer.headers["Location"])
            assert target.path == "/login"
            assert parse_qs(target.query) == {"next": [f"{REPOS}?limit=1"]}
            assert asker.sim.requests[-1].outcome == "unmetered"
        # Somebody who follows it finds a page for people, with a 200.
        page = await asker.get("/login?next=x", token=None)
        assert (page.status, page.is_html) == (200, True)


async def test_no_bearer_can_be_a_401_as_in_the_documents() -> None:
    async with asking(no_bearer="unauthorized") as asker:
        answer = await asker.get(REPOS, token=None)
        assert answer.error == (401, "UNAUTHORIZED", "Unauthorized")


async def test_a_www_host_is_sent_to_the_apex_with_port_path_and_query() -> None:
    async with asking() as asker:
        answer = await asker.get(f"{REPOS}?limit=2", headers={"Host": "www.mogplex.test:8443"})
        assert answer.status == 308
        assert answer.headers["Location"] == f"http://mogplex.test:8443{REPOS}?limit=2"
        asker.sim.knobs.change({"www": "serve"})
        assert (await asker.get(REPOS, headers={"Host": "www.mogplex.test"})).status == 200


async def test_a_trailing_slash_is_redirected_away() -> None:
    async with asking() as asker:
        answer = await asker.get(f"{REPOS}/?q=web")
        assert (answer.status, answer.headers["Location"]) == (308, f"{REPOS}?q=web")
        asker.sim.knobs.change({"trailing_slash": "serve"})
        assert (await asker.get(f"{REPOS}/")).status == 200


@pytest.mark.parametrize("path", ["/", f"{ROOT}/nothing", f"{ROOT}/runs/{ABSENT_ID}/artifacts"])
async def test_an_unknown_route_is_a_404_in_html(path: str) -> None:
    async with asking() as asker:
        answer = await asker.get(path)
        assert (answer.status, answer.is_html) == (404, True)
        assert asker.sim.accepted(TOKEN) == 0


async def test_a_wrong_method_is_a_405_without_a_body() -> None:
    async with asking() as asker:
        for method, path in (
            ("GET", "/runs"),
            ("POST", "/repos"),
            ("DELETE", f"/runs/{ABSENT_ID}"),
        ):
            answer = await asker.ask(method, ROOT + path)
            assert (answer.status, answer.body) == (405, b"")
        assert asker.sim.accepted(TOKEN) == 0


async def test_html_5xx_hits_the_next_k_requests_and_costs_nothing() -> None:
    async with asking(html_5xx=2, html_5xx_status=504) as asker:
        answers = [await asker.get(REPOS) for _ in range(3)]
        assert [answer.status for answer in answers] == [504, 504, 200]
        assert answers[0].is_html
        assert asker.sim.accepted(TOKEN) == 1


# -- sign-in


@pytest.mark.parametrize("token", ["mog_", "nope", "mog_a-b", "MOG_abc"])
async def test_a_malformed_token_is_a_401_with_the_metadata_header(token: str) -> None:
    async with asking() as asker:
        answer = await asker.get(REPOS, token=token)
        assert answer.error == (401, "UNAUTHORIZED", "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == (
            f'Bearer resource_metadata="{asker.sim.url}'
            '/.well-known/oauth-protected-resource/api/v1/mogplex/mcp"'
        )


async def test_a_token_can_be_revoked_and_limited_to_scopes() -> None:
    async with asking() as asker:
        run = asker.sim.create_run()
        asker.sim.set_token("mog_revoked", valid=False)
        assert (await asker.get(REPOS, token="mog_revoked")).status == 401
        asker.sim.set_token("mog_reader", scopes=["read"])
        cancel = await asker.post(f"{ROOT}/runs/{run.id}/cancel", token="mog_reader")
        assert cancel.error[:2] == (403, "FORBIDDEN")
        assert "'write' scope" in cancel.error[2]
        # Reads of runs and repos are not checked: a write-only token can read them.
        asker.sim.set_token("mog_writer", scopes=["write"])
        for path in ("/repos", "/sandboxes", f"/runs/{run.id}", f"/runs/{run.id}/events"):
            assert (await asker.get(ROOT + path, token="mog_writer")).status == 200
        assert (await asker.get(f"{ROOT}/automations", token="mog_writer")).status == 403


async def test_auth_flap_gives_spurious_401s_that_are_not_counted() -> None:
    async with asking(auth_flap=1) as asker:
        assert (await asker.get(REPOS)).status == 401
        assert (await asker.get(REPOS)).status == 200
        assert asker.sim.accepted(TOKEN) == 1


async def test_auth_user_has_no_envelope_and_is_null_for_every_trouble() -> None:
    async with asking(limiter_limit=1) as asker:
        assert (await asker.get("/api/auth/user")).json["user"]["github_username"]
        limited = await asker.get("/api/auth/user")
        assert (limited.status, limited.json) == (200, {"user": None})
        assert (asker.sim.accepted(TOKEN), asker.sim.refused(TOKEN)) == (1, 1)
        for token in (None, "bad"):
            assert (await asker.get("/api/auth/user", token=token)).json == {"user": None}


async def test_models_have_no_envelope_and_are_refused_in_it() -> None:
    async with asking() as asker:
        found = await asker.get("/api/models?format=cli")
        assert [model["id"] for model in found.json["models"] if model["enabled"]]
        assert asker.sim.accepted(TOKEN) == 1
        for token in (None, "bad"):
            refused = await asker.get("/api/models", token=token)
            assert (refused.status, refused.json["error"]["code"]) == (401, "UNAUTHORIZED")


# -- the limiter


async def test_sixty_a_minute_then_429_until_exactly_sixty_seconds_have_passed() -> None:
    async with asking() as asker:
        for _ in range(60):
            assert (await asker.get(REPOS)).status == 200
        still(asker).advance(59.5)
        refused = await asker.get(REPOS)
        assert refused.error == (429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60s.")
        assert refused.headers["Retry-After"] == "60"
        assert (await asker.get(REPOS, token="mog_another")).status == 200
        still(asker).advance(0.5)
        assert (await asker.get(REPOS)).status == 200
        assert (asker.sim.peak(TOKEN), asker.sim.refused(TOKEN)) == (60, 1)


async def test_every_authorised_call_costs_one_unit_whatever_it_answers() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        asker.sim.finish(run, gap_s=0)
        await asker.get(f"{ROOT}/runs/{ABSENT_ID}")
        await asker.get(f"{ROOT}/runs/not-a-uuid")
        await asker.post(f"{ROOT}/runs")
        await asker.get("/api/auth/user")
        async with asker.stream(run.id) as frames:
            await frames.rest()
        assert asker.sim.accepted(TOKEN) == 5


async def test_bad_tokens_are_401_even_when_they_hammer() -> None:
    async with asking(limiter_limit=2) as asker:
        assert {(await asker.get(REPOS, token="bad")).status for _ in range(5)} == {401}


async def test_limiter_off_and_unmetered_tokens() -> None:
    async with asking(limiter_limit=1) as asker:
        asker.sim.set_token("oauth.token", metered=False)
        assert {(await asker.get(REPOS, token="oauth.token")).status for _ in range(5)} == {200}
        asker.sim.knobs.change({"limiter": "off"})
        assert {(await asker.get(REPOS)).status for _ in range(5)} == {200}
        assert asker.sim.peak(TOKEN) == 5


async def test_limiter_instances_count_independently() -> None:
    async with asking(limiter_limit=5, limiter_instances=3) as asker:
        statuses = [(await asker.get(REPOS)).status for _ in range(60)]
        assert statuses.count(200) == 15


async def test_the_window_is_settable() -> None:
    async with asking(limiter_limit=1, limiter_window_s=2.0) as asker:
        assert (await asker.get(REPOS)).status == 200
        still(asker).advance(1.9)
        assert (await asker.get(REPOS)).status == 429
        still(asker).advance(0.1)
        assert (await asker.get(REPOS)).status == 200


# -- faults


async def test_a_database_fault_has_the_message_of_its_endpoint() -> None:
    async with asking() as asker:
        run = asker.sim.create_run()
        for endpoint, path, message in (
            ("repos", "/repos", "Failed to list repos"),
            ("run", f"/runs/{run.id}", "Failed to load run"),
            ("events", f"/runs/{run.id}/events", "Failed to list events"),
            ("stream", f"/runs/{run.id}/events/stream", "Failed to stream events"),
            ("sandboxes", "/sandboxes", "Failed to list sandboxes"),
        ):
            asker.sim.fault("database", endpoint=endpoint)
            assert (await asker.get(ROOT + path)).error == (500, "INTERNAL_ERROR", message)
        asker.sim.fault("database", endpoint="cancel")
        answer = await asker.post(f"{ROOT}/runs/{run.id}/cancel")
        assert answer.error == (500, "INTERNAL_ERROR", "Failed to cancel run")
        assert asker.sim.accepted(TOKEN) == 6


async def test_a_fault_hits_only_what_it_is_meant_for() -> None:
    async with asking() as asker:
        one, other = asker.sim.create_run(), asker.sim.create_run()
        asker.sim.fault("database", feed_id=one.id, times=2, skip=1)
        answers = [(await asker.get(f"{ROOT}/runs/{one.id}")).status for _ in range(4)]
        assert answers == [200, 500, 500, 200]
        asker.sim.fault("crash", endpoint="events", token="mog_x")
        assert (await asker.get(f"{ROOT}/runs/{other.id}/events")).status == 200
        crashed = await asker.get(f"{ROOT}/runs/{other.id}/events", token="mog_x")
        assert (crashed.status, crashed.body) == (500, b"")


async def test_reset_drops_the_connection_before_anything_is_done() -> None:
    """With a POST, because aiohttp's client repeats a GET on its own after a dropped connection."""
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        asker.sim.fault("reset")
        with pytest.raises(aiohttp.ClientConnectionError):
            await asker.post(f"{ROOT}/runs/{run.id}/cancel")
        assert (asker.sim.accepted(TOKEN), run.status) == (0, "streaming")
        assert (await asker.get(REPOS)).status == 200


async def test_lost_reply_is_executed_and_counted() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=1)
        asker.sim.fault("lost_reply", endpoint="cancel")
        with pytest.raises(aiohttp.ClientConnectionError):
            await asker.post(f"{ROOT}/runs/{run.id}/cancel")
        assert run.status == "cancelled"
        assert asker.sim.accepted(TOKEN) == 1
        assert (asker.sim.requests[-1].status, asker.sim.requests[-1].fault) == (None, "lost_reply")


async def test_cut_body_sends_half() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=50)
        whole = await asker.get(f"{ROOT}/runs/{run.id}/events")
        asker.sim.fault("cut_body")
        url = f"{asker.sim.url}{ROOT}/runs/{run.id}/events"
        async with asker.session.get(url, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert response.status == 200
            assert await Frames(response).rest() == (whole.body[: len(whole.body) // 2], False)


async def test_slow_waits_on_the_clock_of_the_simulator() -> None:
    async with asking() as asker:
        asker.sim.fault("slow", delay_s=30.0)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            task = group.create_task(asker.get(REPOS))
            while asker.sim.accepted(TOKEN) == 0:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert not task.done()
            still(asker).advance(30.0)
        assert task.result().status == 200


async def test_delay_s_slows_every_reply() -> None:
    async with asking(delay_s=5.0) as asker:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            task = group.create_task(asker.get(REPOS))
            while not asker.sim.requests:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert not task.done()
            still(asker).advance(5.0)
        assert task.result().status == 200


async def test_not_json_is_a_200_with_a_page() -> None:
    async with asking() as asker:
        asker.sim.fault("not_json")
        answer = await asker.get(REPOS)
        assert (answer.status, answer.is_html) == (200, True)


async def test_reply_is_whatever_one_wants() -> None:
    """For instance the code CONFLICT with a 404, as an older cancel sends it."""
    async with asking() as asker:
        run = asker.sim.create_run()
        asker.sim.fault(
            "reply", status=404, code="CONFLICT", message="Sandbox is not ready", retry_after="soon"
        )
        answer = await asker.post(f"{ROOT}/runs/{run.id}/cancel")
        assert answer.error == (404, "CONFLICT", "Sandbox is not ready")
        assert answer.headers["Retry-After"] == "soon"
        assert run.status == "pending"


async def test_html_5xx_and_unauthorized_as_faults_of_one_endpoint() -> None:
    async with asking() as asker:
        run = asker.sim.create_run()
        asker.sim.fault("html_5xx", endpoint="events", status=503)
        asker.sim.fault("unauthorized", endpoint="run")
        assert (await asker.get(REPOS)).status == 200
        assert (await asker.get(f"{ROOT}/runs/{run.id}/events")).status == 503
        assert (await asker.get(f"{ROOT}/runs/{run.id}")).status == 401
        assert asker.sim.accepted(TOKEN) == 1


# -- small knobs


async def test_gzip_only_when_switched_on_and_asked_for() -> None:
    async with asking() as asker:
        run = asker.sim.create_run(events=30)
        path = f"{ROOT}/runs/{run.id}/events"
        asks = {"Accept-Encoding": "gzip, deflate"}
        plain = await asker.get(path, headers=asks)
        assert "Content-Encoding" not in plain.headers
        asker.sim.knobs.change({"gzip": True})
        packed = await asker.get(path, headers=asks)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 2
        assert (await asker.get(path)).body == plain.body


async def test_request_id_can_be_left_out() -> None:
    async with asking() as asker:
        assert (await asker.get(REPOS)).headers["x-vercel-id"]
        asker.sim.knobs.change({"request_id": False})
        assert "x-vercel-id" not in (await asker.get(REPOS)).headers


async def test_no_header_tells_what_is_left_of_the_limit() -> None:
    async with asking() as asker:
        names = {name.lower() for name in (await asker.get(REPOS)).headers}
        assert names == {"content-type", "content-length", "date", "server", "x-vercel-id"}
