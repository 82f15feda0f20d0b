"""SSE, NDJSON and WebSocket: same records, starts, filters and ends (outside.md 3)."""

from __future__ import annotations

import asyncio
import json
import re

import aiohttp
import pytest

from tests.http_bridge import (
    EVENT,
    OTHER_RUN,
    RUN,
    WAIT_S,
    EventStream,
    HttpBridge,
    event_stream,
    http_bridge,
    raw,
)

SSE_REQUEST = "GET {path} HTTP/1.{minor}\r\nHost: {host}\r\nAccept: text/event-stream\r\n{more}\r\n"


def request(bridge: HttpBridge, path: str, *, minor: int = 1, more: str = "") -> str:
    host = f"{bridge.host}:{bridge.port}"
    return SSE_REQUEST.format(path=path, minor=minor, host=host, more=more)


async def test_every_byte_of_an_event_stream() -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        wanted = (await bridge.journal.read(0, 2)).records
        epoch = bridge.journal.epoch
        second = f"data: {wanted[1].body.decode()}\nid: {epoch}-2\n\n"
        got = await raw(
            bridge, request(bridge, "/v1/events?after=1", minor=0), until=second.encode()
        )
        head, _, body = got.decode().partition("\r\n\r\n")
        assert body == f"retry: 2000\nid: {epoch}-1\n\n{second}"
        lines = head.split("\r\n")
        assert lines[0] == "HTTP/1.0 200 OK"
        fields = dict(line.split(": ", 1) for line in lines[1:])
        date = fields.pop("Date")
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date)
        assert fields == {
            "Connection": "close",
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache, no-transform",
            "X-Accel-Buffering": "no",
            "Vary": "Accept",
            "Server": "mogplex-bridge",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }


async def test_http_1_1_streams_are_chunked_and_end_with_the_last_chunk() -> None:
    async with http_bridge() as bridge:
        await bridge.add()
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        writer.write(request(bridge, "/v1/events?after=0").encode())
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b"\r\n\r\n")
            first = await read_chunk(reader)
            assert first.startswith(b"retry: 2000\n")
            assert (await read_chunk(reader)).startswith(b"data: {")
            await bridge.server.drain(1)
            assert re.fullmatch(rb"retry: \d+\n\n", await read_chunk(reader))
            assert await reader.read() == b"0\r\n\r\n"
        writer.close()
        await writer.wait_closed()


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readline(), 16)
    data = await reader.readexactly(size)
    assert await reader.readexactly(2) == b"\r\n"
    return data


async def test_live_only_gets_what_comes_after_the_connection() -> None:
    async with http_bridge() as bridge:
        await bridge.add(3)
        async with event_stream(bridge) as stream:
            await bridge.add(2)
            assert await stream.records(2) == [4, 5]


@pytest.mark.parametrize(
    ("path", "last_id", "expected"),
    [
        ("?after=0", None, [1, 2, 3, 4, 5]),
        ("?after=3", None, [4, 5]),
        ("?after={epoch}-3", None, [4, 5]),
        ("?after=0", "{epoch}-4", [5]),  # the header wins: a browser keeps its URL
        ("?tail=2", "{epoch}-1", [2, 3, 4, 5]),
        ("?tail=2", None, [4, 5]),
        ("?tail=99", None, [1, 2, 3, 4, 5]),
        ("?after=4&tail=3", None, [5]),
        ("?tail=3", "", [3, 4, 5]),  # an empty header is none
    ],
)
async def test_starts(path: str, last_id: str | None, expected: list[int]) -> None:
    async with http_bridge() as bridge:
        await bridge.add(5)
        epoch = bridge.journal.epoch
        headers = {} if last_id is None else {"Last_Event_ID": last_id.format(epoch=epoch)}
        async with event_stream(bridge, "/v1/events" + path.format(epoch=epoch), **headers) as s:
            assert await s.records(len(expected)) == expected
            await bridge.add()
            assert await s.records(1) == [6]  # and then it is live, without hole or repeat


