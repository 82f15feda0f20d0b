"""The simulated moot service, knob by knob, asked by a plain HTTP client (moot.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bridge.simulator import ManualClock, MootSimulator
from bridge.simulator.moot.faults import FAULT_KINDS
from bridge.simulator.moot.scenarios import SCENARIOS
from bridge.simulator.moot.store import Draft
from bridge.simulator.moot.variants import VARIANTS

KEY = "convo_key_Test0000"
WAIT_S = 10.0


class Asker:
    """Asks one simulator; paths are sent as they are written."""

    def __init__(self, sim: MootSimulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def ask(
        self, path: str, *, key: str | None = KEY, method: str = "GET", body: Any = None
    ) -> tuple[int, Any]:
        """(status, JSON or text)."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        data = None if body is None else json.dumps(body).encode()
        url = URL(self.sim.url + path, encoded=True)
        async with (
            asyncio.timeout(WAIT_S),
            self.session.request(method, url, headers=headers, data=data) as response,
        ):
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return response.status, json.loads(text) if is_json else text

    async def ids(self, path: str) -> list[str]:
        status, rows = await self.ask(path)
        assert status == 200, rows
        return [row["event_id"] for row in rows]

    @asynccontextmanager
    async def stream(
        self, space: str, query: str = "", *, key: str | None = KEY
    ) -> AsyncIterator[Any]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        url = URL(f"{self.sim.url}/api/spaces/{space}/events/stream{query}", encoded=True)
        async with self.session.get(url, headers=headers) as response:
            yield response


@asynccontextmanager
async def asker(**knobs: Any) -> AsyncIterator[Asker]:
    async with (
        MootSimulator(knobs=knobs, clock=ManualClock()) as sim,
        aiohttp.ClientSession() as session,
    ):
        session._retry_connection = False  # a dropped GET would silently be sent again
        yield Asker(sim, session)


async def read_until(response: Any, mark: bytes) -> bytes:
    data = b""
    async with asyncio.timeout(WAIT_S):
        while mark not in data:
            chunk = await response.content.readany()
            if not chunk:
                break
            data += chunk
    return data


def ids_of(sim: MootSimulator, space: str) -> list[str]:
    return [event["event_id"] for event in sim.truth(space)["committed"]]


# -- keys and refusals


async def test_keys_of_every_kind_are_taken_and_others_are_not() -> None:
    async with asker() as a:
        for key, kind in ((KEY, "agent"), ("mootup_pat_x", "human"), ("eyJ.a.b", "agent")):
            status, actor = await a.ask("/api/actors/me", key=key)
            assert (status, actor["actor_type"]) == (200, kind)
        assert await a.ask("/api/actors/me", key="mog_x") == (401, {"detail": "Invalid API key"})
        assert (await a.ask("/api/actors/me", key=None))[0] == 401
        assert await a.ask("/health", key=None) == (200, {"status": "ok"})


async def test_the_key_in_the_query_opens_the_stream_and_nothing_else() -> None:
    async with asker() as a:
        a.sim.create_space("s", events=1)
        assert (await a.ask(f"/api/spaces/s/status?token={KEY}", key=None))[0] == 401
        async with a.stream("s", f"?token={KEY}", key=None) as response:
            assert response.status == 200
        assert all(KEY not in record.query for record in a.sim.requests)


@pytest.mark.parametrize(
    ("place", "by_header", "by_query"), [("header", 200, 401), ("query", 401, 200)]
)
async def test_knob_stream_auth(place: str, by_header: int, by_query: int) -> None:
    async with asker(stream_auth=place) as a:
        a.sim.create_space("s")
        async with a.stream("s") as response:
            assert response.status == by_header
        async with a.stream("s", f"?token={KEY}", key=None) as response:
            assert response.status == by_query


async def test_a_hidden_space_is_as_one_that_is_not_there_and_a_forbidden_one_says_so() -> None:
    async with asker() as a:
        for name in ("open", "shut", "gone"):
            a.sim.create_space(name)
        a.sim.set_token(KEY, forbidden=["shut"], hidden=["gone"])
        assert [(await a.ask(f"/api/spaces/{n}/status"))[0] for n in ("open", "shut", "gone")] == [
            *(200, 403, 404)
        ]
        assert await a.ask("/api/spaces/gone/status") == await a.ask("/api/spaces/never/status")
        _, rows = await a.ask("/api/spaces")
        assert [row["space_id"] for row in rows] == ["open", "shut"]


