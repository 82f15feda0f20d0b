"""JSON pages, and what is said about a request that makes no sense."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from bridge.outputs.http.limits import Limits
from bridge.outputs.http.pages import _that_hold
from bridge.outputs.http.sought import Sought
from bridge.wire.jsontext import dumps
from tests.http_bridge import EVENT, OTHER_RUN, RUN, HttpBridge, http_bridge, raw
from tests.journal_records import draft


async def page(bridge: HttpBridge, path: str, **headers: str) -> tuple[list[int], str]:
    async with bridge.session.get(bridge.url + path, headers=headers) as response:
        body = await response.read()
        assert response.status == 200, body
        assert response.headers["Content-Type"].startswith("application/json")
        value = json.loads(body)
        assert set(value) == {"records", "next"}
        return [int(record["sequence"]) for record in value["records"]], value["next"]


async def problem(bridge: HttpBridge, path: str, method: str = "GET") -> dict[str, Any]:
    async with bridge.session.request(method, bridge.url + path) as response:
        value = json.loads(await response.read())
        assert response.headers["Content-Type"].startswith("application/problem+json")
        assert {"type", "title", "status", "detail", "code"} <= set(value)
        assert value["status"] == response.status
        assert value["type"] == f"urn:mogplex-bridge:problem:{value['code'].replace('_', '-')}"
        return value


async def test_paging_from_the_oldest_gives_each_record_once() -> None:
    async with http_bridge() as bridge:
        assert await page(bridge, "/v1/events?after=0") == ([], bridge.position(0))
        await bridge.add(250)
        seen: list[int] = []
        after = "0"
        for count in (100, 100, 50, 0):
            got, after = await page(bridge, f"/v1/events?after={after}")
            assert len(got) == count
            seen += got
        assert seen == list(range(1, 251))
        assert after == bridge.position(250)


async def test_the_records_are_the_journals_bytes() -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        records = (await bridge.journal.read(0, 2)).records
        async with bridge.session.get(bridge.url + "/v1/events?after=0") as response:
            assert await response.read() == b'{"records":[%b,%b],"next":"%b"}' % (
                records[0].body,
                records[1].body,
                bridge.position(2).encode(),
            )


@pytest.mark.parametrize(
    ("query", "expected", "next_seq"),
    [
        ("after=1&limit=2", [2, 3], 3),
        ("tail=2", [4, 5], 5),
        ("tail=3&limit=1", [3], 3),
        ("", [], 5),  # live only: nothing yet, and where to go on
        (f"after=0&run={OTHER_RUN}", [3], 5),
        (f"after=0&type={EVENT}log&limit=1", [1], 1),
        ("after=0&type=none", [], 5),
    ],
)
async def test_starts_and_filters(query: str, expected: list[int], next_seq: int) -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        await bridge.add(1, run=OTHER_RUN)
        await bridge.add(2)
        assert await page(bridge, f"/v1/events?{query}") == (expected, bridge.position(next_seq))


async def test_a_rare_match_far_on_is_found_without_one_endless_request() -> None:
    async with http_bridge() as bridge:
        await bridge.add(20_000)
        await bridge.add(1, type_=EVENT + "rare")
        assert await page(bridge, f"/v1/events?after=0&type={EVENT}rare") == (
            [20_001],
            bridge.position(20_001),
        )


async def add_said(bridge: HttpBridge, *said: object) -> None:
    """Records whose data has these texts somewhere."""
    of = draft(RUN, "x", EVENT + "log")
    head, tail = of.head, b'","data":%b}'
    await bridge.journal.append(
        [
            of._replace(
                id=f"s{bridge.journal.head}.{n}",
                head=head,
                tail=tail % dumps({"payload": {"output": [text]}}),
            )
            for n, text in enumerate(said)
        ]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("outofmemory", [1, 2]),
        ("OutOf", [1]),  # a capital: case counts
        ("exit 137", [3]),
        ('"quoted" \\ back', [4]),
        ("größe", [5, 6]),
        ("Größe", [5]),
        ("a\nb", [7]),
        ("output", []),  # the name of a member is nobody's text
        ("mogplex", []),
        ("137", [3]),
    ],
)
async def test_a_text_is_sought_in_what_upstream_sent(text: str, expected: list[int]) -> None:
    async with http_bridge() as bridge:
        await add_said(
            bridge, "OutOfMemory", "java: outofmemory", "(exit 137)", 'a "quoted" \\ back',
            "Größe 4", "GRÖSSE größe", "a\nb", 138,
        )  # fmt: skip
        found = await page(bridge, f"/v1/runs/{RUN}/events?after=0&text={quote(text)}")
        assert found == (expected, bridge.position(8))


async def test_a_tail_is_counted_before_its_text_is_sought() -> None:
    async with http_bridge() as bridge:
        await add_said(bridge, "needle", "needle", "hay", "needle")
        assert (await page(bridge, "/v1/events?tail=3&text=needle"))[0] == [2, 4]


async def test_a_text_far_on_is_found_and_a_search_says_how_far_it_looked() -> None:
    async with http_bridge() as bridge:
        await bridge.add(1500)
        await add_said(bridge, "needle")
        await bridge.add(40_000)
        await add_said(bridge, "needle")
        assert await page(bridge, "/v1/events?after=0&limit=1&text=needle") == (
            [1501],
            bridge.position(1501),
        )
        asked, after, seen = 0, "1501", []
        while not seen:
            seen, after = await page(bridge, f"/v1/events?after={after}&text=needle")
            asked += 1
        assert seen == [41_502]
        assert asked == 2  # one request does not look through everything


async def test_a_search_in_long_texts_gives_others_their_turn() -> None:
    async with http_bridge() as bridge:
        await add_said(bridge, *(f"\x1b[1m{n} é" + "x" * 200_000 for n in range(20)))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        sought = Sought("nowhere")
        records = (await bridge.journal.read(0, 100)).records
        async with asyncio.TaskGroup() as group:
            task = group.create_task(others())
            await asyncio.sleep(0)
            before = turns
            assert await _that_hold(sought, records) == []
            assert turns - before >= 10  # 4 MB, at most 256 KiB and a record in one go
            task.cancel()


@pytest.mark.parametrize(
    ("query", "accept", "words"),
    [
        ("text=x&after=0", "text/event-stream", "pages"),
        ("text=" + "x" * 201, "*/*", "200"),
        ("text=x&text=y", "*/*", "more than once"),
    ],
)
async def test_a_text_that_cannot_be_sought_is_refused(query: str, accept: str, words: str) -> None:
    async with http_bridge() as bridge:
        headers = {"Accept": accept}
        async with bridge.session.get(f"{bridge.url}/v1/events?{query}", headers=headers) as answer:
            found = await answer.json(content_type=None)
        assert (found["status"], found["code"]) == (400, "invalid_parameter")
        assert words in found["detail"]


async def test_a_page_of_huge_records_is_short_and_goes_on() -> None:
    async with http_bridge(limits=Limits(page_bytes_max=10_000)) as bridge:
        await bridge.add(4, pad=4000)
        await bridge.add(1, pad=20_000)  # longer than a page may be, alone
        seen: list[int] = []
        after = "0"
        while len(seen) < 5:
            got, after = await page(bridge, f"/v1/events?after={after}")
            assert 1 <= len(got) <= 2
            seen += got
        assert seen == [1, 2, 3, 4, 5]


async def test_the_page_of_a_run_and_the_last_event_id_header() -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        await bridge.add(2, run=OTHER_RUN)
        assert await page(bridge, f"/v1/runs/{OTHER_RUN}/events?after=0&limit=1") == (
            [3],
            bridge.position(3),
        )
        header = {"Last-Event-ID": bridge.position(1)}
        assert (await page(bridge, f"/v1/runs/{RUN}/events?after=0", **header))[0] == [2]
        unknown = await problem(bridge, "/v1/runs/9a2e4d10-77b1-4c55-9c0a-2d1f0b6b3f01/events")
        assert (unknown["status"], unknown["code"]) == (404, "unknown_run")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("text/event-stream;q=0", "application/json"),
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("text/*", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
        ("TEXT/Event-Stream; charset=utf-8", "text/event-stream"),
        ("application/x-ndjson, */*", "application/x-ndjson"),
        ("text/event-stream;q=x, application/json", "application/json"),
    ],
)
async def test_the_accept_header_chooses(accept: str, content_type: str) -> None:
    async with http_bridge() as bridge:
        async with bridge.session.get(
            bridge.url + "/v1/events", headers={"Accept": accept}
        ) as response:
            assert response.headers["Content-Type"].split(";")[0] == content_type
        async with bridge.session.head(
            bridge.url + "/v1/events", headers={"Accept": accept}
        ) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].split(";")[0] == content_type
            assert await response.read() == b""


@pytest.mark.parametrize(
    ("path", "parameter", "code"),
    [
        ("/v1/events?afer=1", "afer", "unknown_parameter"),
        ("/v1/events?limit=0", "limit", "invalid_parameter"),
        ("/v1/events?limit=1001", "limit", "invalid_parameter"),
        ("/v1/events?limit=ten", "limit", "invalid_parameter"),
        ("/v1/events?limit=%D9%A3", "limit", "invalid_parameter"),  # a digit, but not ours
        ("/v1/events?limit=", "limit", "invalid_parameter"),
        ("/v1/events?tail=-1", "tail", "invalid_parameter"),
        ("/v1/events?tail=10001", "tail", "invalid_parameter"),
        ("/v1/events?after=1&after=2", "after", "invalid_parameter"),
        ("/v1/events?run=", "run", "invalid_parameter"),
        ("/v1/events?type=!", "type", "invalid_parameter"),
        ("/v1/events?type=" + "x" * 257, "type", "invalid_parameter"),
        ("/v1/events?" + "&".join("type=a" for _ in range(33)), "type", "invalid_parameter"),
        ("/v1/events?" + "&".join(f"run={n}" for n in range(101)), "run", "invalid_parameter"),
        (f"/v1/runs/{RUN}/events?run={RUN}", "run", "unknown_parameter"),
        ("/v1/runs?depth=1", "depth", "unknown_parameter"),
        (f"/v1/runs/{RUN}?x=1", "x", "unknown_parameter"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_named(
    path: str, parameter: str, code: str
) -> None:
    async with http_bridge() as bridge:
        value = await problem(bridge, path)
        assert (value["status"], value["code"]) == (400, code)
        assert value["parameter"] == parameter
        assert repr(parameter) in value["detail"]


async def test_a_misspelt_parameter_gets_the_nearest_name() -> None:
    async with http_bridge() as bridge:
        assert "did you mean 'after'" in (await problem(bridge, "/v1/events?afer=1"))["detail"]


async def test_nothing_of_a_parameter_reaches_a_header() -> None:
    """Header injection: what a client writes comes back in JSON strings only."""
    evil = "x%0d%0aSet-Cookie:%20a=b"
    async with http_bridge() as bridge:
        host = f"Host: {bridge.host}:{bridge.port}\r\nConnection: close\r\n"
        for path in (
            f"/v1/events?after={evil}",
            f"/v1/events?{evil}=1",
            f"/v1/runs/{evil}",
            f"/v1/runs/{evil}/events",
            f"/v1/events?run={evil}&after=0",
        ):
            answer = await raw(bridge, f"GET {path} HTTP/1.1\r\n{host}\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert b"Set-Cookie" not in head, path
            assert b"\nSet-Cookie" not in body, path
        stream = f"GET /v1/events?after={evil} HTTP/1.1\r\n{host}Accept: text/event-stream\r\n\r\n"
        answer = await raw(bridge, stream, until=b"bridge.reset")
        assert b"Set-Cookie" not in answer


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1", 404, None),
        ("GET", "/v1/events/", 404, None),
        ("GET", "/page/../server.py", 404, None),
        ("GET", "/page/..%2fserver.py", 404, None),
        ("GET", "/page/page.css.bak", 404, None),
        ("POST", "/v1/events", 405, "GET, HEAD, OPTIONS"),
        ("POST", f"/v1/runs/{RUN}", 405, "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("DELETE", "/livez", 405, "GET, HEAD, OPTIONS"),
    ],
)
async def test_routes_that_are_not_there(
    method: str, path: str, status: int, allow: str | None
) -> None:
    async with http_bridge() as bridge:
        request = f"{method} {path} HTTP/1.1\r\nHost: {bridge.host}:{bridge.port}\r\n"
        answer = (await raw(bridge, request + "Connection: close\r\n\r\n")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        assert f" {status} " in head.splitlines()[0]
        assert json.loads(body)["status"] == status
        assert ("\r\nAllow: " + allow if allow else "") in head


async def test_options_says_what_is_possible() -> None:
    async with http_bridge() as bridge:
        response = await bridge.session.options(bridge.url + f"/v1/runs/{RUN}")
        assert response.status == 204
        assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


@pytest.mark.parametrize(
    "request_text",
    [
        "GARBAGE\r\n\r\n",
        "GET /livez HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nBad Header\r\n\r\n",
        "GET /livez HTTP/1.1\r\nHost: {host}\r\nX: " + "y" * 20_000 + "\r\n\r\n",
        "GET /" + "y" * 20_000 + " HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET /livez HTTP/1.1\r\n" + "".join(f"X-{n}: y\r\n" for n in range(100)) + "\r\n",
        "PUT /v1/runs/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_not_http_or_too_much_of_it_is_a_problem_too(request_text: str) -> None:
    async with http_bridge() as bridge:
        text = request_text.replace("{host}", f"{bridge.host}:{bridge.port}")
        head, _, body = (await raw(bridge, text)).partition(b"\r\n\r\n")
        assert head.split()[1] == b"400"
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "bad_request"


async def test_pages_wait_for_the_compressor_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a client that asks for many at once fills the memory with pages."""
    waiting, most = 0, 0

    async def slow(request: web.Request, response: web.StreamResponse) -> None:
        nonlocal waiting, most
        if request.path == "/v1/events" and "Content-Encoding" not in response.headers:
            waiting += 1
            most = max(most, waiting)
            await asyncio.sleep(0.02)
            waiting -= 1
            response.headers["Content-Encoding"] = "identity"

    monkeypatch.setattr("bridge.outputs.http.routes_events.compress", slow)
    monkeypatch.setattr("bridge.outputs.http.server.compress", slow)
    async with http_bridge(limits=Limits(pages_at_once_max=2)) as bridge:
        url = bridge.url + "/v1/events?after=0"
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(bridge.session.get(url)) for _ in range(8)]
        assert [(await answer).status for answer in asked] == [200] * 8
    assert most == 2