async def test_tail_0_is_live_only() -> None:
    async with http_bridge() as bridge:
        await bridge.add(2)
        async with event_stream(bridge, "/v1/events?tail=0") as stream:
            await bridge.add()
            assert await stream.records(1) == [3]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"run={RUN}", [1, 2, 4]),
        (f"run={RUN}&run={OTHER_RUN}", [1, 2, 3, 4, 5]),
        (f"type={EVENT}tool_*", [2, 5]),
        (f"type=!{EVENT}tool_*", [1, 3, 4]),
        (f"type={EVENT}*&type=!*finished", [1, 2, 3]),
        (f"run={OTHER_RUN}&type={EVENT}tool_finished", [5]),
        ("account=default&type=*finished", [4, 5]),
        ("account=none", []),
    ],
)
async def test_filters_hold_for_the_past_and_for_the_future(
    query: str, expected: list[int]
) -> None:
    kinds = [
        (RUN, "log"),
        (RUN, "tool_started"),
        (OTHER_RUN, "log"),
        (RUN, "finished"),
        (OTHER_RUN, "tool_finished"),
    ]
    async with http_bridge() as bridge:
        async with event_stream(bridge, f"/v1/events?{query}") as live:
            for run, kind in kinds:
                await bridge.add(run=run, type_=EVENT + kind)
            assert await live.records(len(expected)) == expected
            await live.nothing()
        async with event_stream(bridge, f"/v1/events?after=0&{query}") as past:
            assert await past.records(len(expected)) == expected
            await past.nothing()


async def test_the_stream_of_one_run() -> None:
    async with http_bridge() as bridge:
        await bridge.add(1, run=RUN)
        await bridge.add(1, run=OTHER_RUN)
        async with event_stream(bridge, f"/v1/runs/{RUN}/events?after=0") as stream:
            assert await stream.records(1) == [1]
            await bridge.add(1, run=OTHER_RUN)
            await bridge.add(1, run=RUN)
            assert await stream.records(1) == [4]
        # A run that is followed no more, but still in the journal, can be read.
        async with event_stream(bridge, f"/v1/runs/{OTHER_RUN}/events?after=0") as stream:
            assert await stream.records(2) == [2, 3]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("{epoch}-2", "dropped"), ("2", "dropped"), ("0000-9", "epoch"), ("x y", "not_understood"),
     ("{epoch}-99", "ahead"), ("99", "ahead")],
)  # fmt: skip
async def test_a_start_that_cannot_be_is_told_in_the_stream(asked: str, reason: str) -> None:
    async with http_bridge(records_max=4) as bridge:
        await bridge.add(4)
        await bridge.add(4)  # the oldest kept is 5 now
        asked = asked.format(epoch=bridge.journal.epoch)
        facts = {
            "type": "bridge.reset",
            "asked": asked,
            "reason": reason,
            "oldest": bridge.position(5),
            "newest": bridge.position(8),
        }
        async with event_stream(bridge, "/v1/events", Last_Event_ID=asked) as stream:
            (reset,) = await stream.next()
            assert (reset.event, json.loads(reset.data)) == ("bridge.reset", facts)
            assert reset.id == bridge.position(4)
            assert await stream.records(4) == [5, 6, 7, 8]
        url = bridge.url + "/v1/events"
        async with bridge.session.ws_connect(url, params={"after": asked}) as socket:
            assert await socket.receive_json(timeout=WAIT_S) == facts
            assert int((await socket.receive_json(timeout=WAIT_S))["sequence"]) == 5
        async with bridge.session.get(
            url, params={"after": asked}, headers={"Accept": "application/x-ndjson"}
        ) as lines:
            assert json.loads(await lines.content.readline()) == facts
            assert int(json.loads(await lines.content.readline())["sequence"]) == 5
        async with bridge.session.get(url, params={"after": asked}) as page:
            problem = await page.json(content_type="application/problem+json")
            assert (page.status, problem["code"]) == (410, "position_gone")
            assert problem["oldest"] == facts["oldest"]


async def test_after_0_is_the_oldest_kept_and_no_reset() -> None:
    async with http_bridge(records_max=4) as bridge:
        await bridge.add(4)
        await bridge.add(4)
        async with event_stream(bridge, "/v1/events?after=0") as stream:
            assert await stream.records(4) == [5, 6, 7, 8]
        async with event_stream(bridge, f"/v1/events?after={bridge.position(4)}") as stream:
            assert await stream.records(4) == [5, 6, 7, 8]


async def test_ndjson_is_the_records_bytes_line_by_line() -> None:
    async with http_bridge() as bridge:
        await bridge.add(3)
        headers = {"Accept": "application/x-ndjson"}
        async with bridge.session.get(bridge.url + "/v1/events?after=0", headers=headers) as r:
            assert r.headers["Content-Type"] == "application/x-ndjson"
            for record in (await bridge.journal.read(0, 3)).records:
                assert await r.content.readline() == record.body + b"\n"
            await bridge.server.drain(1)
            assert await r.content.read() == b""  # a complete chunked body, not a cut one


