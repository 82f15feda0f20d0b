"""Malformed, endless and oversized requests, each by its name, over bare sockets."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from bridge.outputs.http.problems import COMMON_HEADERS
from tests.e2e.attacked import (
    RUN,
    Attacked,
    attacked,
    read_answer,
    read_to_end,
    read_until,
)

pytestmark = pytest.mark.e2e

HASTY = """
[limits]
header_wait = "1s"
answer_wait = "1s"
connections = 60
"""


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Impatient, and with a page of 8 MB to give."""
    with attacked(tmp_path_factory.mktemp("http"), HASTY, records=1000, pad=8000) as found:
        yield found
        assert found.is_alive(), found.log()
        assert "Traceback" not in found.log()
        assert "request_failed" not in found.log()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("guarded"), with_auth=True) as found:
        yield found
        assert "Traceback" not in found.log()


# Header injection through ids and filters

INJECTED = "%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0aHTTP/1.1%20200%20OK"


@pytest.mark.parametrize("name", ["after", "type", "run", "account", "tail", "limit", "ticket"])
@pytest.mark.parametrize(
    "text", [INJECTED, "%0aevent:%20evil%0adata:%20x%0a%0a", "%00", "%ed%a0%80"]
)
def test_header_injection_through_parameters(bridge: Attacked, name: str, text: str) -> None:
    for accept in ("application/json", "text/event-stream"):
        with closing(bridge.connect()) as opened:
            opened.sendall(
                f"GET /v1/events?{name}=1{text} HTTP/1.1\r\nHost: {bridge.host}\r\n"
                f"Accept: {accept}\r\nConnection: close\r\n\r\n".encode()
            )
            head = read_until(opened, b"\r\n\r\n")
            is_stream = b"text/event-stream" in head
            body = read_until(opened, b"\n\n") if is_stream else read_to_end(opened)
            if is_stream and name == "after":  # it is told that this is no position
                body += read_until(opened, b"\n\n")
                assert b"event: bridge.reset" in body
        lines = (head + body).lower().splitlines()
        assert not [line for line in lines if line.startswith((b"set-cookie", b"event: evil"))]
        assert len([line for line in lines if line.startswith(b"http/1.1")]) == 1
        assert not head.startswith(b"HTTP/1.1 5")


