"""What a web page elsewhere can make a browser do, each by its name, on a real process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.e2e.attacked import RUN, TOKENS, Attacked, attacked, read_answer, read_until

pytestmark = pytest.mark.e2e

DASHBOARD = "https://dash.example.com"
EVIL = "https://evil.example"
READ = TOKENS["read"][0]
PATHS = (
    "/v1/events?after=0",
    "/v1/runs",
    f"/v1/runs/{RUN}",
    "/healthz",
    "/metrics",
    "/openapi.json",
)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """On loopback, without [auth], nobody else allowed."""
    with attacked(tmp_path_factory.mktemp("closed")) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The same, with one dashboard elsewhere allowed."""
    config = f'[server]\ncors_origins = ["{DASHBOARD}"]'
    with attacked(tmp_path_factory.mktemp("shared"), config) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """With [auth], and one dashboard elsewhere allowed."""
    config = f'[server]\ncors_origins = ["{DASHBOARD}"]'
    with attacked(tmp_path_factory.mktemp("guarded"), config, with_auth=True) as bridge:
        yield bridge


def test_dns_rebinding_by_a_foreign_name_that_leads_here(closed: Attacked) -> None:
    for name in (
        "evil.example",
        f"evil.example:{closed.port}",
        f"localhost.evil.example:{closed.port}",
        f"127.0.0.1.evil.example:{closed.port}",
        f"127.0.0.1:{closed.port}.evil.example",
        f"127.0.0.1:{closed.port}@evil.example",
        f"127.0.0.1:{closed.port + 1}",
        "127.0.0.1",
        f"0.0.0.0:{closed.port}",
        f"[::ffff:127.0.0.1]:{closed.port}",
        f"localhost.:{closed.port}",
        "",
    ):
        for path in PATHS:
            answer = closed.ask("GET", path, host=name or " ")
            assert answer.status in (400, 403), (name, path)
            assert answer.code in ("foreign_host", "bad_request")
        for method in ("PUT", "DELETE"):
            assert closed.ask(method, f"/v1/runs/{RUN}", host=name or " ").status in (400, 403)


def test_dns_rebinding_by_a_url_in_the_request_line(closed: Attacked) -> None:
    answer = closed.ask("GET", f"http://evil.example:{closed.port}/v1/runs")
    assert answer.code == "foreign_host"
    assert closed.ask("GET", f"http://{closed.host}/v1/runs").status == 200


def test_two_hosts_are_none(closed: Attacked) -> None:
    for first, second in ((closed.host, "evil.example"), ("evil.example", closed.host)):
        request = f"GET /v1/runs HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\n\r\n"
        assert closed.send(request.encode()).status in (400, 403)
    for request in ("GET /v1/runs HTTP/1.0\r\n\r\n", "GET /v1/runs HTTP/1.1\r\n\r\n"):
        assert closed.send(request.encode()).status in (400, 403), "and none is none"


@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "http://localhost.evil.example", "http://127.0.0.1", "file://", "", "*",
     DASHBOARD + ".evil.example", "http://dash.example.com", DASHBOARD + ":8443"],
)  # fmt: skip
def test_cross_site_websocket(
    closed: Attacked, shared: Attacked, guarded: Attacked, origin: str
) -> None:
    for bridge in (closed, shared, guarded):
        path = "/v1/events?after=0"
        if bridge is guarded:
            ticket = bridge.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
            path += f"&ticket={ticket}"
        answer = bridge.send(bridge.handshake(path, Origin=origin))
        assert answer.code == "foreign_origin", (bridge.directory, answer)
        assert b"records" not in answer.body


def test_websocket_of_the_own_page_of_a_program_and_of_the_allowed_dashboard(
    closed: Attacked, shared: Attacked, guarded: Attacked
) -> None:
    with closed.websocket(Origin=f"http://{closed.host}"), closed.websocket():
        pass
    with shared.websocket(Origin=DASHBOARD), shared.websocket(Origin=f"http://{shared.host}"):
        pass
    for fields in ({"Origin": DASHBOARD}, {"Origin": f"http://{guarded.host}"}, {}):
        with guarded.websocket(Authorization=f"Bearer {READ}", **fields):
            pass