async def test_knob_suspended_refuses_everything_in_the_fixed_words() -> None:
    async with asker(suspended=True) as a:
        a.sim.create_space("s")
        for path in ("/api/actors/me", "/api/spaces", "/api/spaces/s/events"):
            assert await a.ask(path) == (403, {"detail": "Tenant is suspended"})


async def test_knob_missing() -> None:
    async with asker() as a:
        a.sim.create_space("s")
        assert (await a.ask("/api/spaces/s"))[0] == 404
        a.sim.knobs.change({"missing": "405"})
        assert (await a.ask("/api/spaces/s"))[0] == 405


async def test_writes_need_an_active_space_and_archive_is_not_final() -> None:
    async with asker() as a:
        a.sim.create_space("s")
        assert (await a.ask("/api/spaces/s/events", method="POST", body={"text": "x"}))[0] == 200
        assert (await a.ask("/api/spaces/s/archive", method="POST"))[0] == 200
        again = await a.ask("/api/spaces/s/archive", method="POST")
        assert again == (409, {"detail": "Space is already archived"})
        refused = await a.ask("/api/spaces/s/events", method="POST", body={"text": "x"})
        assert refused == (409, {"detail": "Space is not active"})
        assert (await a.ask("/api/spaces/s", method="PATCH", body={"status": "active"}))[0] == 200
        assert a.sim.truth("s")["statuses"] == ["active", "archived", "active"]
        status, body = await a.ask("/api/actors/agt_1/rotate-key", method="POST")
        assert (status, body["error"], "detail" in body) == (409, "agent_connected", False)


async def test_knobs_of_the_limiter() -> None:
    async with asker(limiter="on", limiter_limit=3) as a:
        assert [(await a.ask("/api/spaces"))[0] for _ in range(4)] == [200, 200, 200, 429]
        async with a.session.get(
            a.sim.url + "/api/spaces", headers={"Authorization": f"Bearer {KEY}"}
        ) as response:
            assert "Retry-After" not in response.headers
        a.sim.knobs.change({"retry_after": "sent", "limiter_window_s": 30})
        async with a.session.get(
            a.sim.url + "/api/spaces", headers={"Authorization": f"Bearer {KEY}"}
        ) as response:
            assert response.headers["Retry-After"] == "30"


# -- lists and pages


async def test_lists_show_active_spaces_unless_asked_and_knob_list_shows_no_others() -> None:
    async with asker() as a:
        for status in ("active", "paused", "archived"):
            a.sim.create_space(status, status=status)
        for query, expected in (("", "active"), ("?status=paused", "paused")):
            assert [r["space_id"] for r in (await a.ask(f"/api/spaces{query}"))[1]] == [expected]
        assert (await a.ask("/api/spaces?status=open"))[0] == 422
        a.sim.knobs.change({"list": "active_only"})
        assert [r["space_id"] for r in (await a.ask("/api/spaces?status=paused"))[1]] == ["active"]


async def test_pages_go_forward_and_backward_and_a_wrong_limit_is_refused() -> None:
    async with asker() as a:
        a.sim.create_space("s", events=7)
        ids = ids_of(a.sim, "s")
        events = "/api/spaces/s/events"
        assert await a.ids(f"{events}?limit=3") == ids[4:]
        assert await a.ids(f"{events}?since={ids[1]}&limit=3") == ids[2:5]
        assert await a.ids(f"{events}?before={ids[4]}&limit=2") == ids[2:4]
        for limit in ("0", "201", "-1", "ten", "1.5"):
            status, body = await a.ask(f"{events}?limit={limit}")
            assert (status, body["detail"][0]["input"]) == (422, limit)
        a.sim.knobs.change({"before": "ignored"})
        assert await a.ids(f"{events}?before={ids[4]}&limit=2") == ids[5:]
        assert await a.ids("/api/spaces/s/transcript?start=2020-01-01T00:00:00Z") == ids
        a.sim.knobs.change({"transcript": "404"})
        assert (await a.ask("/api/spaces/s/transcript"))[0] == 404