@pytest.mark.parametrize(
    "path", [f"/v1/runs/{INJECTED}", f"/v1/runs/{INJECTED}/events", f"/{INJECTED}"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_header_injection_through_paths(bridge: Attacked, path: str, method: str) -> None:
    answer = bridge.ask(method, path)
    assert answer.status in (400, 404, 405, 204)
    assert "set-cookie" not in answer.headers


def test_header_injection_through_last_event_id(bridge: Attacked) -> None:
    """What a header can carry without ending: a bare CR, other line ends, a field on two lines."""
    for value in (
        b"1\revent: evil",
        b"1\x0bevent: evil",
        b"1\xc2\x85event: evil",
        b"1\r\n event: evil",
    ):
        with closing(bridge.connect()) as opened:
            opened.sendall(
                f"GET /v1/events HTTP/1.1\r\nHost: {bridge.host}\r\nAccept: text/event-stream\r\n"
                "Last-Event-ID: ".encode()
                + value
                + b"\r\n\r\n"
            )
            head = read_until(opened, b"\r\n\r\n")
            if b" 200 " not in head.splitlines()[0]:
                assert b" 400 " in head.splitlines()[0]
                continue
            frame = read_until(opened, b"\n\n") + read_until(opened, b"\n\n")
        lines = frame.replace(b"\r", b"\n").split(b"\n")
        assert b"event: evil" not in lines
        assert b"event: bridge.reset" in lines


# Time


def test_slow_loris(bridge: Attacked) -> None:
    """Thirty connections that never finish their head: each is cut, and others are served."""
    begun = (b"", b"GET /v1/ru", f"GET /v1/runs HTTP/1.1\r\nHost: {bridge.host}\r\nX-A: ".encode())
    with ExitStack() as stack:
        held = [stack.enter_context(closing(bridge.connect())) for _ in range(30)]
        for n, opened in enumerate(held):
            opened.sendall(begun[n % 3])
        assert bridge.ask("GET", "/v1/runs").status == 200
        for _ in range(6):  # a byte now and then buys no time
            time.sleep(0.2)
            for opened in held:
                try:
                    opened.sendall(b"a")
                except OSError:
                    continue
        for opened in held:
            read_to_end(opened)


def test_slow_body(bridge: Attacked) -> None:
    """Nobody waits for a body: the answer comes at once, and soon the end."""
    for framing in ("Content-Length: 5000", "Transfer-Encoding: chunked"):
        with closing(bridge.connect()) as opened:
            opened.sendall(
                f"POST /v1/tickets HTTP/1.1\r\nHost: {bridge.host}\r\n{framing}\r\n\r\n".encode()
            )
            assert read_answer(opened).status == 201
            read_to_end(opened)


def test_idle_connections_are_closed_and_used_ones_are_not(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    config = '[limits]\nidle = "1s"'
    with attacked(tmp_path_factory.mktemp("idle"), config) as bridge:
        request = f"GET /livez HTTP/1.1\r\nHost: {bridge.host}\r\n\r\n".encode()
        with closing(bridge.connect()) as opened:
            for _ in range(3):
                opened.sendall(request)
                assert read_answer(opened).status == 200
                time.sleep(0.5)
            read_to_end(opened)


def test_a_reader_of_a_page_that_never_reads(bridge: Attacked) -> None:
    """The rest of its answer is dropped; memory does not stay with those who do not come."""
    size = len(bridge.ask("GET", "/v1/events?after=9&limit=1000").body)
    assert size > 7_000_000
    with ExitStack() as stack:
        held = []
        for _ in range(10):
            opened = stack.enter_context(closing(socket.socket()))
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.connect(("127.0.0.1", bridge.port))
            page = f"GET /v1/events?after=9&limit=1000 HTTP/1.1\r\nHost: {bridge.host}\r\n\r\n"
            opened.sendall(page.encode())
            held.append(opened)
        time.sleep(3.0)
        for opened in held:
            assert len(read_to_end(opened)) < size, "it was kept for somebody who did not come"
    slow = b""
    with closing(socket.socket()) as opened:  # slow, but it reads: it gets all of it, over seconds
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        opened.settimeout(5)
        opened.connect(("127.0.0.1", bridge.port))
        opened.sendall(page.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").encode())
        while chunk := opened.recv(100_000):
            slow += chunk
            time.sleep(0.04)
    assert len(slow) > size


# Size


def test_giant_heads(bridge: Attacked) -> None:
    host = f"Host: {bridge.host}\r\n"
    line = "GET /v1/events?type=" + "a" * 9000 + f" HTTP/1.1\r\n{host}\r\n"
    cookie = f"GET /v1/runs HTTP/1.1\r\n{host}Cookie: {'c' * 9000}\r\n\r\n"
    many = f"GET /v1/runs HTTP/1.1\r\n{host}" + "X-A: b\r\n" * 200 + "\r\n"
    name = f"GET /v1/runs HTTP/1.1\r\n{host}{'N' * 9000}: b\r\n\r\n"
    for request in (line, cookie, many, name):
        answer = bridge.send(request.encode())
        assert (answer.status, answer.code) == (400, "bad_request"), request[:60]
        for header, value in COMMON_HEADERS.items():
            assert answer.headers[header.lower()] == value
    for count in (5, 50):  # over header_bytes, and over what is read of anything
        fields = f"X-A: {'b' * 8000}\r\n" * count
        with closing(bridge.connect()) as opened:
            opened.sendall(f"GET /v1/runs HTTP/1.1\r\n{host}".encode())
            time.sleep(0.05)
            with suppress(OSError):  # it does not even take all of it
                opened.sendall(fields.encode())
            assert b" 431 " in read_to_end(opened).splitlines()[0]
    most = f"GET /v1/runs HTTP/1.1\r\n{host}" + f"X-A: {'b' * 7800}\r\n" * 4 + "\r\n"
    assert bridge.send(most.encode()).status == 200


def test_giant_filter_lists(bridge: Attacked) -> None:
    for query in (
        "&".join(f"run={n}" for n in range(101)),
        "&".join(f"type=t{n}" for n in range(33)),
        "&".join(f"account=a{n}" for n in range(33)),
        "type=" + "a" * 257,
        "run=",
        "type=!",
    ):
        for accept in ("text/event-stream", "application/json"):
            answer = bridge.ask("GET", f"/v1/events?{query}", headers={"Accept": accept})
            assert (answer.status, answer.code) == (400, "invalid_parameter"), query[:40]


def test_globs_that_backtrack(bridge: Attacked) -> None:
    for glob in ("*a" * 100 + "b", "*" * 200, "a*" * 120 + "!", "*?" * 120 + "x", "!" + "*m" * 120):
        query = "&".join([f"type={glob}"] * 30)
        assert bridge.ask("GET", f"/v1/events?after=0&{query}").status in (200, 400)


def test_decompression_bomb(bridge: Attacked) -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert len(bomb) < 60_000
    before = bridge.rss_bytes()
    for framing, body in (
        (f"Content-Length: {len(bomb)}", bomb),
        ("Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb)),
    ):
        head = (
            f"PUT /v1/runs/{RUN} HTTP/1.1\r\nHost: {bridge.host}\r\nContent-Encoding: gzip\r\n"
            f"Connection: close\r\n{framing}\r\n\r\n"
        )
        assert bridge.send(head.encode() + body).status in (200, 201)
    assert bridge.rss_bytes() - before < 20_000_000


def test_endless_bodies(bridge: Attacked) -> None:
    for framing in ("Content-Length: 1000000000", "Transfer-Encoding: chunked"):
        with closing(bridge.connect()) as opened:
            opened.sendall(
                f"PUT /v1/runs/{RUN} HTTP/1.1\r\nHost: {bridge.host}\r\n{framing}\r\n\r\n".encode()
            )
            sent = 0
            chunk = b"8000\r\n" + bytes(32768) + b"\r\n"
            with suppress(OSError):  # reset, or a broken pipe
                while sent < 100_000_000:
                    opened.sendall(chunk)
                    sent += len(chunk)
        assert sent < 60_000_000


# Shape

TRICKS = (
    "//v1/events", "/v1//events", "/v1/events/", "/v1/events//", "/./v1/events",
    "/v1/./events", "/v1/../v1/events", "/%2e%2e/v1/events", "/v1/%2e%2e/v1/events",
    "/v1/runs/..%2f..%2fevents", "/v1%2fevents", "/v1/events%2f", "/v1/events%00",
    "/v1/events%20", "/v1/events;a=b", "/V1/EVENTS", "/%76%31/events",
    "/v1/runs/%2e%2e/events", "/v1/runs//events", "/v1/runs/%2fevents", "/livez/../v1/events",
    "/livez/%2e%2e/v1/runs", "/page/%2e%2e/openapi.json", "/page/..%2fserver.py",
    "/page/%2e%2e%2f%2e%2e%2ftokens.py", "/page/....//tokens.py", "/page//etc/passwd",
    "/page/%00", "/page/page.css%00.py", "/page/C:%5cwindows", "/page/..%5c..%5cserver.py",
    "/..", "/%", "/%zz", "/v1/runs/%c0%af", "/v1/runs/" + "a" * 5000, "/v1/runs/%252e%252e",
    "/v1/events#/livez", "*",
)  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_path_tricks(guarded: Attacked, bridge: Attacked, path: str) -> None:
    """No other way of writing a path gets around the token, or to a file."""
    answer = guarded.ask("GET", path)
    assert answer.status in (400, 401, 403, 404), (path, answer)
    assert b"tokens_file" not in answer.body
    open_answer = bridge.ask("GET", path)
    assert open_answer.status in (200, 400, 403, 404), (path, open_answer)
    assert b"import " not in open_answer.body
    assert b"root:" not in open_answer.body


SMUGGLED = "GET /v1/runs HTTP/1.1\r\nHost: {host}\r\nX-Smuggled: 1\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4, 5",
        "Content-Length: -1",
        "Content-Length: +4",
        "Content-Length: 0x4",
        "Content-Length : 4",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        " Transfer-Encoding: chunked",
        "X: a\nTransfer-Encoding: chunked",
    ],
)
def test_request_smuggling(bridge: Attacked, framing: str) -> None:
    """Two readings of one request: it is refused, and nothing behind it is read as a request."""
    smuggled = SMUGGLED.format(host=bridge.host)
    request = (
        f"POST /v1/tickets HTTP/1.1\r\nHost: {bridge.host}\r\n{framing}\r\n\r\n0\r\n\r\n{smuggled}"
    )
    with closing(bridge.connect()) as opened:
        opened.sendall(request.encode())
        got = read_to_end(opened)
    assert b" 400 " in got.splitlines()[0], got
    assert got.count(b"HTTP/1.") == 1
    assert b'"runs"' not in got


@pytest.mark.parametrize(
    "body",
    [
        "ffffffffffffffffff\r\n",
        "-1\r\n",
        "5 \r\nabcde\r\n",
        "5;\x00\r\n",
        "3\r\nabcde\r\n0\r\n\r\n",
    ],
)
def test_broken_chunks_end_the_connection(bridge: Attacked, body: str) -> None:
    request = (
        f"POST /v1/tickets HTTP/1.1\r\nHost: {bridge.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"{body}{SMUGGLED.format(host=bridge.host)}"
    )
    with closing(bridge.connect()) as opened:
        opened.sendall(request.encode())
        got = read_to_end(opened)
    assert b'"runs"' not in got
    assert b" 500 " not in got


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/runs\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/runs HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"\x00" * 200,
        b"GET /v1/runs HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET /v1/runs HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET\t/v1/runs\tHTTP/1.1\r\nHost: a\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_not_http(bridge: Attacked, request_bytes: bytes) -> None:
    with closing(bridge.connect()) as opened:
        opened.sendall(request_bytes)
        got = read_to_end(opened)
    assert b" 200 " not in got.split(b"\r\n")[0]
    assert b" 500 " not in got.split(b"\r\n")[0]
    for header, value in COMMON_HEADERS.items():
        assert not got or f"{header}: {value}".encode() in got


def test_methods_that_are_not_there(bridge: Attacked) -> None:
    secret = {"X-Secret": "do-not-echo", "Cookie": "do-not-echo"}
    for method in ("TRACE", "TRACK", "PATCH", "PROPFIND", "POST", "BREW"):
        answer = bridge.ask(method, "/v1/events", headers=secret)
        assert answer.status in (400, 405), method
        assert b"do-not-echo" not in answer.body
    assert bridge.ask("CONNECT", "evil.example:443").status in (400, 403, 404, 405)
    assert bridge.ask("OPTIONS", "*").status in (200, 204, 400, 404)
    assert bridge.ask("OPTIONS", "/v1/events").headers["allow"] == "GET, HEAD, OPTIONS"
    for path in ("/v1/events?after=0", "/v1/runs", "/", "/livez"):
        whole, head = bridge.ask("GET", path), bridge.ask("HEAD", path)
        assert (head.status, head.body) == (whole.status, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
    stream = bridge.ask("HEAD", "/v1/events", headers={"Accept": "text/event-stream"})
    assert stream.headers["content-type"] == "text/event-stream"


def test_requests_behind_a_stream_are_not_answered(bridge: Attacked) -> None:
    with closing(bridge.connect()) as opened:
        opened.sendall(
            f"GET /v1/events HTTP/1.1\r\nHost: {bridge.host}\r\nAccept: text/event-stream\r\n\r\n"
            f"{SMUGGLED.format(host=bridge.host)}".encode()
        )
        read_until(opened, b"\n\n")
        opened.settimeout(0.3)
        got = b""
        try:
            while chunk := opened.recv(4096):
                got += chunk
        except TimeoutError:
            pass
    assert b"HTTP/1.1" not in got


def test_more_connections_than_there_is_room_for(bridge: Attacked) -> None:
    """Sixty fit; those over it are closed at once, and when they have gone all is as before."""
    with ExitStack() as stack:
        held = [stack.enter_context(closing(bridge.connect())) for _ in range(90)]
        time.sleep(0.3)
        closed = 0
        for opened in held:
            opened.setblocking(False)
            try:
                closed += opened.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                closed += 1
        assert 30 <= closed < 90
    time.sleep(0.2)
    assert bridge.ask("GET", "/v1/runs").status == 200
