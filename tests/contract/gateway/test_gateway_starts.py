"""Starts and cancels through the gateway: passed on, never lost, never twice."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.gateway_bridge import API, GatewayBridge, gateway_bridge, hashed, ids

QUIET_S = 45.0  # a run in which nothing happens is read seldom by then


async def test_a_started_run_is_followed_from_its_first_event_and_a_retry_gives_the_same() -> None:
    async with gateway_bridge() as bridge:
        body, key = bridge.start_body(), str(uuid.uuid4())
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
            "POST", f"{API}/runs", body=bridge.start_body(prompt="x"), Idempotency_Key=key
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
                "POST", f"{API}/runs", body=bridge.start_body(), Idempotency_Key=str(uuid.uuid4())
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
        body, key = bridge.start_body(prompt="with password=hunter2hunter2"), str(uuid.uuid4())
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
            run = await bridge.followed(events=2, ends=False)
            status, _, found = await bridge.call("POST", f"{API}/runs/{run.id}/cancel")
            assert status == 200
            assert found["data"]["run"]["runId"] == run.id
            await bridge.until(lambda: bridge.state(run.id).ended)  # noqa: B023 - used at once


async def test_every_step_of_the_quickstart_works(tmp_path: Path) -> None:
    token = "mog_" + "Q" * 24
    tokens = f'[[tokens]]\nname = "ci"\nsha256 = "{hashed(token)}"\nscopes = ["read", "write"]\n'
    async with gateway_bridge(tokens=tokens, directory=tmp_path) as bridge:
        bridge.headers = {"Authorization": f"Bearer {token}"}
        status, _, user = await bridge.call("GET", "/api/auth/user")
        assert (status, user["user"]["id"]) == (200, bridge.sim.world.account.user["id"])
        repos = await bridge.get("/repos?limit=20")
        status, _, found = await bridge.call("GET", "/api/models?format=cli")
        assert status == 200
        assert any(model["enabled"] for model in found["models"])
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


@pytest.mark.parametrize("stream", ["absent", "v2"])
@pytest.mark.parametrize("is_paused", [False, True])
async def test_after_a_cancel_the_run_is_read_at_once(stream: str, is_paused: bool) -> None:
    """One that waits for input ends without any event: nothing else tells (mogplex.md 1.7)."""
    async with gateway_bridge(knobs={"stream": stream}, requests_per_minute=54) as bridge:
        run = await bridge.followed(events=3, ends=False)
        for _ in range(20):  # each would have its turn before
            await bridge.followed(events=1, ends=False)
        if is_paused:
            bridge.sim.pause(run)
        await asyncio.sleep(QUIET_S)
        status, _, _ = await bridge.call("POST", f"{API}/runs/{run.id}/cancel")
        assert status == 200
        await asyncio.sleep(5)
        asked = list(bridge.sim.world.log.records)
        cancel = next(one for one in asked if one.endpoint == "cancel")
        first = asked[asked.index(cancel) + 1]
        assert first.feed_id == run.id
        assert first.at_s - cancel.at_s <= 60 / 54, "the first free place"
        if is_paused:
            assert (await bridge.get(f"/runs/{run.id}"))["run"]["status"] == "cancelled"
        await bridge.until(lambda: bridge.state(run.id).ended, within_s=300.0)


async def test_a_key_stays_its_clients_over_a_restart_and_through_another_account(
    tmp_path: Path,
) -> None:
    """Two accounts with one token are one caller to upstream: it would replay the run."""
    tokens = "".join(
        f'[[tokens]]\nname = "{name}"\nsha256 = "{hashed(name)}"\nscopes = ["write", "read"]\n'
        for name in ("mine", "theirs")
    )
    accounts = ("default", "second")
    async with gateway_bridge(tokens=tokens, directory=tmp_path, accounts=accounts) as bridge:
        body, key = bridge.start_body(), "build-42"

        async def start(where: GatewayBridge, who: str, account: str) -> Any:
            status, _, found = await where.call(
                "POST", f"{API}/runs", body=body, Idempotency_Key=key, X_Bridge_Account=account,
                Authorization=f"Bearer {who}",
            )  # fmt: skip
            return status, found.get("error", found.get("data"))

        status, run = await start(bridge, "mine", "default")
        assert status == 202
        for account in accounts:
            status, error = await start(bridge, "theirs", account)
            assert (status, error["code"]) == (409, "IDEMPOTENCY_CONFLICT")
        kept = await bridge.journal.checkpoint("gateway/owners")
        assert kept is not None
        assert b"mine" not in kept
        async with gateway_bridge(
            tokens=tokens, directory=tmp_path, accounts=accounts, journal=bridge.journal,
            sim=bridge.sim,
        ) as successor:  # fmt: skip
            for account in accounts:
                status, error = await start(successor, "theirs", account)
                assert (status, error["code"]) == (409, "IDEMPOTENCY_CONFLICT")
            status, again = await start(successor, "mine", "default")
            assert (status, again["runId"], again["replayed"]) == (202, run["runId"], True)


async def test_keys_of_starts_that_were_refused_push_nobody_out(tmp_path: Path) -> None:
    tokens = "".join(
        f'[[tokens]]\nname = "{name}"\nsha256 = "{hashed(name)}"\nscopes = ["write", "read"]\n'
        for name in ("mine", "theirs")
    )
    async with gateway_bridge(tokens=tokens, directory=tmp_path) as bridge:
        mine, theirs = {"Authorization": "Bearer mine"}, {"Authorization": "Bearer theirs"}
        body = bridge.start_body()
        status, _, _ = await bridge.call(
            "POST", f"{API}/runs", body=body, Idempotency_Key="k", **mine
        )
        assert status == 202
        unknown = bridge.start_body(repoId=str(uuid.uuid4()))
        for number in range(5):
            status, _, _ = await bridge.call(
                "POST", f"{API}/runs", body=unknown, Idempotency_Key=f"k{number}", **theirs
            )
            assert status == 404
        kept = await bridge.journal.checkpoint("gateway/owners")
        assert len(json.loads(kept or b"")) == 1
        status, _, _ = await bridge.call(
            "POST", f"{API}/runs", body=body, Idempotency_Key="k", **theirs
        )
        assert status == 409