async def test_knob_since_by_timestamp_loses_ties() -> None:
    async with asker(since="timestamp") as a:
        a.sim.create_space("s")
        a.sim.append("s", [Draft("a"), Draft("b")], timestamp="2026-08-03T15:00:00Z")
        a.sim.append("s", 1, timestamp="2026-08-03T15:00:01Z")
        ids = ids_of(a.sim, "s")
        assert await a.ids(f"/api/spaces/s/events?since={ids[0]}") == ids[2:]


@pytest.mark.parametrize(
    ("how", "status", "count"),
    [("400", 400, 0), ("404", 404, 0), ("422", 422, 0), ("empty", 200, 0), ("latest", 200, 4)],
)
async def test_knob_cursor_unknown(how: str, status: int, count: int) -> None:
    async with asker(cursor_unknown=how) as a:
        a.sim.create_space("s", events=4)
        for parameter in ("since", "before"):
            got, body = await a.ask(f"/api/spaces/s/events?{parameter}=evt_nobody")
            assert got == status
            assert got != 200 or len(body) == count


async def test_shrinking_takes_the_oldest_events_out_of_every_read() -> None:
    async with asker() as a:
        a.sim.create_space("s", events=5)
        ids = ids_of(a.sim, "s")
        a.sim.shrink("s", 3)
        assert await a.ids("/api/spaces/s/events") == ids[3:]
        assert (await a.ask(f"/api/spaces/s/events?since={ids[1]}"))[0] == 404


async def test_knob_event_count() -> None:
    async with asker() as a:
        a.sim.create_space("s", events=5)

        async def count() -> Any:
            return (await a.ask("/api/spaces/s/status"))[1].get("event_count")

        for how, expected in (
            ("true", [5, 5]),
            ("high", [7, 7]),
            ("low", [3, 3]),
            ("absent", [None, None]),
        ):
            a.sim.knobs.change({"event_count": how})
            assert [await count(), await count()] == expected
        a.sim.knobs.change({"event_count": "flapping"})
        assert {await count(), await count()} == {5, 7}


async def test_knobs_of_late_events() -> None:
    async with asker(late_every=2, late_s=5) as a:
        a.sim.create_space("s")
        a.sim.append("s", 3)
        assert len(await a.ids("/api/spaces/s/events")) == 2
        a.sim.clock.advance(5)  # type: ignore[attr-defined]
        ids = ids_of(a.sim, "s")
        assert await a.ids("/api/spaces/s/events") == [ids[0], ids[2], ids[1]]
        a.sim.knobs.change({"late_place": "end"})
        a.sim.append("s", 3)
        a.sim.clock.advance(5)  # type: ignore[attr-defined]
        assert await a.ids("/api/spaces/s/events?limit=2") == ids_of(a.sim, "s")[-2:]


@pytest.mark.parametrize(
    ("style", "end"),
    [
        ("micros_offset", "+00:00"),
        ("millis_z", "Z"),
        ("seconds_z", "00Z"),
        ("unreadable", "yesterday"),
    ],
)
async def test_knob_time_format(style: str, end: str) -> None:
    async with asker(time_format=style) as a:
        a.sim.create_space("s")
        a.sim.append("s", 1, timestamp="2026-08-03T15:00:00.5Z")
        assert (await a.ask("/api/spaces/s/events"))[1][0]["timestamp"].endswith(end)


