"""Runs, probes, metrics, the description of the interface: each against the other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any
from urllib.parse import quote

import aiohttp
import jsonschema
import pytest
from aiohttp import web
from yarl import URL

from bridge.clock import SystemClock
from bridge.core.errors import ConfigError, JournalFullError
from bridge.journal.memory import MemoryJournal
from bridge.metrics import Metrics
from bridge.outputs.http.access import Identity, LoopbackAccess, Need
from bridge.outputs.http.groups import Route
from bridge.outputs.http.problems import CODES, ProblemError
from bridge.outputs.http.routes_page import PageRoutes
from bridge.outputs.http.server import Server
from bridge.outputs.http.streaming import Streams
from bridge.redact import Redactor
from tests.http_bridge import OTHER_RUN, RUN, HttpBridge, http_bridge, raw

THIRD_RUN = "9a2e4d10-77b1-4c55-9c0a-2d1f0b6b3f01"
FOURTH_RUN = "b5c7a9d2-1f64-4a83-8a0f-51c7f0f2a6aa"
DESCRIPTION: dict[str, Any] = json.loads(
    (resources.files("bridge.outputs.http") / "openapi.json").read_bytes()
)


async def call(bridge: HttpBridge, method: str, path: str) -> tuple[int, Any]:
    async with bridge.session.request(method, bridge.url + path) as response:
        body = await response.read()
        if body and "json" in response.headers.get("Content-Type", ""):
            return response.status, json.loads(body)
        return response.status, body.decode()


async def test_following_and_unfollowing_are_idempotent() -> None:
    async with http_bridge() as bridge:
        path = f"/v1/runs/{OTHER_RUN}"
        assert (await call(bridge, "GET", path))[0] == 404
        view = {"runId": OTHER_RUN, "account": "second", "state": "following"}
        assert await call(bridge, "PUT", path + "?account=second") == (201, view)
        assert await call(bridge, "PUT", path + "?account=second") == (200, view)
        assert await call(bridge, "GET", path) == (200, view)
        status, listed = await call(bridge, "GET", "/v1/runs")
        assert (status, [v["runId"] for v in listed["runs"]]) == (200, [OTHER_RUN, RUN])
        assert await call(bridge, "DELETE", path) == (204, "")
        assert await call(bridge, "DELETE", path) == (204, "")
        assert (await call(bridge, "GET", path))[0] == 404


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/runs/not-a-uuid", 400, "invalid_run_id"),
        (f"/v1/runs/{OTHER_RUN}?account=defualt", 400, "unknown_account"),
        (f"/v1/runs/{OTHER_RUN}?account=a&account=b", 400, "invalid_parameter"),
        (f"/v1/runs/{FOURTH_RUN}", 503, "too_many_runs"),
    ],
)
async def test_runs_that_cannot_be_followed(path: str, status: int, code: str) -> None:
    async with http_bridge() as bridge:
        if code == "too_many_runs":
            bridge.runs.followed |= {OTHER_RUN: "default", THIRD_RUN: "default"}
        got, problem = await call(bridge, "PUT", path)
        assert (got, problem["code"]) == (status, code)


async def test_a_journal_that_fails_is_a_503_and_a_bug_a_500_without_its_text() -> None:
    async with http_bridge() as bridge:

        async def full(*_: object) -> bool:
            raise JournalFullError("no space on /secret/place")

        bridge.runs.follow = full  # type: ignore[method-assign]
        status, problem = await call(bridge, "PUT", f"/v1/runs/{OTHER_RUN}")
        assert (status, problem["code"]) == (503, "journal_unavailable")
        assert "secret" not in json.dumps(problem)

        def broken(*_: object) -> Any:
            raise ZeroDivisionError("secret")

        bridge.runs.views = broken  # type: ignore[method-assign]
        status, problem = await call(bridge, "GET", "/v1/runs")
        assert (status, problem["code"]) == (500, "internal_error")
        assert "secret" not in json.dumps(problem)


async def test_probes() -> None:
    async with http_bridge() as bridge:
        assert await call(bridge, "GET", "/livez") == (200, "ok\n")
        assert await call(bridge, "HEAD", "/livez") == (200, "")
        assert await call(bridge, "GET", "/readyz") == (200, "ready\n")
        status, checks = await call(bridge, "GET", "/healthz")
        assert (status, checks["ok"]) == (200, True)
        bridge.health.upstream = False
        assert (await call(bridge, "GET", "/readyz"))[0] == 200
        status, checks = await call(bridge, "GET", "/healthz")
        assert (status, checks["ok"]) == (503, False)
        assert checks["checks"]["upstream"] == {"ok": False, "detail": "default: 503"}
        bridge.health.ready = False
        status, problem = await call(bridge, "GET", "/readyz")
        assert (status, problem["code"]) == (503, "not_ready")
        assert (await call(bridge, "HEAD", "/readyz"))[0] == 503
        assert await call(bridge, "GET", "/livez") == (200, "ok\n")


async def test_probes_answer_whatever_host_is_named() -> None:
    async with http_bridge() as bridge:
        for path in ("/livez", "/readyz"):
            answer = await raw(bridge, f"GET {path} HTTP/1.0\r\nHost: 10.0.0.7:99\r\n\r\n")
            assert answer.startswith(b"HTTP/1.0 200 ")


async def test_metrics_are_rendered_for_the_accept_header() -> None:
    async with http_bridge() as bridge:
        headers = {"Accept": "application/openmetrics-text"}
        async with bridge.session.get(bridge.url + "/metrics", headers=headers) as response:
            assert await response.text() == "asked for application/openmetrics-text"
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4"


async def test_the_page_is_whole_and_closed_to_the_outside() -> None:
    async with http_bridge() as bridge:
        for path in ("/", *(f"/page/{name}" for name in PageRoutes().names)):
            async with bridge.session.get(bridge.url + path) as response:
                assert response.status == 200
                assert await response.read()
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert "trusted-types 'none'" in policy
                assert "http" not in policy


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = resources.files("bridge.outputs.http") / "page"
    assert {item.name for item in page.iterdir()} == set(PageRoutes().names)
    html = (page / "index.html").read_text()
    for name in PageRoutes().names:
        text = (page / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text
        assert "https://" not in text
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser"):
            assert way not in text, "records hold text of anybody: textContent only"
        assert "eval(" not in text
    assert "style=" not in html
    assert "<style" not in html
    assert "onclick" not in html


def described() -> set[tuple[str, str]]:
    methods = {"get", "put", "delete", "post"}
    return {
        (method.upper(), path.replace("{runId}", "{id}"))
        for path, item in DESCRIPTION["paths"].items()
        for method in item
        if method in methods
    }


async def test_the_description_lists_exactly_the_routes() -> None:
    async with http_bridge() as bridge:
        routes = {
            (route.method, route.resource.canonical)
            for route in bridge.server._app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        assert described() == routes
        status, served = await call(bridge, "GET", "/openapi.json")
        assert (status, served) == (200, DESCRIPTION)


def test_the_description_lists_exactly_the_codes() -> None:
    schema = DESCRIPTION["components"]["schemas"]["Problem"]
    assert set(schema["properties"]["code"]["enum"]) == set(CODES)
    statuses = {
        int(status)
        for item in DESCRIPTION["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
        for status in operation["responses"]
    }
    # Anything may break; a wrong method has no operation, a head that is not read has none either.
    unlisted = {500, 405, 431}
    assert {status for status, _ in CODES.values()} - unlisted <= statuses


def test_every_reference_of_the_description_leads_somewhere() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                at: Any = DESCRIPTION
                for step in value["$ref"].removeprefix("#/").split("/"):
                    at = at[step]
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(DESCRIPTION)
    ids = [o["operationId"] for i in DESCRIPTION["paths"].values() for m, o in i.items()
           if m != "parameters"]  # fmt: skip
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/v1/events?after=0", "/v1/events"),
        ("GET", "/v1/events?after=1-1", "/v1/events"),
        ("GET", "/v1/events?limit=x", "/v1/events"),
        ("GET", f"/v1/runs/{RUN}/events?after=0", "/v1/runs/{runId}/events"),
        ("GET", f"/v1/runs/{THIRD_RUN}/events", "/v1/runs/{runId}/events"),
        ("GET", "/v1/runs", "/v1/runs"),
        ("GET", "/v1/runs?limit=1", "/v1/runs"),
        ("GET", "/v1/runs?cursor=x", "/v1/runs"),
        ("GET", "/v1/feeds", "/v1/feeds"),
        ("GET", "/v1/feeds?kind=run&state=running&limit=1", "/v1/feeds"),
        ("GET", f"/v1/feeds/run/{RUN}", "/v1/feeds/{kind}/{id}"),
        ("GET", "/v1/feeds/run/x", "/v1/feeds/{kind}/{id}"),
        ("PUT", f"/v1/feeds/run/{OTHER_RUN}", "/v1/feeds/{kind}/{id}"),
        ("PUT", "/v1/feeds/run/x", "/v1/feeds/{kind}/{id}"),
        ("DELETE", f"/v1/feeds/run/{RUN}", "/v1/feeds/{kind}/{id}"),
        ("GET", f"/v1/feeds/run/{RUN}/events?after=0", "/v1/feeds/{kind}/{id}/events"),
        ("GET", "/v1/feeds/run/x/events", "/v1/feeds/{kind}/{id}/events"),
        ("GET", f"/v1/runs/{RUN}", "/v1/runs/{runId}"),
        ("PUT", f"/v1/runs/{OTHER_RUN}", "/v1/runs/{runId}"),
        ("PUT", "/v1/runs/x", "/v1/runs/{runId}"),
        ("DELETE", f"/v1/runs/{RUN}", "/v1/runs/{runId}"),
        ("GET", "/healthz", "/healthz"),
        ("GET", "/livez", "/livez"),
    ],
)
async def test_answers_are_as_described(method: str, path: str, template: str) -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        async with bridge.session.request(method, bridge.url + path) as response:
            responses = DESCRIPTION["paths"][template][method.lower()]["responses"]
            expected = responses[str(response.status)]
            if "$ref" in expected:
                name = expected["$ref"].rsplit("/", 1)[1]
                expected = DESCRIPTION["components"]["responses"][name]
            content_type = response.headers.get("Content-Type", "").split(";")[0]
            if not (content := expected.get("content")):
                assert await response.read() == b""
                return
            schema = content[content_type]["schema"]
            if content_type.endswith("json"):
                jsonschema.validate(
                    json.loads(await response.read()),
                    {**schema, "components": DESCRIPTION["components"]},
                )


async def test_the_parameters_are_as_described() -> None:
    """What is described is accepted; what is accepted is described."""
    async with http_bridge() as bridge:
        feed = "/v1/feeds/{kind}/{id}/events"
        for template in ("/v1/events", "/v1/runs/{runId}/events", feed):
            names = set()
            for parameter in DESCRIPTION["paths"][template]["get"]["parameters"]:
                name = parameter["$ref"].rsplit("/", 1)[1]
                if DESCRIPTION["components"]["parameters"][name]["in"] == "query":
                    names.add(name)
            path = template.replace("{runId}", RUN).replace("{kind}/{id}", f"run/{RUN}")
            for name in ("after", "tail", "limit", "run", "type", "account", "kind", "ticket"):
                status, _ = await call(bridge, "GET", f"{path}?{name}=1")
                refused = status == 400
                assert refused == (name not in names), (path, name)


class AnyAddress(LoopbackAccess):
    def check_listen(self, host: str) -> None:
        pass


async def test_a_port_in_use_is_said_in_one_line_with_the_cure() -> None:
    async with http_bridge() as bridge:
        other = Server(
            [],
            Streams(bridge.journal, bridge.metrics, SystemClock()),
            Redactor(),
            access=AnyAddress(),
        )
        with pytest.raises(ConfigError) as caught:
            await other.start(bridge.host, bridge.port)
        assert str(caught.value) == (
            f"listen: cannot open 127.0.0.1:{bridge.port}: another program uses it;"
            " stop that one or choose another port (0 = any)"
        )
        for host, port in (("192.0.2.1", 0), ("127.0.0.1", 70000)):
            with pytest.raises(ConfigError, match=f"^listen: cannot open {host}:{port}: "):
                await other.start(host, port)


async def test_a_body_that_is_too_large_is_refused_unread() -> None:
    async with http_bridge() as bridge:
        request = (
            f"PUT /v1/runs/{OTHER_RUN} HTTP/1.1\r\nHost: {bridge.host}:{bridge.port}\r\n"
            "Content-Length: 1000000\r\n\r\n"
        )
        answer = await raw(bridge, request, until=b"body_too_large")
        assert b" 413 " in answer.splitlines()[0]


async def test_the_server_can_stop_while_a_client_keeps_its_connection() -> None:
    async with http_bridge() as bridge, aiohttp.ClientSession() as session:
        async with session.get(bridge.url + "/livez") as response:
            assert response.status == 200
        await bridge.server.drain(1)
        await bridge.server.close()
        with pytest.raises(aiohttp.ClientError):
            await session.get(bridge.url + "/livez")


@pytest.mark.parametrize("expectation", ["100-continue", "200-something", "100-continue, x"])
@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ("GET /v1/runs", 200, None), ("GET /nowhere", 404, "not_found"),
        ("POST /v1/runs", 405, "method_not_allowed"),
    ],
)  # fmt: skip
async def test_an_expectation_changes_no_answer(
    asked: str, status: int, code: str | None, expectation: str
) -> None:
    """Where no route matches, an unknown one was refused with 417 in aiohttp's plain text."""
    async with http_bridge() as bridge:
        answer = await raw(
            bridge,
            f"{asked} HTTP/1.1\r\nHost: {bridge.host}:{bridge.port}\r\nConnection: close\r\n"
            f"Expect: {expectation}\r\n\r\n",
        )
    _, _, last = answer.rpartition(b"HTTP/1.1 ")  # `100 Continue` may stand before it
    head, _, body = last.partition(b"\r\n\r\n")
    assert head.startswith(b"%d " % status)
    assert b"\r\nserver: mogplex-bridge\r\n" in head.lower()
    assert b"\r\nx-content-type-options: nosniff\r\n" in head.lower()
    assert code is None or json.loads(body)["code"] == code
    if asked == "GET /v1/runs":
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_many_who_ask_for_the_runs_share_one_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.outputs.http.feed_lists.LIST_S", 60.0)
    async with http_bridge() as bridge:
        views, made = bridge.runs.views, 0

        def counted(kind: str | None = None) -> Any:
            nonlocal made
            made += 1
            return views(kind)

        bridge.runs.views = counted  # type: ignore[method-assign]
        for _ in range(5):
            assert len((await call(bridge, "GET", "/v1/runs"))[1]["runs"]) == 1
        assert made == 1
        await call(bridge, "PUT", f"/v1/runs/{OTHER_RUN}")  # seen at once by whoever did it
        assert len((await call(bridge, "GET", "/v1/runs"))[1]["runs"]) == 2
        await call(bridge, "DELETE", f"/v1/runs/{OTHER_RUN}")
        assert len((await call(bridge, "GET", "/v1/runs"))[1]["runs"]) == 1
        assert made == 3


