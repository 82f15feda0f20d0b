"""What clients can do with streams: flood, hoard, stall, stay after their token is gone."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from tests.e2e.attacked import (
    TOKENS,
    Attacked,
    attacked,
    read_answer,
    read_to_end,
    read_until,
    seconds_until_closed,
    token_entry,
)

pytestmark = pytest.mark.e2e

READ, ADMIN = TOKENS["read"][0], TOKENS["admin"][0]
TEXT, CONTINUATION, CLOSE, PING = 1, 0, 8, 9
NARROW = """
[server]
trusted_proxies = ["127.0.0.1"]
[limits]
subscribers = 12
subscribers_per_address = 5
"""


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """With 16 MB of records to hand out."""
    with attacked(tmp_path_factory.mktemp("streams"), records=2000, pad=8000) as found:
        yield found
        assert found.is_alive(), found.log()
        assert "Traceback" not in found.log()


def masked(opcode: int, payload: bytes = b"", *, is_final: bool = True) -> bytes:
    size = len(payload)
    first = (0x80 if is_final else 0) | opcode
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65536:
        head = bytes([first, 0xFE]) + size.to_bytes(2)
    else:
        head = bytes([first, 0xFF]) + size.to_bytes(8)
    return head + b"\0\0\0\0" + payload


def closed_with(got: bytes) -> int:
    """The code of the close frame at the end of what a server sent."""
    match = re.search(rb"\x88[\x02-\x7d]([\x03][\xe8-\xff])[^\x88]*$", got, re.DOTALL)
    assert match is not None, got[-200:]
    return int.from_bytes(match[1])


def send_all(opened: socket.socket, data: bytes) -> bytes:
    """Send although it may be cut meanwhile; return what came until the end."""
    with suppress(OSError):
        opened.sendall(data)
    try:
        return read_to_end(opened)
    except TimeoutError:
        raise AssertionError("it was not cut") from None


@pytest.mark.parametrize(
    "frames",
    [
        masked(PING) * 20_000,
        masked(PING, b"p" * 125) * 2_000,
        masked(TEXT, b"x") * 20_000,
        masked(TEXT, b"x", is_final=False) + masked(CONTINUATION, b"x", is_final=False) * 20_000,
        masked(TEXT, b"x" * 60_000) * 10,
    ],
    ids=["pings", "full pings", "messages", "fragments", "bytes"],
)
def test_websocket_flood(bridge: Attacked, frames: bytes) -> None:
    with bridge.websocket() as opened:
        got = send_all(opened, frames)
    assert not got or closed_with(got) == 1008


def test_websocket_flood_leaves_the_others_alone(bridge: Attacked) -> None:
    flood = masked(PING) * 10_000
    slowest = 0.0
    for _ in range(5):
        with bridge.websocket() as opened:
            opened.sendall(flood[:1200])
            opened.sendall(flood)
            started_s = time.monotonic()
            assert bridge.ask("GET", "/livez").status == 200
            slowest = max(slowest, time.monotonic() - started_s)
    assert slowest < 1.0


@pytest.mark.parametrize("size", [65_537, 2**31, 2**62, 2**63, 2**64 - 1])
def test_huge_frames(bridge: Attacked, size: int) -> None:
    """The length alone is enough: nothing of it is waited for."""
    with bridge.websocket() as opened:
        opened.sendall(bytes([0x82, 0xFF]) + size.to_bytes(8) + b"\0\0\0\0")
        assert closed_with(read_to_end(opened)) == 1009


@pytest.mark.parametrize(
    "frame",
    [
        b"\x89\xfe\x00\x7e\0\0\0\0",  # a ping longer than a control frame may be
        b"\x09\x80\0\0\0\0",  # a ping in pieces
        b"\x81\x01x",  # not masked
        b"\xf1\x80\0\0\0\0",  # reserved bits
        b"\x83\x80\0\0\0\0",  # an opcode that is not there
    ],
)
def test_frames_against_the_protocol(bridge: Attacked, frame: bytes) -> None:
    with bridge.websocket() as opened:
        opened.sendall(frame)
        assert closed_with(read_to_end(opened)) == 1002


def test_a_close_is_answered_and_ends_it(bridge: Attacked) -> None:
    with bridge.websocket() as opened:
        opened.sendall(masked(CLOSE, struct.pack("!H", 1000)))
        assert closed_with(read_to_end(opened)) == 1000


def test_a_client_that_talks_on_an_event_stream_is_cut(bridge: Attacked) -> None:
    with bridge.stream() as opened:
        send_all(opened, b"x" * 2_000_000)


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson", "websocket"])
def test_a_reader_that_never_reads(bridge: Attacked, accept: str) -> None:
    """Twenty that want 16 MB each and take nothing; 320 MB would show.

    Each begins at another record, so that no two could share what is held for them.
    """
    before = bridge.rss_bytes()
    with ExitStack() as stack:
        for n in range(20):
            opened = stack.enter_context(closing(socket.socket()))
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            opened.connect(("127.0.0.1", bridge.port))
            if accept == "websocket":
                opened.sendall(bridge.handshake(f"/v1/events?after={n}"))
            else:
                opened.sendall(
                    f"GET /v1/events?after={n} HTTP/1.1\r\nHost: {bridge.host}\r\n"
                    f"Accept: {accept}\r\n\r\n".encode()
                )
        time.sleep(1.0)
        with bridge.stream("/v1/events?after=0") as reader:
            got = 0
            while got < 8_000_000:
                got += len(reader.recv(1 << 20))
        assert bridge.rss_bytes() - before < 40_000_000


def test_subscriber_exhaustion_by_one_client(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Five for each address, twelve in all; who is refused is told, and seats come back."""
    with attacked(tmp_path_factory.mktemp("narrow"), NARROW) as bridge:

        def fields(address: str) -> dict[str, str]:
            return {"X_Forwarded_For": address}

        def refused(address: str) -> str:
            sent = {"X-Forwarded-For": address, "Accept": "text/event-stream"}
            return bridge.ask("GET", "/v1/events", headers=sent).code

        with ExitStack() as stack:
            for n in range(5):  # what a client writes before its real address counts for nothing
                spoofed = f"198.51.100.{n}, 203.0.113.9"
                stack.enter_context(bridge.stream(**fields(spoofed)))
            assert refused("198.51.100.77, 203.0.113.9") == "too_many_from_address"
            assert refused("203.0.113.9, 127.0.0.1") == "too_many_from_address"
            handshake = bridge.handshake(**fields("203.0.113.9"))
            assert bridge.send(handshake).code == "too_many_from_address"
            for _ in range(5):
                stack.enter_context(bridge.websocket(**fields("203.0.113.10")))
            for _ in range(2):
                stack.enter_context(bridge.stream(**fields("2001:db8::1")))
            assert refused("203.0.113.11") == "too_many_subscribers"
            assert bridge.ask("GET", "/v1/events?after=0").status == 200, "pages need no seat"
        time.sleep(0.3)
        with bridge.stream(**fields("203.0.113.9")):
            pass