# -- streams


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, b'data: {"event_id":"%b"'),
        ({"frame": "wrapped"}, b'data: {"type":"context_event","data":{"event_id":"%b"'),
        ({"frame": "named"}, b'event: context_event\ndata: {"event_id":"%b"'),
        ({"frame_id": "event_id"}, b'id: %b\ndata: {"event_id"'),
        ({"frame_id": "counter"}, b'id: 0\ndata: {"event_id":"%b"'),
        ({"data_lines": "several"}, b'data: {\ndata:  "event_id": "%b"'),
        ({"line_end": "cr"}, b'data: {"event_id":"%b"'),
        ({"line_end": "crlf"}, b'data: {"event_id":"%b"'),
        ({"writes": "pieces"}, b'data: {"event_id":"%b"'),
    ],
)
async def test_knobs_of_the_frames(knobs: dict[str, str], expected: bytes) -> None:
    async with asker(**knobs) as a:
        a.sim.create_space("s", events=2)
        end = {"cr": b"\r\r", "crlf": b"\r\n\r\n"}.get(knobs.get("line_end", ""), b"\n\n")
        async with a.stream("s") as response:
            assert response.content_type == "text/event-stream"
            last = ids_of(a.sim, "s")[-1].encode()
            data = await read_until(response, last)
            data += await read_until(response, end) if end not in data.rpartition(last)[2] else b""
        first = ids_of(a.sim, "s")[0].encode()
        assert data.startswith(expected % first)
        assert data.count(end) == 2


async def test_knobs_replay_and_participants_and_subscribe_after() -> None:
    async with asker(replay="none", participants_every=1, subscribe_after_s=3) as a:
        a.sim.create_space("s", events=2)
        async with a.stream("s") as response:
            a.sim.append("s", 1)
            await asyncio.sleep(0)
            a.sim.clock.advance(3)  # type: ignore[attr-defined]
            await a.ask("/health")  # the stream has had its turn
            a.sim.append("s", 1)
            data = await read_until(response, b"participant_update")
        assert [id_ for id_ in ids_of(a.sim, "s") if id_.encode() in data] == [
            ids_of(a.sim, "s")[-1]
        ]


@pytest.mark.parametrize(
    ("ping", "expected"),
    [
        ("comment", b": ping\n\n"),
        ("text", b"data: ping\n\n"),
        ("json", b'"type":"ping"'),
        ("empty", b"event: ping\ndata:\n\n"),
    ],
)
async def test_knob_ping(ping: str, expected: bytes) -> None:
    async with asker(ping=ping, ping_s=4) as a:
        a.sim.create_space("s")
        async with a.stream("s") as response:
            a.sim.clock.advance(4)  # type: ignore[attr-defined]
            assert expected in await read_until(response, expected)


@pytest.mark.parametrize(
    ("how", "is_clean", "tail"),
    [
        ("between_frames", False, None),
        ("clean", True, None),
        ("mid_frame", False, "half"),
        ("whole_json", False, "line"),
    ],
)
async def test_knob_stream_cut(how: str, is_clean: bool, tail: str | None) -> None:
    async with asker(stream_max_s=5, stream_cut=how) as a:
        a.sim.create_space("s", events=1)
        async with a.stream("s") as response:
            await read_until(response, b"\n\n")
            a.sim.clock.advance(5)  # type: ignore[attr-defined]
            a.sim.append("s", 1)
            rest = b""
            with pytest.raises(aiohttp.ClientPayloadError) if not is_clean else nullcontext():
                async for chunk in response.content.iter_any():
                    rest += chunk
        if tail is None:
            assert rest == b""
        elif tail == "half":
            assert rest
            assert not rest.endswith(b"\n")
        else:
            assert rest.endswith(b"}\n")


@pytest.mark.parametrize("how", ["404", "405", "406", "501", "broken", "json"])
async def test_knob_stream_refusals(how: str) -> None:
    async with asker(stream=how) as a:
        a.sim.create_space("s")
        async with a.stream("s") as response:
            expected = {"broken": 500, "json": 200}.get(how) or int(how)
            assert (response.status, response.content_type) == (expected, "application/json")


async def test_knob_stream_garbage_and_mute() -> None:
    async with asker(stream="garbage") as a:
        a.sim.create_space("s", events=1)
        async with a.stream("s") as response:
            assert b"event_id" not in await read_until(response, b"\n\n")
        a.sim.knobs.change({"stream": "mute"})
        async with a.stream("s") as response:
            a.sim.append("s", 1)
            await a.ask("/health")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await response.content.readany()