@pytest.mark.parametrize(
    "fields",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_cross_site_get(closed: Attacked, shared: Attacked, fields: Mapping[str, str]) -> None:
    for bridge in (closed, shared):
        for path in PATHS:
            answer = bridge.ask("GET", path, headers=fields)
            assert answer.code == "foreign_origin", (path, answer)
            assert "access-control-allow-origin" not in answer.headers
        accept = {"Accept": "text/event-stream", **fields}
        assert bridge.ask("GET", "/v1/events", headers=accept).code == "foreign_origin"
        for method in ("PUT", "DELETE", "POST"):
            path = "/v1/tickets" if method == "POST" else f"/v1/runs/{RUN}"
            assert bridge.ask(method, path, headers=fields).code == "foreign_origin"


def test_a_page_elsewhere_cannot_embed_what_it_may_not_read(guarded: Attacked) -> None:
    """With [auth] there is no ambient credential: without its own a page gets 401, and no CORS."""
    for path in PATHS:
        answer = guarded.ask("GET", path, headers={"Origin": EVIL})
        assert answer.status == 401
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
    stolen = guarded.ask("GET", "/v1/runs", token=READ, headers={"Origin": EVIL})
    assert "access-control-allow-origin" not in stolen.headers


def test_cors_is_granted_to_the_listed_origin_and_to_no_other(
    shared: Attacked, guarded: Attacked
) -> None:
    for bridge, token in ((shared, None), (guarded, READ)):
        for path in ("/v1/events?after=0", "/v1/runs", "/nothing-here"):
            answer = bridge.ask("GET", path, token=token, headers={"Origin": DASHBOARD})
            assert answer.headers["access-control-allow-origin"] == DASHBOARD
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers
            plain = bridge.ask("GET", path, token=token)
            assert "access-control-allow-origin" not in plain.headers
            assert "Origin" in plain.headers["vary"], "or a cache keeps it for everybody"
    for accept in ("text/event-stream", "application/x-ndjson"):
        with closing(shared.connect()) as opened:
            opened.sendall(
                f"GET /v1/events HTTP/1.1\r\nHost: {shared.host}\r\nOrigin: {DASHBOARD}\r\n"
                f"Sec-Fetch-Site: cross-site\r\nAccept: {accept}\r\n\r\n".encode()
            )
            head = read_until(opened, b"\r\n\r\n").decode()
        assert f"Access-Control-Allow-Origin: {DASHBOARD}\r\n" in head
        assert "Vary: Accept, Origin" in head


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_cors_preflight(shared: Attacked, guarded: Attacked, method: str) -> None:
    path = "/v1/tickets" if method == "POST" else f"/v1/runs/{RUN}"
    question = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,last-event-id",
    }
    for bridge in (shared, guarded):
        answer = bridge.ask("OPTIONS", path, headers={"Origin": DASHBOARD, **question})
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == DASHBOARD
        assert method in answer.headers["access-control-allow-methods"]
        assert "Authorization" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        refused = bridge.ask("OPTIONS", path, headers={"Origin": EVIL, **question})
        assert not [name for name in refused.headers if name.startswith("access-control-")]


def test_the_dashboard_elsewhere_can_use_token_and_ticket(guarded: Attacked) -> None:
    fields = {"Origin": DASHBOARD, "Sec-Fetch-Site": "cross-site"}
    answer = guarded.ask("POST", "/v1/tickets", token=READ, headers=fields)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (201, DASHBOARD)
    ticket = answer.json()["ticket"]
    with guarded.stream(f"/v1/events?ticket={ticket}", Origin=DASHBOARD) as stream:
        assert b"retry:" in read_until(stream, b"\n\n")


# Tickets


def test_ticket_replay(guarded: Attacked) -> None:
    ticket = guarded.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
    with guarded.stream(f"/v1/events?ticket={ticket}"):
        for _ in range(3):
            assert guarded.ask("GET", f"/v1/events?ticket={ticket}").status == 401
    assert guarded.ask("GET", f"/v1/events?ticket={ticket}").status == 401


def test_ticket_race_has_exactly_one_winner(guarded: Attacked) -> None:
    for _ in range(5):
        ticket = guarded.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
        gate = threading.Barrier(8)

        def use(ticket: str = ticket, gate: threading.Barrier = gate) -> int:
            request = f"GET /v1/events?ticket={ticket} HTTP/1.1\r\nHost: {guarded.host}\r\n\r\n"
            with closing(guarded.connect()) as opened:
                gate.wait()
                opened.sendall(request.encode())
                return read_answer(opened).status

        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(lambda _: use(), range(8)))
        assert answers == [200] + [401] * 7


def test_ticket_guessing(guarded: Attacked) -> None:
    """Tickets are 192 random bits, never alike, and near misses are worth nothing."""
    given = [guarded.ask("POST", "/v1/tickets", token=READ).json()["ticket"] for _ in range(20)]
    assert len({ticket[:8] for ticket in given}) == 20
    assert all(len(ticket) == 32 for ticket in given)
    ticket = given[0]
    for guess in (ticket[:-1], ticket + "A", ticket.swapcase(), "", "*", "none-needed", "%00" * 8):
        assert guarded.ask("GET", f"/v1/events?ticket={guess}").status == 401, guess
    twice = guarded.ask("GET", f"/v1/events?ticket={ticket}&ticket={given[1]}")
    assert twice.status == 401
    for path in ("/v1/runs", "/metrics", "/healthz", "/v1/runs/events"):
        assert guarded.ask("GET", f"{path}?ticket={ticket}").status in (400, 401)
    assert guarded.ask("GET", f"/v1/events?ticket={ticket}").status == 200, "nothing spent it"


def test_tickets_are_not_given_for_tickets(guarded: Attacked) -> None:
    ticket = guarded.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
    assert guarded.ask("POST", f"/v1/tickets?ticket={ticket}").status == 401