async def test_websocket_is_one_text_message_per_record() -> None:
    async with http_bridge() as bridge:
        await bridge.add(1)
        await bridge.add(1, pad=200)  # a 16-bit length
        await bridge.add(1, pad=70_000)  # a 64-bit length
        async with bridge.session.ws_connect(bridge.url + "/v1/events?after=0") as socket:
            for record in (await bridge.journal.read(0, 3)).records:
                message = await socket.receive(timeout=WAIT_S)
                assert message.type is aiohttp.WSMsgType.TEXT
                assert message.data.encode() == record.body
            await bridge.add()
            assert int((await socket.receive_json(timeout=WAIT_S))["sequence"]) == 4
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(bridge.server.drain(1))
                goodbye = await socket.receive(timeout=WAIT_S)
            assert (goodbye.type, goodbye.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_websocket_pings_are_answered_and_messages_ignored() -> None:
    async with http_bridge() as bridge:
        async with bridge.session.ws_connect(bridge.url + "/v1/events", autoping=False) as socket:
            await socket.send_str("hello?")
            await socket.ping(b"abc")
            pong = await socket.receive(timeout=WAIT_S)
            assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"abc")
            await socket.close(code=1000)
            assert socket.close_code == 1000
        await gone(bridge)
        assert bridge.sample(
            "subscriber_disconnects_total", transport="websocket", reason="client"
        ) == 1  # fmt: skip


async def gone(bridge: HttpBridge) -> None:
    async with asyncio.timeout(WAIT_S):
        while bridge.server.open_streams:
            await asyncio.sleep(0.005)


async def test_a_websocket_client_that_breaks_the_protocol_is_closed_with_1002() -> None:
    async with http_bridge() as bridge:
        host = f"{bridge.host}:{bridge.port}"
        head = (
            f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        writer.write(head.encode())
        async with asyncio.timeout(WAIT_S):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 ")
            assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
            writer.write(b"\x81\x05Hello")  # not masked
            frame = await reader.read()
        assert frame[0] == 0x88
        assert int.from_bytes(frame[2:4]) == 1002
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426, "unsupported_websocket_version"),
        ({"Sec-WebSocket-Key": "short"}, 400, "invalid_websocket"),
        ({"Connection": "keep-alive"}, 400, "invalid_websocket"),
    ],
)
async def test_a_broken_handshake_is_refused(
    change: dict[str, str], status: int, code: str
) -> None:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **change,
    }
    async with http_bridge() as bridge:
        response = await bridge.session.get(bridge.url + "/v1/events", headers=headers)
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["code"]) == (status, code)
        if status == 426:
            assert response.headers["Sec-WebSocket-Version"] == "13"