async def test_the_websocket_does_not_replay_and_wants_a_heartbeat() -> None:
    async with asker() as a:
        a.sim.create_space("s", events=3)
        url = f"{a.sim.url}/api/spaces/s/ws?token={KEY}"
        async with a.session.ws_connect(url) as socket:
            a.sim.append("s", 1)
            message = json.loads((await socket.receive(timeout=WAIT_S)).data)
            assert message["type"] == "context_event"
            assert message["data"]["event_id"] == ids_of(a.sim, "s")[-1]
            await socket.send_str('{"type":"heartbeat"}')
            await a.ask("/health")
            a.sim.clock.advance(90)  # type: ignore[attr-defined]
            assert (await socket.receive(timeout=WAIT_S)).type is aiohttp.WSMsgType.CLOSE
        a.sim.knobs.change({"websocket": "404"})
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await a.session.ws_connect(url)


# -- faults, control, scenarios


@pytest.mark.parametrize("kind", sorted(FAULT_KINDS))
async def test_every_fault_hits_once(kind: str) -> None:
    async with asker() as a:
        a.sim.create_space("s", events=3)
        path = "/api/spaces/s/events"
        if kind == "cursor":
            path += f"?since={ids_of(a.sim, 's')[0]}"
        good = await a.ask(path)
        a.sim.fault(kind, endpoint="events", feed_id="s")
        if kind == "slow":
            asyncio.get_running_loop().call_later(0.05, a.sim.clock.advance, 1.0)  # type: ignore[attr-defined]
        try:
            got: Any = await a.ask(path)
        except (aiohttp.ClientError, ValueError) as error:
            got = error
        assert a.sim.requests[-1].fault == kind
        assert got != good or kind == "slow"
        assert await a.ask(path) == good


@pytest.mark.parametrize("name", sorted(VARIANTS))
async def test_every_trap_is_sent(name: str) -> None:
    async with asker() as a:
        a.sim.create_space("s")
        status, answer = await a.ask("/_sim/spaces/s/events", method="POST", body={"variant": name})
        assert (status, len(answer["ids"])) == (200, 1)
        assert len((await a.ask("/api/spaces/s/events"))[1]) == 1


@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_every_scenario_begins(name: str) -> None:
    async with asker() as a:
        a.sim.reset(name)
        a.sim.clock.advance(1.0)  # type: ignore[attr-defined]
        assert bool(a.sim.feed_ids) is (name != "empty")


async def test_the_control_api_makes_bends_and_tells() -> None:
    async with asker() as a:
        body = {"spaceId": "a b/c", "events": 2, "knobs": {"replay": "none"}}
        assert (await a.ask("/_sim/spaces", method="POST", body=body))[0] == 200
        space = "/_sim/spaces/a%20b%2Fc"
        added = {"events": [{"text": "hi", "messageType": "bug", "raw": {"extra": 1}}]}
        assert (await a.ask(f"{space}/events", method="POST", body=added))[0] == 200
        assert (await a.ask(space, method="PATCH", body={"status": "paused"}))[0] == 200
        assert (await a.ask(f"{space}/play", method="POST", body={"every_s": 1}))[0] == 200
        assert (await a.ask(f"{space}/shrink", method="POST", body={"count": 1}))[0] == 200
        truth = (await a.ask(f"{space}/truth"))[1]
        assert len(truth["committed"]) == 3
        assert truth["committed"][2]["extra"] == 1
        assert truth["statuses"] == ["active", "paused"]
        key = {"token": KEY, "valid": False}
        assert (await a.ask("/_sim/tokens", method="POST", body=key))[0] == 200
        assert (await a.ask("/api/spaces"))[0] == 401
        assert (await a.ask(space, method="DELETE"))[0] == 200
        assert (await a.ask("/_sim/spaces"))[1] == {"spaces": []}
        status, wrong = await a.ask("/_sim/spaces", method="POST", body={"evnts": 2})
        assert (status, "did you mean 'events'" in wrong["error"]) == (400, True)


def test_every_payload_variant_is_named_in_the_page() -> None:
    text = Path("docs/simulator-moot.md").read_text()
    assert [name for name in VARIANTS if f"`{name}`" not in text] == []