class Guests:
    """A group of routes that the program does not know, with refusals of its own form."""

    name = "guests"
    prefix = "/guests"

    def routes(self) -> Sequence[Route]:
        return (Route("GET", "/guests/{name}", Need.READ, self.get),)

    async def get(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        if request.match_info["name"] == "nobody":
            raise ProblemError("not_found", "nobody is here")
        return web.json_response({"guest": request.match_info["name"], "host": identity.name})

    def refuse(self, problem: ProblemError) -> web.Response:
        return web.json_response({"guestError": problem.code}, status=CODES[problem.code][0])


async def test_an_unknown_group_of_routes_is_served_guarded_and_refuses_its_own_way():
    streams = Streams(MemoryJournal(), Metrics(), SystemClock())
    server = Server([Guests()], streams, Redactor())
    host, port = await server.start("127.0.0.1", 0)
    url = f"http://{host}:{port}"
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/guests/Ada") as answer:
                assert await answer.json() == {"guest": "Ada", "host": "local"}
            for path, code in (("/guests/nobody", "not_found"), ("/guests/a/b", "not_found")):
                async with session.get(url + path) as answer:
                    assert await answer.json() == {"guestError": code}
            async with session.get(f"{url}/guests/Ada", headers={"Host": "elsewhere"}) as answer:
                assert await answer.json() == {"guestError": "foreign_host"}
            async with session.get(f"{url}/v1/events") as answer:
                assert answer.status == 404
                assert answer.content_type == "application/problem+json"
    finally:
        await server.close()


async def test_lists_are_searched_and_come_in_pages() -> None:
    """4,000 runs were one answer of 1 MB."""
    async with http_bridge() as bridge:
        for run in (OTHER_RUN, THIRD_RUN):
            await call(bridge, "PUT", f"/v1/runs/{run}")
        everything = [THIRD_RUN, OTHER_RUN, RUN]
        for path, key, id_ in (("/v1/runs", "runs", "runId"), ("/v1/feeds", "feeds", "id")):
            first = (await call(bridge, "GET", f"{path}?limit=2"))[1]
            assert [view[id_] for view in first[key]] == everything[:2]
            rest = (await call(bridge, "GET", f"{path}?limit=2&cursor={first['next']}"))[1]
            assert [view[id_] for view in rest[key]] == everything[2:]
            assert rest["next"] is None
            for query, count in (
                (f"text={RUN[:8].upper()}", 1), ("text=nothing", 0), ("state=running", 3),
                ("state=ended", 0), ("state=following&state=ended", 3), ("account=second", 0),
            ):  # fmt: skip
                found = (await call(bridge, "GET", f"{path}?{query}"))[1][key]
                assert len(found) == count, query


async def test_one_feed_is_a_run_under_both_names() -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        feed = (await call(bridge, "GET", f"/v1/feeds/run/{RUN}"))[1]
        assert (feed["kind"], feed["id"], feed["state"]) == ("run", RUN, "running")
        run = (await call(bridge, "GET", f"/v1/runs/{RUN}"))[1]
        assert (run["runId"], run["state"]) == (RUN, "following")
        of_feed = (await call(bridge, "GET", f"/v1/feeds/run/{RUN}/events?after=0"))[1]
        assert of_feed == (await call(bridge, "GET", f"/v1/runs/{RUN}/events?after=0"))[1]
        assert (await call(bridge, "GET", f"/v1/feeds/space/{RUN}/events"))[0] == 404
        for query, count in (("kind=run", 2), ("kind=space", 0), ("system=mogplex", 2)):
            page = (await call(bridge, "GET", f"/v1/events?after=0&{query}"))[1]
            assert len(page["records"]) == count, query


@pytest.mark.parametrize("id_", ["Ab/1 ü", "a%2Fb", "..", "?x=1#y", "%"])
async def test_ids_are_opaque(id_: str) -> None:
    """Percent-encoded in the path, and what upstream calls it in the record and the wish."""
    async with http_bridge() as bridge:
        asked: list[tuple[str, str]] = []

        def view(kind: str, text: str, account: str | None = None) -> Any:
            asked.append((kind, text))
            return {"kind": kind, "id": text, "account": "default"}

        bridge.runs.view = view  # type: ignore[method-assign]
        url = URL(f"{bridge.url}/v1/feeds/space/{quote(id_, safe='')}", encoded=True)
        async with bridge.session.get(url) as response:
            assert (await response.json())["id"] == id_
        assert asked == [("space", id_)]


@pytest.mark.parametrize("path", ["/v1/runs", f"/v1/runs/{RUN}", "/v1/feeds", "/openapi.json"])
async def test_a_cache_buster_is_no_unknown_parameter(path: str) -> None:
    """Only events took it; helpers of browsers add it to every GET."""
    async with http_bridge() as bridge:
        await bridge.session.put(f"{bridge.url}/v1/runs/{RUN}")
        status, _ = await call(bridge, "GET", f"{path}?_=1764115200000")
        assert status == 200
