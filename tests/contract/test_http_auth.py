"""[auth]: tokens, scopes, limits, tickets; each way around them by its name."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.core.errors import ConfigError
from bridge.outputs.http.access import Scope
from bridge.outputs.http.token_access import TICKET_S, TICKETS_MAX, TokenAccess
from bridge.outputs.http.tokens import Tokens, parse_tokens
from tests.http_bridge import (
    OTHER_RUN,
    RUN,
    WAIT_S,
    EventStream,
    HttpBridge,
    event_stream,
    http_bridge,
    raw,
)
from tests.journal_records import StillClock

READER, ADMIN, ONE_RUN, ONE_ACCOUNT = "reader-token", "admin-token", "one-run", "one-account"


def entry(name: str, token: str, more: str = "") -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f'[[tokens]]\nname = "{name}"\nsha256 = "{digest}"\n{more}\n'


FILE = (
    entry("reader", READER)
    + entry("admin", ADMIN, 'scopes = ["admin"]')
    + entry("run", ONE_RUN, f'scopes = ["read", "admin"]\nruns = ["{RUN}"]')
    + entry("account", ONE_ACCOUNT, 'scopes = ["admin"]\naccounts = ["second"]')
)


class Guarded:
    def __init__(self, bridge: HttpBridge, path: Path, clock: StillClock) -> None:
        self.bridge, self.path, self.clock = bridge, path, clock

    async def call(
        self, path: str, token: str | None = None, method: str = "GET"
    ) -> tuple[int, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = self.bridge.url + path
        async with self.bridge.session.request(method, url, headers=headers) as response:
            is_json = "json" in response.headers.get("Content-Type", "")
            body = await response.read()
            if response.status == 401:
                assert response.headers["WWW-Authenticate"] == "Bearer"
            return response.status, (await response.json(content_type=None)) if is_json else body

    async def ticket(self, token: str) -> str:
        status, body = await self.call("/v1/tickets", token, "POST")
        assert (status, body["expiresInSeconds"]) == (201, 60)
        return str(body["ticket"])


@asynccontextmanager
async def guarded(tmp_path: Path, *, open_metrics: bool = False) -> AsyncIterator[Guarded]:
    path = tmp_path / "tokens.toml"
    path.write_text(FILE)
    clock = StillClock()
    access = TokenAccess(Tokens(path), clock, open_metrics=open_metrics)
    async with http_bridge(access=access) as bridge:
        await bridge.add(1, run=RUN)
        await bridge.add(1, run=OTHER_RUN)
        yield Guarded(bridge, path, clock)


READ_ROUTES = [
    "/v1/events", "/v1/runs", f"/v1/runs/{RUN}", f"/v1/runs/{RUN}/events", "/openapi.json",
]  # fmt: skip
OVERVIEW_ROUTES = ["/healthz", "/metrics"]


async def test_without_a_token_only_probes_and_the_empty_page_answer(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        for path in ("/livez", "/readyz", "/", "/page/page.js"):
            assert (await g.call(path))[0] == 200, path
        for path in READ_ROUTES + OVERVIEW_ROUTES:
            status, problem = await g.call(path)
            assert (status, problem["code"]) == (401, "unauthorized"), path
        for method, path in (("PUT", f"/v1/runs/{RUN}"), ("DELETE", f"/v1/runs/{RUN}"),
                             ("POST", "/v1/tickets")):  # fmt: skip
            assert (await g.call(path, method=method))[0] == 401
        assert RUN in g.bridge.runs.followed


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong", "Bearer ", "Bearer", f"Basic {READER}", READER, f"Bearer {READER}x",
        f"Bearer {READER[:-1]}", "Bearer " + hashlib.sha256(READER.encode()).hexdigest(),
        "Bearer " + "x" * 5000,
    ],
)  # fmt: skip
async def test_what_is_not_a_token_opens_nothing(tmp_path: Path, header: str) -> None:
    async with (
        guarded(tmp_path) as g,
        g.bridge.session.get(
            g.bridge.url + "/v1/runs", headers={"Authorization": header}
        ) as response,
    ):
        assert response.status == 401


async def test_two_authorization_headers_open_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        answer = await raw(
            g.bridge,
            f"GET /v1/runs HTTP/1.0\r\nAuthorization: Bearer x\r\n"
            f"Authorization: Bearer {READER}\r\n\r\n",
        )
        assert int(answer.split()[1]) in (400, 401)


async def test_scopes(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        for path in READ_ROUTES + OVERVIEW_ROUTES:
            assert (await g.call(path, READER))[0] == 200, path
            assert (await g.call(path, ADMIN))[0] == 200, path
        for method in ("PUT", "DELETE"):
            status, problem = await g.call(f"/v1/runs/{RUN}", READER, method)
            assert (status, problem["code"]) == (403, "forbidden")
        assert (await g.call(f"/v1/runs/{OTHER_RUN}", ADMIN, "PUT"))[0] == 201
        assert (await g.call(f"/v1/runs/{OTHER_RUN}", ADMIN, "DELETE"))[0] == 204


async def test_a_token_for_one_run_sees_nothing_else_on_any_route(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        await g.call(f"/v1/runs/{OTHER_RUN}?account=second", ADMIN, "PUT")
        page = (await g.call("/v1/events?after=0", ONE_RUN))[1]
        assert [r["subject"] for r in page["records"]] == [RUN]
        assert (await g.call(f"/v1/events?after=0&run={OTHER_RUN}", ONE_RUN))[0] == 403
        page = (await g.call(f"/v1/events?after=0&run={OTHER_RUN}&run={RUN}", ONE_RUN))[1]
        assert [r["subject"] for r in page["records"]] == [RUN]
        for path in (f"/v1/runs/{OTHER_RUN}/events?after=0", f"/v1/runs/{OTHER_RUN}"):
            assert (await g.call(path, ONE_RUN))[0] == 404
        assert [v["runId"] for v in (await g.call("/v1/runs", ONE_RUN))[1]["runs"]] == [RUN]
        assert (await g.call(f"/v1/runs/{RUN}", ONE_RUN))[0] == 200
        assert (await g.call(f"/v1/runs/{OTHER_RUN}", ONE_RUN, "PUT"))[0] == 403
        assert (await g.call(f"/v1/runs/{OTHER_RUN}", ONE_RUN, "DELETE"))[0] == 204
        assert OTHER_RUN in g.bridge.runs.followed
        for path in OVERVIEW_ROUTES:
            assert (await g.call(path, ONE_RUN))[0] == 403
        async with event_stream(
            g.bridge, "/v1/events?after=0", Authorization=f"Bearer {ONE_RUN}"
        ) as stream:
            assert await stream.records(1) == [1]
            await g.bridge.add(1, run=OTHER_RUN)
            await g.bridge.add(1, run=RUN)
            assert await stream.records(1) == [4]


async def test_a_token_for_one_account_is_held_to_it(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        page = (await g.call("/v1/events?after=0", ONE_ACCOUNT))[1]
        assert page["records"] == []
        assert (await g.call("/v1/events?account=default", ONE_ACCOUNT))[0] == 403
        assert (await g.call("/v1/runs", ONE_ACCOUNT))[1]["runs"] == []
        assert (await g.call(f"/v1/runs/{RUN}", ONE_ACCOUNT))[0] == 404
        assert (await g.call(f"/v1/runs/{RUN}/events", ONE_ACCOUNT))[0] == 404
        assert (await g.call(f"/v1/runs/{RUN}", ONE_ACCOUNT, "DELETE"))[0] == 204
        assert RUN in g.bridge.runs.followed
        assert (await g.call(f"/v1/runs/{RUN}?account=second", ONE_ACCOUNT, "PUT"))[0] == 403
        new = f"/v1/runs/{OTHER_RUN}"
        assert (await g.call(new, ONE_ACCOUNT, "PUT"))[0] == 403
        assert (await g.call(new + "?account=default", ONE_ACCOUNT, "PUT"))[0] == 403
        assert (await g.call(new + "?account=second", ONE_ACCOUNT, "PUT"))[0] == 201
        assert (await g.call(new, ONE_ACCOUNT, "DELETE"))[0] == 204


async def test_a_ticket_opens_one_stream_once(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        ticket = await g.ticket(READER)
        async with event_stream(g.bridge, f"/v1/events?after=0&ticket={ticket}") as stream:
            assert await stream.records(2) == [1, 2]
        assert (await g.call(f"/v1/events?ticket={ticket}"))[0] == 401  # replay
        ticket = await g.ticket(READER)
        url = f"{g.bridge.url}/v1/runs/{RUN}/events?after=0&ticket={ticket}"
        async with g.bridge.session.ws_connect(url) as socket:
            assert (await socket.receive_json(timeout=WAIT_S))["subject"] == RUN
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await g.bridge.session.ws_connect(url)


async def test_a_ticket_is_good_for_streams_only_and_for_60_s(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        ticket = await g.ticket(ADMIN)
        assert (await g.call(f"/v1/runs?ticket={ticket}"))[0] == 401
        assert (await g.call(f"/v1/runs/{RUN}?ticket={ticket}", method="DELETE"))[0] == 401
        assert (await g.call(f"/v1/tickets?ticket={ticket}", method="POST"))[0] == 401
        g.clock.wall_s += TICKET_S - 1
        second = await g.ticket(ADMIN)
        g.clock.wall_s += 1.5
        assert (await g.call(f"/v1/events?ticket={ticket}"))[0] == 401
        assert (await g.call(f"/v1/events?ticket={second}"))[0] == 200


async def test_a_ticket_has_the_limits_of_its_token(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        ticket = await g.ticket(ONE_RUN)
        page = (await g.call(f"/v1/events?after=0&ticket={ticket}"))[1]
        assert [r["subject"] for r in page["records"]] == [RUN]


async def test_tickets_are_bounded_and_old_ones_make_room(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        access = g.bridge.server._access
        reader = parse_tokens(FILE, "x")[hashlib.sha256(READER.encode()).digest()]
        tickets = {access.issue(reader)[0] for _ in range(TICKETS_MAX)}
        assert len(tickets) == TICKETS_MAX
        status, problem = await g.call("/v1/tickets", READER, "POST")
        assert (status, problem["code"]) == (429, "too_many_tickets")
        g.clock.wall_s += TICKET_S + 1
        assert (await g.call("/v1/tickets", READER, "POST"))[0] == 201


@pytest.mark.parametrize("name", ["new", "reader"])  # the entry goes, or gets another token
async def test_a_token_taken_out_of_the_file_ends_its_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("bridge.outputs.http.server._ACCESS_EVERY_S", 0.05)
    async with guarded(tmp_path) as g:
        reader = {"Authorization": f"Bearer {READER}", "Accept": "text/event-stream"}
        url = g.bridge.url + "/v1/events"
        response = await g.bridge.session.get(url, headers=reader)
        socket = await g.bridge.session.ws_connect(
            url, headers={"Authorization": f"Bearer {READER}"}
        )
        ticket = await g.ticket(READER)
        async with event_stream(g.bridge, Authorization=f"Bearer {ADMIN}") as stays:
            g.path.write_text("this is no TOML")  # told in the log; nobody loses anything
            await asyncio.sleep(0.2)
            assert (await g.call("/v1/runs", READER))[0] == 200
            g.path.write_text(FILE.replace(entry("reader", READER), entry(name, "new-token")))
            os.utime(g.path, ns=(1, 1))
            async with asyncio.timeout(WAIT_S):
                assert b"retry" in await response.content.read()
                assert (await socket.receive()).data == 1008, "not 1001: it is not the bridge's end"
            assert (await g.call("/v1/runs", READER))[0] == 401
            assert (await g.call(f"/v1/events?ticket={ticket}"))[0] == 401
            assert (await g.call("/v1/runs", "new-token"))[0] == 200
            await g.bridge.add()
            assert await stays.records(1) == [3]
        assert g.bridge.sample("subscriber_disconnects_total", transport="sse", reason="auth") == 1


async def test_open_metrics_is_a_setting(tmp_path: Path) -> None:
    async with guarded(tmp_path, open_metrics=True) as g:
        assert (await g.call("/metrics"))[0] == 200
        assert (await g.call("/healthz"))[0] == 401


async def test_with_auth_any_host_is_answered_but_no_foreign_page_can_read(tmp_path: Path) -> None:
    async with guarded(tmp_path) as g:
        answer = await raw(
            g.bridge,
            "GET /v1/runs HTTP/1.0\r\nHost: bridge.example\r\nOrigin: http://evil.example\r\n"
            f"Authorization: Bearer {READER}\r\n\r\n",
        )
        assert b" 200 " in answer.splitlines()[0]
        assert b"access-control-allow-origin" not in answer.lower()


async def test_without_auth_a_ticket_is_issued_and_ignored() -> None:
    async with http_bridge() as bridge:
        async with bridge.session.post(bridge.url + "/v1/tickets") as response:
            ticket = (await response.json())["ticket"]
        async with event_stream(bridge, f"/v1/events?ticket={ticket}") as stream:
            await bridge.add()
            assert isinstance(stream, EventStream)
            assert await stream.records(1) == [1]


def test_a_tokens_file_is_read_as_it_says() -> None:
    found = {identity.name: identity for identity in parse_tokens(FILE, "f").values()}
    assert found["reader"].has(Scope.READ)
    assert not found["reader"].has(Scope.ADMIN)
    assert found["admin"].has(Scope.READ)
    assert not found["admin"].is_limited
    assert found["run"].runs == {RUN}
    assert found["account"].accounts == {"second"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nobody could sign in"),
        ("[tokens", "not TOML"),
        ("tokens = " + "9" * 5_000, "not TOML"),
        ("tokens = " + "[" * 5_000, "not TOML"),
        ("token = 1", "unknown key 'token'"),
        ("[[tokens]]\nnam = 'x'", "entry 1: unknown key 'nam'"),
        ("[[tokens]]\nsha256 = 'x'", "needs a name"),
        ("[[tokens]]\nname = 'x'\nsha256 = 'secret-in-clear'", "64 hex digits"),
        (entry("a", "t", "scopes = ['root']"), "'write' and 'admin'"),
        (entry("a", "t", "scopes = []"), "at least one"),
        (entry("a", "t", "runs = []"), "at least one"),
        (entry("a", "t", "runs = 'x'"), "list of strings"),
        (entry("a", "t") + entry("b", "t"), "entry 2: has the hash"),
        (entry("a", "t") + entry("a", "u"), "entry 2: has the name"),
        ("tokens = [1]", "must be a table"),
    ],
)
def test_a_wrong_tokens_file_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"^f: ") as caught:
        parse_tokens(text, "f")
    assert message in str(caught.value)
    assert "secret-in-clear" not in str(caught.value)


def test_a_tokens_file_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Tokens(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_text("#" * 1_048_577)
    with pytest.raises(ConfigError, match="larger than"):
        Tokens(tmp_path / "large.toml")


def test_a_hash_that_differs_in_its_last_digit_is_another_token(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"token").hexdigest()
    near = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    path = tmp_path / "tokens.toml"
    path.write_text(f'[[tokens]]\nname = "a"\nsha256 = "{near}"\n')
    assert Tokens(path).maybe_identity("token", 0.0) is None
    path.write_text(f'[[tokens]]\nname = "aa"\nsha256 = "{digest}"\n')
    tokens = Tokens(path)
    identity = tokens.maybe_identity("token", 0.0)
    assert identity is not None
    assert tokens.holds(identity, 0.0)