async def test_resuming_again_and_again_gives_each_record_once() -> None:
    """Cut the connection after any number of bytes; come back with the last finished frame's id."""
    async with http_bridge() as bridge:
        seen: list[int] = []
        last_id = bridge.position(0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(steadily(bridge, 300))
            for cut in [1, 90, 200, 333, 700, 1500, 77, 5000, 30, 400] * 6:
                if len(seen) == 300:
                    break
                async with event_stream(bridge, Last_Event_ID=last_id) as stream:
                    taken = 0
                    while taken < cut + 300 and len(seen) < 300:
                        chunk = (await stream.response.content.readany())[: cut + 300 - taken]
                        taken += len(chunk)
                        for frame in stream.decoder.feed(chunk):
                            seen.append(int(json.loads(frame.data)["sequence"]))
                    last_id = stream.decoder.last_event_id
            else:
                async with event_stream(bridge, Last_Event_ID=last_id) as stream:
                    seen += await stream.records(300 - len(seen))
        assert seen == list(range(1, 301))


async def steadily(bridge: HttpBridge, count: int) -> None:
    for _ in range(count // 3):
        await bridge.add(3)
        await asyncio.sleep(0.001)


async def test_a_stream_cut_before_its_first_record_resumes_where_it_began() -> None:
    async with http_bridge() as bridge:
        await bridge.add(3)
        async with event_stream(bridge) as stream:
            stream.decoder.feed(await stream.response.content.readany())
        await bridge.add(2)  # while nobody was there
        async with event_stream(bridge, Last_Event_ID=stream.decoder.last_event_id) as stream:
            assert await stream.records(2) == [4, 5]


async def test_a_reader_that_stops_loses_nothing_and_holds_nobody_up() -> None:
    async with http_bridge() as bridge, event_stream(bridge, "/v1/events?after=0") as stalled:
        async with event_stream(bridge, "/v1/events?after=0") as brisk:
            for part in range(60):  # 12 MB, more than sockets hold
                await bridge.add(100, pad=2000)
                got = await brisk.records(100)
                assert got[0] == part * 100 + 1
            held = [
                s.transport.get_write_buffer_size() for bucket in bridge.server._streams.hub._wheel
                for s in bucket
            ]  # fmt: skip
            assert max(held) < 300_000, "a slow reader must not grow memory"
            assert max(held) > 0, "the test did not stall anybody"
        assert await stalled.records(6000) == list(range(1, 6001))


async def test_a_reader_that_falls_off_the_journal_is_told() -> None:
    async with (
        http_bridge(records_max=200) as bridge,
        event_stream(bridge, "/v1/events?after=0") as stalled,
    ):
        for _ in range(100):
            await bridge.add(100, pad=2000)
            await asyncio.sleep(0)
        seen: list[int] = []
        resets, at = 0, 0  # `at`: every sequence up to here came, or a reset told of it
        while at < 10_000:
            (frame,) = await stalled.next()
            if frame.event == "bridge.reset":
                facts = json.loads(frame.data)
                assert (facts["reason"], facts["asked"]) == ("dropped", bridge.position(at))
                resets += 1
                at = int(facts["oldest"].partition("-")[2]) - 1
            else:
                seen.append(int(json.loads(frame.data)["sequence"]))
                assert seen[-1] == at + 1, "a hole without a word"
                at = seen[-1]
        assert resets >= 1
        assert seen[-200:] == list(range(9801, 10_001))


async def test_shutdown_spreads_those_who_come_back() -> None:
    async with http_bridge() as bridge:
        streams: list[EventStream] = []
        responses = [
            await bridge.session.get(
                bridge.url + "/v1/events", headers={"Accept": "text/event-stream"}
            )
            for _ in range(5)
        ]
        streams = [EventStream(response) for response in responses]
        await bridge.add(3)
        await bridge.server.drain(2)
        waits = []
        for stream in streams:
            body = await stream.response.content.read()
            frames = stream.decoder.feed(body)
            assert len(frames) == 3, "what was committed before the stop is handed out"
            waits.append(stream.decoder.retry_ms)
        assert len(set(waits)) == 5
        assert all(wait is not None and 1000 <= wait <= 5000 for wait in waits)
        assert bridge.sample(
            "subscriber_disconnects_total", transport="sse", reason="shutdown"
        ) == 5  # fmt: skip


async def test_a_stream_that_does_not_end_in_time_is_cut() -> None:
    async with http_bridge() as bridge, event_stream(bridge, "/v1/events?after=0"):
        await bridge.add(6000, pad=2000)
        await asyncio.sleep(0.05)
        await bridge.server.drain(0.05)
        await gone(bridge)


async def test_records_and_streams_are_counted() -> None:
    async with http_bridge() as bridge:
        await bridge.add(3)
        async with event_stream(bridge, "/v1/events?after=1") as stream:
            await stream.records(2)
            await bridge.add(2)
            await stream.records(2)
            assert bridge.sample("subscribers", transport="sse") == 1
            assert bridge.sample("deliveries_total", transport="sse") == 4
        await gone(bridge)
        assert bridge.sample("subscribers", transport="sse") == 0
        async with bridge.session.get(bridge.url + "/v1/events?after=2"):
            assert bridge.sample("deliveries_total", transport="page") == 3


async def test_a_client_that_keeps_talking_on_a_stream_is_cut() -> None:
    async with http_bridge() as bridge:
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        writer.write(request(bridge, "/v1/events").encode())
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b"retry")
            writer.write(b"x" * 100_000)
            await reader.read()
        await gone(bridge)
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("name", ["lastEventId", "Last-Event-ID"])
async def test_a_replacement_for_eventsource_resumes_by_parameter(name: str) -> None:
    """Where a script cannot send the header it repeats its first URL and adds the id; it got 400
    for ever.
    """
    async with http_bridge() as bridge:
        await bridge.add(5)
        query = {"after": "0", name: bridge.position(3), "_": "1764115200000"}
        headers = {"Accept": "text/event-stream"}
        url = bridge.url + "/v1/events"
        async with bridge.session.get(url, params=query, headers=headers) as response:
            assert response.status == 200
            frames = await EventStream(response).next(2)
        ids = [frame.id for frame in frames if frame.data]
        assert ids[0] == bridge.position(4)


async def test_the_header_wins_over_its_replacements() -> None:
    async with http_bridge() as bridge:
        await bridge.add(5)
        url = f"{bridge.url}/v1/events?lastEventId={bridge.position(1)}"
        async with bridge.session.get(url, headers={"Last-Event-ID": bridge.position(4)}) as answer:
            found = await answer.json()
        assert [int(record["sequence"]) for record in found["records"]] == [5]
