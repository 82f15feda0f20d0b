"""Compression as clients see it: curl and the zstd tool against a real process."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import zstandard

from tests.e2e.attacked import RUN, Attacked, attacked, read_answer, read_until

pytestmark = pytest.mark.e2e

needs_tools = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("zstd")) and not os.environ.get("CI"),
    reason="asks with stock clients: apt-get install curl zstd",
)


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    with attacked(tmp_path_factory.mktemp("compression"), records=1000, pad=400) as found:
        yield found


def seqs(lines: bytes) -> list[int]:
    return [int(json.loads(line)["sequence"]) for line in lines.splitlines() if line.strip()]


def test_pages_in_the_coding_that_is_asked_for(bridge: Attacked) -> None:
    path = "/v1/events?after=0&limit=1000"
    plain = bridge.ask("GET", path)
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    for coding, unpack in (
        ("gzip", gzip.decompress),
        ("zstd", zstandard.ZstdDecompressor().decompress),
    ):
        packed = bridge.ask("GET", path, headers={"Accept-Encoding": coding})
        assert packed.headers["content-encoding"] == coding
        assert unpack(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 5
    for small in ("/livez", "/v1/runs", f"/v1/runs/{RUN}"):
        answer = bridge.ask("GET", small, headers={"Accept-Encoding": "gzip, zstd"})
        assert "content-encoding" not in answer.headers


def test_event_streams_and_websockets_are_never_compressed(bridge: Attacked) -> None:
    with closing(bridge.connect()) as opened:
        opened.sendall(
            f"GET /v1/events?after=0 HTTP/1.1\r\nHost: {bridge.host}\r\n"
            "Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n".encode()
        )
        assert b"content-encoding" not in read_until(opened, b"\r\n\r\n").lower()
        assert b"\ndata: {" in read_until(opened, b"-1\n\n")
    with closing(bridge.connect()) as opened:
        wish = "permessage-deflate; client_max_window_bits"
        opened.sendall(bridge.handshake(Sec_WebSocket_Extensions=wish))
        assert b"extensions" not in read_until(opened, b"\r\n\r\n").lower()


def test_gzip_alone_leaves_a_stream_as_it_is(bridge: Attacked) -> None:
    fields = {"Accept": "application/x-ndjson", "Accept-Encoding": "gzip"}
    with closing(bridge.connect()) as opened:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        opened.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {bridge.host}\r\n{lines}\r\n".encode())
        assert "content-encoding" not in read_answer(opened).headers


@needs_tools
def test_an_ndjson_stream_through_curl_and_through_the_zstd_tool(bridge: Attacked) -> None:
    """From the oldest record to the newest, live heartbeats included; nothing missing or twice."""
    url = f"http://{bridge.host}/v1/events?after=0"
    curl = ["curl", "-sS", "-N", "--max-time", "2", "-H", "Accept: application/x-ndjson"]
    unpacked = subprocess.run([*curl, "--compressed", url], capture_output=True, check=False)
    assert unpacked.returncode == 28, unpacked.stderr  # the time was up, and nothing else
    assert seqs(unpacked.stdout) == list(range(1, 1010))
    packed = subprocess.run(
        [*curl, "-H", "Accept-Encoding: zstd", url], capture_output=True, check=False
    )
    assert len(packed.stdout) < len(unpacked.stdout) / 5
    tool = subprocess.run(["zstd", "-dc"], input=packed.stdout, capture_output=True, check=False)
    assert (tool.returncode, tool.stdout) == (0, unpacked.stdout)


@needs_tools
def test_a_compressed_stream_ends_whole_when_the_bridge_stops(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with attacked(tmp_path_factory.mktemp("stops"), records=500) as bridge:
        command = ["curl", "-sS", "-N", "--compressed", "-H", "Accept: application/x-ndjson"]
        with subprocess.Popen(
            [*command, f"http://{bridge.host}/v1/events?after=0"], stdout=subprocess.PIPE
        ) as reader:
            time.sleep(1.0)
            bridge.process.terminate()
            assert reader.stdout is not None
            assert seqs(reader.stdout.read()) == list(range(1, 510))
            assert reader.wait() == 0


def test_compression_can_be_turned_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = "[server]\ncompress = false"
    with attacked(tmp_path_factory.mktemp("off"), config, records=500) as bridge:
        wish = {"Accept-Encoding": "gzip, zstd"}
        answer = bridge.ask("GET", "/v1/events?after=0&limit=500", headers=wish)
        assert "content-encoding" not in answer.headers
        wish["Accept"] = "application/x-ndjson"
        stream = bridge.ask("HEAD", "/v1/events", headers=wish)
        assert "content-encoding" not in stream.headers
