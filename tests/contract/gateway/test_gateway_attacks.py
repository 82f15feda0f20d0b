"""The gateway attacked from outside: what is refused, and what never reaches upstream."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.outputs.http.groups import Policy
from bridge.outputs.http.limits import Limits
from bridge.outputs.http.origins import Origins
from tests.accounts import TOKEN as UPSTREAM_TOKEN
from tests.gateway_bridge import API, GatewayBridge, gateway_bridge, hashed

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
REPO = f"{API}/repos"


def token(name: str, more: str = "", scopes: str = '["read", "write"]') -> str:
    digest = hashed(f"mog_{name}")
    return f'[[tokens]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = {scopes}\n{more}'


@asynccontextmanager
async def guarded(
    directory: Path, *tokens: str, accounts: tuple[str, ...] = ("default",), **more: Any
) -> AsyncIterator[GatewayBridge]:
    text = "".join(tokens) or token("good")
    async with gateway_bridge(tokens=text, directory=directory, accounts=accounts, **more) as it:
        yield it


async def raw(bridge: GatewayBridge, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
    """One request as it stands; status and everything that came until the connection ended."""
    host, _, port = bridge.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = [
            *lines,
            "" if any(x.lower().startswith("host:") for x in lines) else f"Host: {host}:{port}",
        ]
        writer.write(
            "\r\n".join([*filter(None, head), "Connection: close", "", ""]).encode("latin-1") + body
        )
        await writer.drain()
        async with asyncio.timeout(30):
            whole = await reader.read()
    finally:
        writer.close()
    return int(whole.split()[1]) if whole else 0, whole


GOOD = "Authorization: Bearer mog_good"


@pytest.mark.parametrize(
    "lines",
    [
        (GOOD, "Authorization: Bearer mog_other"),
        ("Authorization: Bearer mog_other", GOOD),
        (GOOD, GOOD),
        ("Authorization: Bearer mog_good, Bearer mog_other",),
        ("Authorization: Basic bW9nX2dvb2Q6",),
        ("Authorization: mog_good",),
        ("Authorization: Bearer",),
        ("Authorization: Bearer MOG_GOOD",),
        ("Proxy-Authorization: Bearer mog_good",),
        ("X-Api-Key: mog_good",),
        ("Cookie: token=mog_good; Authorization=Bearer mog_good",),
        ("X-Original-Authorization: Bearer mog_good",),
        (f"Authorization: Bearer {UPSTREAM_TOKEN}",),
        (f"Authorization: Bearer {hashed('mog_good')}",),
    ],
)
async def test_who_has_no_token_of_the_bridge_gets_nothing(
    lines: tuple[str, ...], tmp_path: Path
) -> None:
    async with guarded(tmp_path) as bridge:
        status, whole = await raw(bridge, f"GET {REPO} HTTP/1.1", *lines)
        assert status in (400, 401), whole
        assert bridge.asked() == 0


@pytest.mark.parametrize(
    "query",
    [
        "token=mog_good",
        "access_token=mog_good",
        "ticket={ticket}",
        "authorization=Bearer%20mog_good",
    ],
)
async def test_no_token_and_no_ticket_in_an_address(query: str, tmp_path: Path) -> None:
    async with guarded(tmp_path) as bridge:
        status, _, found = await bridge.call("POST", "/v1/tickets", Authorization="Bearer mog_good")
        assert status == 201
        query = query.format(ticket=found["ticket"])
        for path in (REPO, f"{API}/runs", f"{API}/runs/{RUN}/events/stream"):
            status, _, found = await bridge.call("GET", f"{path}?{query}")
            assert (status, found["error"]["code"]) == (401, "UNAUTHORIZED")
        assert bridge.asked() == 0


@pytest.mark.parametrize(
    "account",
    ["second", " second", "SECOND", "default, second", "default,second", "*", "second\tx", ""],
)
async def test_no_other_account_by_name(account: str, tmp_path: Path) -> None:
    own = token("good", 'accounts = ["default"]\n')
    async with guarded(tmp_path, own, accounts=("default", "second")) as bridge:
        run = bridge.sim.create_run(events=1)
        await bridge.follows.follow("run", run.id, "second")
        await bridge.until(lambda: bridge.state(run.id).events == 1)
        asked = bridge.asked()
        for path in (REPO, f"{API}/runs", f"{API}/runs/{run.id}", f"{API}/runs/{run.id}/events"):
            status, whole = await raw(
                bridge, f"GET {path} HTTP/1.1", GOOD, f"X-Bridge-Account: {account}"
            )
            assert status in (400, 403, 404), (path, whole)
        assert bridge.asked() == asked


async def test_two_names_of_accounts_are_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path, accounts=("default", "second")) as bridge:
        names = "X-Bridge-Account: default", "X-Bridge-Account: second"
        for path in (REPO, f"{API}/runs", f"{API}/runs/{RUN}"):
            status, _ = await raw(bridge, f"GET {path} HTTP/1.1", GOOD, *names)
            assert status == 403
        assert bridge.asked() == 0


async def test_a_limit_to_a_run_holds_however_its_id_is_written(tmp_path: Path) -> None:
    own = token("good", f'runs = ["{RUN.upper()}"]\n')
    async with guarded(tmp_path, own) as bridge:
        bridge.headers = {"Authorization": "Bearer mog_good"}
        mine, other = bridge.sim.create_run(events=1, run_id=RUN), bridge.sim.create_run(events=1)
        assert (await bridge.call("GET", f"{API}/runs/{mine.id.upper()}"))[0] == 200
        for id_ in (other.id, other.id.upper()):
            for method, path in (
                ("GET", ""),
                ("GET", "/events"),
                ("GET", "/events/stream"),
                ("POST", "/cancel"),
            ):
                status, _, _ = await bridge.call(method, f"{API}/runs/{id_}{path}")
                assert status == 404, path
        assert {record.feed_id for record in bridge.sim.world.log.records} == {mine.id}


async def test_a_cursor_tells_nothing_about_runs_of_others(tmp_path: Path) -> None:
    own = token("good", f'runs = ["{RUN}"]\n')
    async with guarded(tmp_path, own) as bridge:
        run = await bridge.followed(events=1, ends=False)
        bridge.headers = {"Authorization": "Bearer mog_good"}
        answers = [
            await bridge.call("GET", f"{API}/runs?cursor=default:{id_}")
            for id_ in (run.id, "9a2e4d10-77b1-4c55-9c0a-2d1f0b6b3f01")
        ]
        assert [answer[0] for answer in answers] == [400, 400]


@pytest.mark.parametrize(
    "lines",
    [
        ("Idempotency-Key: a", "Idempotency-Key: b"),
        ("Idempotency-Key: a\x0bX-Evil: 1",),
        ("Idempotency-Key: a\tb",),
        ("Idempotency-Key: \xe4",),
        ("Idempotency-Key: a\r\n folded: 1",),
        ("Idempotency-Key: a\rX-Evil: 1",),
        ("Idempotency-Key : a",),
        ("Idempotency_Key: a",),
        ("Idempotency-Key: a", "Transfer-Encoding: chunked"),
        ("Idempotency-Key: a", "Transfer-Encoding: xchunked"),
    ],
)
async def test_no_header_is_smuggled_by_a_start(lines: tuple[str, ...]) -> None:
    async with gateway_bridge() as bridge:
        body = json.dumps(bridge.start_body()).encode()
        status, whole = await raw(
            bridge, f"POST {API}/runs HTTP/1.1", f"Content-Length: {len(body)}", *lines, body=body
        )
        assert status == 400, whole
        assert bridge.asked() == 0


@pytest.mark.parametrize(
    "target",
    [
        f"{API}/repos;x",
        f"{API}/repos\\..\\mcp",
        f"{API}/repos%2e",
        f"{API}/..%2f..%2fapi%2fv1%2fmogplex%2frepos",
        f"{API}/repos%00",
        f"{API}/%2e%2e/mogplex/repos",
        f"{API}/repos/%2e%2e/mcp/servers",
        "/API/v1/mogplex/repos",
        "/api/v1/mogplex//repos",
        "//api/v1/mogplex/repos",
        "/api/v1/mogplex/repos?x#/../mcp/servers/",
        f"{API}/automations/{RUN}/runs/{RUN}/cancel",
        f"{API}/mcp%2fservers",
        f"{API}/mcp/servers",
        f"{API}/runs/{RUN}/../../mcp/servers",
        f"{API}/runs/{RUN}%2f..%2f..%2fmcp%2fservers",
        f"{API}/repos/{RUN}/env-vars",
        f"{API}/sandboxes/{RUN}%2flogs",
        f"{API}/sandboxes/..%2frepos/logs",
        f"{API}/sandboxes/{RUN}/logs/",
        "http://evil.example/api/v1/mogplex/mcp/servers",
        f"{API}/run\xe4s/{RUN}",
        f"{API}/runs/{RUN}\uff0fevents".encode().decode("latin-1"),
        "/api/auth/user/",
        "/api/auth/../auth/user",
        "/api/auth/%75ser",
        "/api/modelsx",
        "/api/",
        "/api/v1",
        "/api/v1/mogplex",
    ],
)
async def test_no_path_leads_elsewhere(target: str) -> None:
    async with gateway_bridge() as bridge:
        for method in ("GET", "POST", "PUT"):
            status, whole = await raw(bridge, f"{method} {target} HTTP/1.1", "Content-Length: 0")
            allowed = (400, 403, 404, 405)
            assert status in allowed or (method == "GET" and "?x#" in target), (method, whole)
        paths = {record.path for record in bridge.sim.world.log.records}
        assert paths <= {REPO}


async def test_a_target_with_another_host_asks_only_upstream(tmp_path: Path) -> None:
    async with guarded(tmp_path) as bridge:
        status, whole = await raw(
            bridge, f"GET http://evil.example{REPO} HTTP/1.1", GOOD, "Host: evil.example"
        )
        assert status in (200, 400, 403, 421), whole
        assert {record.path for record in bridge.sim.world.log.records} <= {REPO}


async def test_a_query_stays_a_query() -> None:
    async with gateway_bridge() as bridge:
        evil = "a%26limit%3D1%20HTTP/1.1%0d%0aX-Evil:%201%0d%0a%23"
        status, _, _ = await bridge.call("GET", f"{REPO}?q={evil}&limit=3&admin=1&repo_id=x")
        assert status == 200
        (record,) = bridge.sim.world.log.records
        assert (record.path, record.query.count("limit")) == (REPO, 2)
        assert "admin" not in record.query
        assert "%0D%0A" in record.query.upper()
        assert "&limit=1" not in record.query


LINKS = ("https://evil.example/steal", "//evil.example/steal", "/api/v1/mogplex/../../../steal")


@pytest.mark.parametrize("link", LINKS)
async def test_no_answer_leads_a_client_and_its_token_elsewhere(link: str) -> None:
    """A client sends its token where `eventsUrl` points, also of a run that was just started."""
    async with gateway_bridge() as bridge:
        made = type(bridge.sim.create_run())
        as_before = made.object

        def with_link(run: Any, style: str) -> dict[str, Any]:
            return {**as_before(run, style), "eventsUrl": link, "cancelUrl": link}

        made.object = with_link  # type: ignore[method-assign]
        try:
            run = bridge.sim.create_run(events=2)
            answers = [
                await bridge.call("GET", f"{API}/runs/{run.id}"),
                await bridge.call("GET", f"{API}/runs/{run.id}/events"),
                await bridge.call(
                    "POST", f"{API}/runs", body=bridge.start_body(), Idempotency_Key="k"
                ),
                await bridge.call(
                    "POST", f"{API}/runs", body=bridge.start_body(), Idempotency_Key="k"
                ),
                await bridge.call("POST", f"{API}/runs/{run.id}/cancel"),
                await bridge.call("GET", f"{API}/runs"),
            ]
        finally:
            made.object = as_before  # type: ignore[method-assign]
        assert [answer[0] for answer in answers] == [200, 200, 202, 202, 200, 200]
        assert "steal" not in json.dumps([answer[2] for answer in answers])
        assert f"{API}/runs/{run.id}/events" in json.dumps(answers[0][2])


BOMB = gzip.compress(b" " * 200_000_000)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (("Content-Length: 99999999999",), b"{"),
        (("Transfer-Encoding: chunked",), b"100001\r\n" + b" " * 0x100001 + b"\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked",), (b"1000\r\n" + b" " * 0x1000 + b"\r\n") * 300),
        (("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}"), BOMB),
    ],
    ids=["claimed", "one chunk", "many chunks", "packed"],
)
async def test_no_body_is_too_large(headers: tuple[str, ...], body: bytes) -> None:
    async with gateway_bridge() as bridge:
        status, whole = await raw(
            bridge, f"POST {API}/runs HTTP/1.1", "Idempotency-Key: k", *headers, body=body
        )
        assert status in (400, 413), whole
        assert bridge.asked() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000,
        b'{"repoId":' * 50_000,
        b'{"repoId":"' + b"a" * 900_000 + b'"}',
        b"\xff\xfe{}",
        b'{"repoId":1e999}',
    ],
    ids=["arrays", "objects", "long", "utf-16", "number"],
)
async def test_no_json_is_too_deep(body: bytes) -> None:
    async with gateway_bridge() as bridge:
        status, _, found = await bridge.call("POST", f"{API}/runs", raw=body, Idempotency_Key="k")
        assert (status, found["error"]["code"]) == (400, "BAD_REQUEST")
        assert bridge.asked() == 0


@pytest.mark.parametrize(
    "path", ["/repos", f"/runs/{RUN}", f"/runs/{RUN}/cancel", f"/runs/{RUN}/events"]
)
async def test_no_body_where_none_belongs(path: str) -> None:
    async with gateway_bridge() as bridge:
        method = "POST" if path.endswith("cancel") else "GET"
        status, whole = await raw(
            bridge, f"{method} {API}{path} HTTP/1.1", "Content-Length: 200000", body=b"x" * 200_000
        )
        assert status in (400, 413), whole
        assert bridge.asked() == 0


async def test_an_unknown_expectation_changes_no_answer() -> None:
    """It was refused with 417 in plain text, not in the gateway's form."""
    async with gateway_bridge() as bridge:
        for path, status, code in (("/runs", 400, b"BAD_REQUEST"), ("/nowhere", 404, b"NOT_FOUND")):
            request = f"POST {API}{path} HTTP/1.1", "Expect: 200-something", "Content-Length: 2"
            found, whole = await raw(bridge, *request, body=b"[]")
            assert (found, code in whole) == (status, True), whole
        request = f"POST {API}/runs HTTP/1.1", "Expect: 100-continue", "Content-Length: 2"
        _, whole = await raw(bridge, *request, body=b"[]")
        assert whole.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")