def test_a_forwarded_address_is_not_believed_unless_a_proxy_is_trusted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Here all come from this host, which no limit by address holds; a header changes nothing."""
    config = "[limits]\nsubscribers_per_address = 2"
    with attacked(tmp_path_factory.mktemp("untrusted"), config) as bridge, ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(bridge.stream(X_Forwarded_For="203.0.113.9"))


def test_a_token_that_is_taken_away_ends_its_streams(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with attacked(tmp_path_factory.mktemp("revoked"), with_auth=True) as bridge:
        mine = {"Authorization": f"Bearer {READ}"}
        ticket = bridge.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
        unused = bridge.ask("POST", "/v1/tickets", token=READ).json()["ticket"]
        with ExitStack() as stack:
            lost = [
                stack.enter_context(bridge.stream(**mine)),
                stack.enter_context(bridge.stream(accept="application/x-ndjson", **mine)),
                stack.enter_context(bridge.websocket(**mine)),
                stack.enter_context(bridge.stream(f"/v1/events?ticket={ticket}")),
            ]
            stays = stack.enter_context(bridge.stream(Authorization=f"Bearer {ADMIN}"))
            bridge.tokens_file.write_text("[[tokens]]\nname = 'half wri")  # as an editor may
            time.sleep(2.5)
            assert bridge.ask("GET", "/v1/runs", token=READ).status == 200
            fresh = bridge.directory / "tokens.new"
            fresh.write_text(token_entry("admin", *TOKENS["admin"]))
            os.replace(fresh, bridge.tokens_file)
            for opened in lost:
                assert seconds_until_closed(opened, 6.0) < 5.0
            assert bridge.ask("GET", "/v1/runs", token=READ).status == 401
            assert bridge.ask("GET", f"/v1/events?ticket={unused}").status == 401
            read_until(stays, b"\n\n\r\n")
            stays.settimeout(0.2)
            with suppress(TimeoutError):
                while chunk := stays.recv(64):
                    assert chunk == b"3\r\n:\n\n\r\n", "a sign of life, and no end"
                pytest.fail("it was ended")
        assert "auth.tokens_refused" in bridge.log()


def test_a_token_that_runs_out_ends_its_streams(tmp_path_factory: pytest.TempPathFactory) -> None:
    with attacked(tmp_path_factory.mktemp("runs-out"), with_auth=True) as bridge:
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
        text = bridge.tokens_file.read_text() + token_entry("brief", "brief", f"expires = {ends}")
        bridge.tokens_file.write_text(text)
        deadline_s = time.monotonic() + 8
        while bridge.ask("GET", "/v1/runs", token="brief").status != 200:
            assert time.monotonic() < deadline_s, "the file was not read again"
            time.sleep(0.1)
        with bridge.stream(Authorization="Bearer brief") as opened:
            assert seconds_until_closed(opened, 20.0) > 0
        assert bridge.ask("GET", "/v1/runs", token="brief").status == 401


def test_a_stop_under_open_streams_is_orderly_and_spread(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Each is told another time to come back, over 4 s; WebSockets are closed with 1001."""
    with attacked(tmp_path_factory.mktemp("stop")) as bridge, ExitStack() as stack:
        streams = [stack.enter_context(bridge.stream()) for _ in range(40)]
        socket_ = stack.enter_context(bridge.websocket())
        bridge.process.terminate()
        waits = []
        for opened in streams:
            got = read_to_end(opened)
            assert got.endswith(b"0\r\n\r\n"), "an end, and not a cut"
            waits.append(int(re.findall(rb"retry: (\d+)", got)[-1]))
        assert closed_with(read_to_end(socket_)) == 1001
        assert len(set(waits)) == 40
        assert max(waits) - min(waits) > 3500
        assert bridge.process.wait(10) == 0


def test_answers_are_read_back(bridge: Attacked) -> None:
    """The reading of this file's own frames is right: an answered ping is no close."""
    with bridge.websocket() as opened:
        opened.sendall(masked(PING, b"abc"))
        assert read_until(opened, b"abc") == b"\x8a\x03abc"
    with closing(bridge.connect()) as opened:
        opened.sendall(f"GET /livez HTTP/1.1\r\nHost: {bridge.host}\r\n\r\n".encode())
        assert read_answer(opened).body == b"ok\n"
