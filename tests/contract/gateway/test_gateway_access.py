"""Who may ask the gateway for what, and what of a request reaches upstream."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from tests.gateway_bridge import API, gateway_bridge, hashed

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"


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
            "POST", f"{API}/runs", body=bridge.start_body(), Idempotency_Key="k"
        )
        assert (status, found["error"]["code"]) == (403, "FORBIDDEN")
        status, _, _ = await bridge.call("POST", f"{API}/runs/{RUN}/cancel")
        assert status == 403
        assert bridge.asked() == 0


async def test_a_token_limited_to_a_run_sees_that_run_and_nothing_else(tmp_path: Path) -> None:
    async with gateway_bridge(tokens=some_tokens(), directory=tmp_path) as bridge:
        mine = bridge.sim.create_run(events=2, run_id=RUN)
        other = await bridge.followed(events=2)
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
        run = await bridge.followed(events=2)
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
    """G2: the key is bound to who used it first."""
    async with gateway_bridge(
        tokens=some_tokens(), directory=tmp_path, accounts=("default", "second")
    ) as bridge:
        body = bridge.start_body()
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
            "POST", f"{API}/runs", body=bridge.start_body(), Idempotency_Key="k1",
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
        body = bridge.start_body(prompt="ü" * 99_000 + "x" * 1000)
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