async def test_a_connection_stays_open_after_an_unknown_expectation() -> None:
    """The time for its first request ran on, and at its end the bridge closed it."""
    limits = Limits(header_wait_s=5, keepalive_s=60)
    async with gateway_bridge(policy=Policy(limits)) as bridge:
        host, _, port = bridge.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for _ in range(2):
                writer.write(
                    f"GET /no HTTP/1.1\r\nHost: {host}:{port}\r\nExpect: x\r\n\r\n".encode()
                )
                async with asyncio.timeout(30):
                    assert b"not_found" in await reader.readuntil(b"}")
                await asyncio.sleep(10)  # virtual
            assert not reader.at_eof()
        finally:
            writer.close()


async def test_a_head_of_a_stream_ends() -> None:
    async with gateway_bridge() as bridge:
        run = await bridge.followed(events=2, ends=False)
        status, whole = await raw(bridge, f"HEAD {API}/runs/{run.id}/events/stream HTTP/1.1")
        assert (status, whole.partition(b"\r\n\r\n")[2]) == (200, b"")


async def test_a_listed_page_reads_the_stream_and_starts_runs_and_no_other_does() -> None:
    dash = "https://dash.example"
    async with gateway_bridge(policy=Policy(origins=Origins([dash]))) as bridge:
        run = await bridge.followed(events=2, ends=False)
        stream = f"{API}/runs/{run.id}/events/stream"
        async with bridge.session.get(bridge.url + stream, headers={"Origin": dash}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == dash
            assert "Origin" in answer.headers["Vary"]
            assert "X-Bridge-Gaps" in answer.headers["Access-Control-Expose-Headers"]
        asking = {"Origin": dash, "Access-Control-Request-Method": "POST"}
        async with bridge.session.options(f"{bridge.url}{API}/runs", headers=asking) as answer:
            assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
        for path in (stream, f"{API}/runs"):
            status, headers, _ = await bridge.call("GET", path, Origin="https://dash.example.evil")
            assert status == 403
            assert "Access-Control-Allow-Origin" not in headers
