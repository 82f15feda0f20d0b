"""Who gets an answer on a loopback address without [auth], and how much of one."""

from __future__ import annotations

import asyncio
import json

import pytest

from bridge.core.errors import ConfigError
from bridge.core.filter import Filter
from bridge.outputs.http.access import Identity, LoopbackAccess
from bridge.outputs.http.connection import Connection
from bridge.outputs.http.limits import Limits, Seats, fit
from bridge.outputs.http.problems import ProblemError
from tests.http_bridge import RUN, WAIT_S, HttpBridge, event_stream, http_bridge, raw

ROUTES = ["/v1/events", "/v1/runs", f"/v1/runs/{RUN}", "/healthz", "/metrics", "/openapi.json", "/"]
WEBSOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def ask(bridge: HttpBridge, path: str, *lines: str, method: str = "GET") -> tuple[int, str]:
    """Send exactly these header lines; `{port}` is the server's own."""
    head = "".join(line.replace("{port}", str(bridge.port)) + "\r\n" for line in lines)
    answer = await raw(bridge, f"{method} {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n")
    start, _, body = answer.partition(b"\r\n\r\n")
    status = int(start.split()[1])
    return status, json.loads(body)["code"] if status >= 400 else ""


@pytest.mark.parametrize(
    "host",
    [
        "Host: evil.example",
        "Host: evil.example:{port}",  # DNS rebinding: the name is theirs, the address ours
        "Host: 127.0.0.1.evil.example:{port}",
        "Host: localhost.evil.example:{port}",
        "Host: 127.0.0.1:1",
        "Host: 127.0.0.1",
        "Host: 127.0.0.1:{port}@evil.example",
        "Host: evil.example@127.0.0.1:{port}",
        "Host: 0.0.0.0:{port}",
        "Host: ",
        "X-Forwarded-Host: 127.0.0.1:{port}",  # and no Host at all
    ],
)
async def test_another_hosts_name_gets_nothing(host: str) -> None:
    async with http_bridge() as bridge:
        for path in ROUTES:
            status, code = await ask(bridge, path, host)
            assert (status, code) in ((403, "foreign_host"), (400, "bad_request")), path


async def test_two_host_headers_get_nothing() -> None:
    async with http_bridge() as bridge:
        status, _ = await ask(bridge, "/v1/runs", "Host: 127.0.0.1:{port}", "Host: evil.example")
        assert status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_every_own_name_is_answered(host: str) -> None:
    async with http_bridge() as bridge:
        for path in ROUTES:
            assert await ask(bridge, path, f"Host: {host}:{{port}}") == (200, ""), path


