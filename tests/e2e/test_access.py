"""Who may have what: every route of the description, for every kind of caller, on a real process.

What a caller with limits gets is searched for everybody else's names: a status says little.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from typing import Any

import pytest

from tests.e2e.attacked import (
    ABSENT,
    KEPT,
    REMOVED,
    RUN,
    SECOND,
    TOKENS,
    Answer,
    Attacked,
    attacked,
    read_until,
)

pytestmark = pytest.mark.e2e

DESCRIPTION: dict[str, Any] = json.loads(
    (resources.files("bridge.outputs.http") / "openapi.json").read_bytes()
)
CALLERS = (
    *("nobody", "wrong", "read", "admin", "run", "account", "expired", "removed"),
    *("ticket", "used ticket", "ticket of run", "ticket of account"),
)
UNKNOWN = ("nobody", "wrong", "expired", "removed", "used ticket")
# Names that a caller must never be shown, whatever it asks for.
HIDDEN = {
    "run": (SECOND, KEPT, '"second"'),
    "account": (RUN, KEPT, '"default"'),
}

# What each route is for; the walk below fails for one that is not here.
PUBLIC = {("GET", "/livez"), ("GET", "/readyz"), ("GET", "/"), ("GET", "/page/{name}")}
READ = {("GET", "/v1/runs"), ("GET", "/openapi.json"), ("POST", "/v1/tickets")}
STREAMS = {("GET", "/v1/events"), ("GET", "/v1/runs/{runId}/events")}
OVERVIEW = {("GET", "/healthz"), ("GET", "/metrics")}
OF_A_RUN = {("GET", "/v1/runs/{runId}"), ("GET", "/v1/runs/{runId}/events")}
ADMIN = {("PUT", "/v1/runs/{runId}"), ("DELETE", "/v1/runs/{runId}")}


def of_runs(template: str) -> str:
    """The route of /v1/runs that a route of /v1/feeds is the same as, for the kind `run`."""
    return template.replace("/v1/feeds/{kind}/{id}", "/v1/runs/{runId}").replace("feeds", "runs")


def described() -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in DESCRIPTION["paths"].items()
        for method in item
        if method != "parameters"
    }


def allowed(caller: str, method: str, template: str, run: str) -> bool | int:
    """True when the caller is let in, else the status; the oracle of the walk."""
    route = (method, template)
    owner = caller.removeprefix("ticket of ")
    is_ticket = "ticket" in caller
    if route in PUBLIC:
        return True
    if caller in UNKNOWN or (is_ticket and route not in STREAMS):
        return 401
    if route in OVERVIEW:
        return 403 if owner in HIDDEN else True
    if route in ADMIN:
        if caller == "read":
            return 403
        is_theirs = caller == "admin" or run == {"run": RUN, "account": SECOND}[caller]
        return True if is_theirs else 403 if method == "PUT" else 204
    if route in OF_A_RUN:
        visible = {"run": {RUN}, "account": {SECOND}}.get(owner, {RUN, SECOND, KEPT})
        if method == "GET" and template == "/v1/runs/{runId}":
            visible = visible - {KEPT}  # its records are there, but nobody follows it
        return True if run in visible else 404
    assert route in READ | STREAMS
    return True


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("access"), with_auth=True) as found:
        follow(found)
        yield found


def follow(bridge: Attacked) -> None:
    for run, account in ((RUN, "default"), (SECOND, "second")):
        answer = bridge.ask("PUT", f"/v1/runs/{run}?account={account}", token=token("admin"))
        assert answer.status in (200, 201), answer


def token(caller: str) -> str:
    return TOKENS[caller][0]


def ticket(bridge: Attacked, owner: str) -> str:
    answer = bridge.ask("POST", "/v1/tickets", token=token(owner))
    assert answer.status == 201
    return str(answer.json()["ticket"])


def call(bridge: Attacked, caller: str, method: str, path: str) -> Answer:
    if "ticket" in caller:
        owner = "read" if caller in ("ticket", "used ticket") else caller.removeprefix("ticket of ")
        given = ticket(bridge, owner)
        if caller == "used ticket":
            assert bridge.ask("GET", f"/v1/events?ticket={given}").status == 200
        path += f"{'&' if '?' in path else '?'}ticket={given}"
        return bridge.ask(method, path)
    tokens = {"nobody": None, "wrong": "no-such-token", "removed": REMOVED}
    return bridge.ask(method, path, token=tokens[caller] if caller in tokens else token(caller))


def test_every_route_of_the_description_has_its_rule() -> None:
    assert {
        (m, of_runs(template)) for m, template in described()
    } == PUBLIC | READ | STREAMS | OVERVIEW | OF_A_RUN | ADMIN


@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_lets_in_who_may_and_nobody_else(bridge: Attacked, caller: str) -> None:
    for method, written in sorted(described()):
        template = of_runs(written)
        runs = (RUN, SECOND, KEPT) if "{runId}" in template and method == "GET" else (RUN, SECOND)
        for run in runs if "{runId}" in template else (RUN,):
            path = written.replace("{runId}", run).replace("{name}", "page.css")
            path = path.replace("{kind}", "run").replace("{id}", run)
            if template.endswith("/events"):
                path += "?after=0&limit=1000"
            expected = allowed(caller, method, template, run)
            for verb in ("HEAD", "GET") if method == "GET" else (method,):
                answer = call(bridge, caller, verb, path)
                where = (caller, verb, path, answer)
                if expected is True:
                    is_sick = template == "/healthz" and answer.status == 503
                    assert answer.status in (200, 201, 204) or is_sick, where
                else:
                    assert answer.status == expected, where
                if answer.status == 401 and verb != "HEAD":
                    assert answer.headers["www-authenticate"] == "Bearer", where
                shown = answer.body.decode().replace(run, "") + repr(sorted(answer.headers.items()))
                for name in HIDDEN.get(caller.removeprefix("ticket of "), ()):
                    # The description and the page are the same for everybody.
                    is_asked = name == run or template in ("/openapi.json", "/page/{name}", "/")
                    assert is_asked or name not in shown, where
            if method == "DELETE":
                followed = bridge.ask("GET", f"/v1/runs/{run}", token=token("admin"))
                state = followed.json()["state"]
                assert (state == "stopped") == (expected is True), (caller, path)
                follow(bridge)


@pytest.mark.parametrize("caller", ["run", "account"])
@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson", "websocket"])
def test_a_stream_shows_a_limited_token_its_own_records_only(
    bridge: Attacked, caller: str, accept: str
) -> None:
    own, foreign = (b'"a2"', b'"b0"') if caller == "run" else (b'"b2"', b'"a0"')
    given = ticket(bridge, caller)
    path = f"/v1/events?after=0&ticket={given}"
    opened = bridge.websocket(path) if accept == "websocket" else bridge.stream(path, accept=accept)
    with opened as stream:
        got = read_until(stream, own)
    assert foreign not in got
    assert KEPT.encode() not in got


def test_a_limited_admin_moves_no_run_of_another_account(bridge: Attacked) -> None:
    answer = bridge.ask("PUT", f"/v1/runs/{RUN}?account=second", token=token("account"))
    assert answer.code == "forbidden"
    assert RUN not in answer.body.decode()
    view = bridge.ask("GET", f"/v1/runs/{RUN}", token=token("admin")).json()
    assert (view["account"], view["state"]) == ("default", "following")
    for path in (f"/v1/runs/{ABSENT}", f"/v1/runs/{ABSENT}?account=default"):
        assert bridge.ask("PUT", path, token=token("account")).code == "forbidden"
    assert bridge.ask("PUT", f"/v1/runs/{ABSENT}", token=token("run")).code == "forbidden"
    assert bridge.ask("GET", f"/v1/runs/{ABSENT}", token=token("admin")).status == 404


def test_a_limited_token_cannot_tell_a_foreign_run_from_none(bridge: Attacked) -> None:
    for caller, foreign in (("run", SECOND), ("account", RUN)):
        for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", ""), ("PUT", "")):
            there, not_there = (
                bridge.ask(method, f"/v1/runs/{run}{path}", token=token(caller))
                for run in (foreign, ABSENT)
            )
            assert there.status == not_there.status, (caller, method, path)
            assert there.body.replace(foreign.encode(), b"") == not_there.body.replace(
                ABSENT.encode(), b""
            )


def test_a_filter_for_what_is_not_theirs_is_refused(bridge: Attacked) -> None:
    for caller, path in (("run", f"run={SECOND}"), ("account", "account=default")):
        answer = bridge.ask("GET", f"/v1/events?after=0&{path}", token=token(caller))
        assert answer.code == "forbidden"
    both = bridge.ask("GET", f"/v1/events?after=0&run={RUN}&run={SECOND}", token=token("run"))
    assert {record["subject"] for record in both.json()["records"]} == {RUN}


def test_credentials_count_once_and_in_their_place_only(bridge: Attacked) -> None:
    good, path = token("read"), "/v1/events"
    assert bridge.ask("GET", path, token=good).status == 200
    for fields in (
        {"Authorization": f"Basic {good}"},
        {"Authorization": good},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {good}x"},
        {"Authorization": f"Bearer {good[:-1]}"},
        {"Authorization": f"Bearer  {good} x"},
        {"Proxy-Authorization": f"Bearer {good}"},
        {"Cookie": f"token={good}; Authorization=Bearer {good}"},
        {"X-Forwarded-Authorization": f"Bearer {good}"},
    ):
        assert bridge.ask("GET", path, headers=fields).status == 401, fields
    for query in (f"token={good}", f"access_token={good}", f"ticket={good}"):
        assert bridge.ask("GET", f"{path}?{query}").status in (400, 401), query
    twice = f"GET {path} HTTP/1.1\r\nHost: {bridge.host}\r\n" + 2 * (
        f"Authorization: Bearer {good}\r\n"
    )
    assert bridge.send(f"{twice}\r\n".encode()).status in (400, 401)
    wrong_and_ticket = bridge.ask("GET", f"{path}?ticket={ticket(bridge, 'read')}", token="wrong")
    assert wrong_and_ticket.status == 401


def test_no_credential_is_written_down(bridge: Attacked) -> None:
    given = ticket(bridge, "read")
    with closing(bridge.connect()) as opened:
        opened.sendall(
            b"GET /v1/runs HTTP/1.1\r\nAuthorization: Bearer read-token\r\nbroken\r\n\r\n"
        )
        opened.recv(65536)
    assert bridge.ask("GET", f"/v1/events?ticket={given}&limit=x").status == 400
    kept = bridge.log() + "".join(
        file.read_bytes().decode("latin-1") for file in bridge.directory.glob("journal.db*")
    )
    for secret in (given, *(value for value, _ in TOKENS.values())):
        assert secret not in kept