@pytest.mark.parametrize(
    "line",
    [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1:1",  # another program of this host, another origin
        "Origin: http://127.0.0.1",
        "Origin: http://localhost:{port}",  # ours too, but not the Host of this request
        "Origin: http://127.0.0.1:{port}.evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
async def test_a_page_of_another_origin_gets_nothing(line: str) -> None:
    async with http_bridge() as bridge:
        host = "Host: 127.0.0.1:{port}"
        for path in ROUTES:
            assert await ask(bridge, path, host, line) == (403, "foreign_origin"), path
        for method in ("PUT", "DELETE"):
            status = await ask(bridge, f"/v1/runs/{RUN}", host, line, method=method)
            assert status == (403, "foreign_origin")
        assert RUN in bridge.runs.followed


async def test_cross_site_websocket_is_refused_before_the_handshake() -> None:
    async with http_bridge() as bridge:
        request = f"GET /v1/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{bridge.port}\r\n{WEBSOCKET}"
        evil = await raw(
            bridge, request + "Origin: http://evil.example\r\n\r\n", until=b"foreign_origin"
        )
        assert evil.startswith(b"HTTP/1.1 403 ")
        own = f"Origin: http://127.0.0.1:{bridge.port}\r\n\r\n"
        assert (await raw(bridge, request + own, until=b"\r\n")).startswith(b"HTTP/1.1 101 ")
        assert (await raw(bridge, request + "\r\n", until=b"\r\n")).startswith(b"HTTP/1.1 101 ")


async def test_the_own_page_and_a_visitor_who_follows_a_link_are_answered() -> None:
    async with http_bridge() as bridge:
        host = "Host: 127.0.0.1:{port}"
        own = "Origin: http://127.0.0.1:{port}"
        assert await ask(bridge, "/v1/runs", host, own, "Sec-Fetch-Site: same-origin") == (200, "")
        link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
        assert await ask(bridge, "/", host, *link) == (200, "")
        assert await ask(bridge, "/v1/events", host, *link) == (403, "foreign_origin")


@pytest.mark.parametrize(
    ("host", "is_open"),
    [
        ("127.0.0.1", False), ("127.9.9.9", False), ("::1", False), ("[::1]", False),
        ("localhost", False), ("0.0.0.0", True), ("::", True), ("", True), ("10.0.0.1", True),
        ("localhost.example", True), ("127.0.0.1.example", True),
    ],
)  # fmt: skip
def test_other_addresses_need_auth(host: str, is_open: bool) -> None:
    if not is_open:
        LoopbackAccess().check_listen(host)
        return
    with pytest.raises(ConfigError, match="tokens_file"):
        LoopbackAccess().check_listen(host)


async def test_a_server_without_auth_does_not_open_other_addresses() -> None:
    async with http_bridge() as bridge:
        await bridge.server.close()
        with pytest.raises(ConfigError, match="tokens_file"):
            await bridge.server.start("0.0.0.0", 0)


def test_an_identity_narrows_a_filter_and_never_widens_it() -> None:
    anyone = Identity("a")
    one = Identity("b", runs=frozenset({"r1", "r2"}), accounts=frozenset({"x"}))
    wish = Filter(ids=frozenset({"r2", "r3"}), types=("t",))
    assert anyone.narrow(wish) == wish
    assert one.narrow(Filter()) == Filter(ids=one.runs, accounts=one.accounts)
    assert one.narrow(wish) == Filter(frozenset({"r2"}), ("t",), frozenset({"x"}))
    assert one.narrow(Filter(ids=frozenset({"r3"}))) is None
    assert one.narrow(Filter(accounts=frozenset({"y"}))) is None
    assert one.may_see("x", "r1")
    assert not one.may_see("x", "r3")
    assert not one.may_see("y", "r1")


async def test_more_streams_than_seats_are_refused_and_a_seat_comes_back() -> None:
    async with http_bridge(limits=Limits(subscribers_max=2)) as bridge:
        async with event_stream(bridge), event_stream(bridge):
            async with bridge.session.get(
                bridge.url + "/v1/events", headers={"Accept": "text/event-stream"}
            ) as refused:
                assert refused.status == 503
                assert refused.headers["Retry-After"] == "30"
                assert (await refused.json(content_type=None))["code"] == "too_many_subscribers"
            async with bridge.session.get(bridge.url + "/v1/events?after=0") as page:
                assert page.status == 200
        async with asyncio.timeout(WAIT_S):
            while bridge.server.open_streams:
                await asyncio.sleep(0.005)
        async with event_stream(bridge):
            assert bridge.server.open_streams == 1


@pytest.mark.parametrize(
    ("files", "streams", "others"),
    [(1_000_000, 20_000, 2_000), (20_000, 17_744, 2_000), (1024, 576, 192), (64, 24, 8)],
)
def test_limits_fit_into_the_files_a_process_may_open(
    files: int, streams: int, others: int
) -> None:
    fitted = fit(Limits(), files)
    assert (fitted.subscribers_max, fitted.other_connections_max) == (streams, others)


def test_seats_are_counted_by_address_but_not_on_loopback() -> None:
    seats = Seats(Limits(subscribers_max=10, subscribers_per_address_max=2))
    for _ in range(2):
        seats.take("192.0.2.1")
    with pytest.raises(ProblemError) as caught:
        seats.take("192.0.2.1")
    assert caught.value.code == "too_many_from_address"
    seats.take("192.0.2.2")
    for address in ("127.0.0.1", "::1", "127.0.0.1", "127.0.0.1"):
        seats.take(address)
    seats.leave("192.0.2.1")
    seats.take("192.0.2.1")
    taken = ["192.0.2.1"] * 2 + ["192.0.2.2"] + ["127.0.0.1"] * 3 + ["::1"]
    for address in ("192.0.2.3", "192.0.2.3", "192.0.2.4"):
        seats.take(address)
        taken.append(address)
    with pytest.raises(ProblemError) as caught:
        seats.take("192.0.2.5")
    assert caught.value.code == "too_many_subscribers"
    for address in taken:
        seats.leave(address)
    assert not seats._taken._by_address, "an address that has left is forgotten"


@pytest.mark.parametrize("sent", [b"", b"GET /v1/ru", b"GET /v1/runs HTTP/1.1\r\nHost: x\r\nA"])
async def test_a_client_that_does_not_finish_its_request_is_cut(sent: bytes) -> None:
    async with http_bridge(limits=Limits(header_wait_s=0.1)) as bridge:
        assert await raw(bridge, sent) == b""


async def test_drip_fed_headers_do_not_buy_time() -> None:
    async with http_bridge(limits=Limits(header_wait_s=0.2)) as bridge:
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        writer.write(b"GET /v1/runs HTTP/1.1\r\n")
        async with asyncio.timeout(WAIT_S):
            while not reader.at_eof():
                writer.write(b"X-A: b\r\n")
                try:
                    async with asyncio.timeout(0.02):
                        assert await reader.read(1) == b""
                except TimeoutError:
                    continue
                except ConnectionResetError:  # closed while we wrote: the end as well
                    break
        writer.close()


async def test_a_patient_client_keeps_its_connection_between_requests() -> None:
    async with http_bridge(limits=Limits(header_wait_s=0.1)) as bridge:
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        request = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{bridge.port}\r\n\r\n".encode()
        for _ in range(2):
            writer.write(request)
            async with asyncio.timeout(WAIT_S):
                assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.2)
        writer.close()
        await writer.wait_closed()


async def test_too_many_connections_are_closed_at_once() -> None:
    async with http_bridge(limits=Limits(other_connections_max=3)) as bridge:
        opened = [await asyncio.open_connection(bridge.host, bridge.port) for _ in range(3)]
        assert await raw(bridge, "GET /livez HTTP/1.0\r\n\r\n") == b""
        for _, writer in opened:
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert b" 200 " in await raw(bridge, "GET /livez HTTP/1.0\r\n\r\n")


async def test_an_answer_that_waits_counts_whole_until_its_last_byte_is_taken() -> None:
    """The kernel may hold most of it; this process keeps all of it till then."""
    async with http_bridge() as bridge:
        await bridge.add(8, pad=1_000_000)
        reader, writer = await asyncio.open_connection(bridge.host, bridge.port)
        writer.write(
            f"GET /v1/events?after=0 HTTP/1.1\r\nHost: 127.0.0.1:{bridge.port}\r\n\r\n".encode()
        )
        crowd = bridge.server._open
        async with asyncio.timeout(WAIT_S):
            while not crowd._slow:
                await asyncio.sleep(0.01)
            (guest,) = crowd._slow
            assert isinstance(guest, Connection)
            assert guest._buffered_bytes() < 8_000_000 < guest.held_bytes()
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert guest.held_bytes() == size
            await reader.readexactly(size)
            assert not crowd._slow
        writer.close()
        await writer.wait_closed()
