"""A real bridge to attack: one process per module, its journal filled before, its upstream absent.

Tests talk to it over bare sockets, so that nothing well-behaved stands in between.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bridge.journal.sqlite.journal import SqliteJournal
from tests.e2e.processes import environment
from tests.journal_records import draft, feed

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"  # of the account default
SECOND = "5d1b9f4e-2c3a-4b8d-8e6f-7a9b0c1d2e3f"  # of the account second
KEPT = "9a2e4d10-77b1-4c55-9c0a-2d1f0b6b3f01"  # of default; followed no more, its records are kept
ABSENT = "b5c7a9d2-1f64-4a83-8a0f-51c7f0f2a6aa"
EVENT = "com.mogplex.run.event.log"
WITHIN_S = 10.0
START_S = 20.0

# name -> (token, what its entry says besides)
TOKENS: Mapping[str, tuple[str, str]] = {
    "read": ("read-token", ""),
    "admin": ("admin-token", 'scopes = ["admin"]'),
    "run": ("run-token", f'scopes = ["admin"]\nruns = ["{RUN}"]'),
    "account": ("account-token", 'scopes = ["admin"]\naccounts = ["second"]'),
    "expired": ("expired-token", 'scopes = ["admin"]\nexpires = 2020-01-01T00:00:00Z'),
}
REMOVED = "removed-token"


def token_entry(name: str, token: str, more: str = "") -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f'[[tokens]]\nname = "{name}"\nsha256 = "{digest}"\n{more}\n'


class Answer(NamedTuple):
    """One response, read to its end or to the end of the connection."""

    status: int
    headers: Mapping[str, str]  # names in lower case; of a repeated one the last
    body: bytes

    @property
    def code(self) -> str:
        """Of the problem document; "" when it is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        return str(self.json()["code"])

    def json(self) -> Any:
        return json.loads(self.body)


class Attacked:
    """A running bridge."""

    def __init__(
        self, directory: Path, process: subprocess.Popen[bytes], port: int, *, is_tls: bool
    ) -> None:
        self.directory = directory
        self.process = process
        self.port = port
        self.is_tls = is_tls

    @property
    def host(self) -> str:
        """What an honest client puts into the Host header."""
        return f"127.0.0.1:{self.port}"

    @property
    def tokens_file(self) -> Path:
        return self.directory / "tokens.toml"

    def connect(self, trust: ssl.SSLContext | None = None) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S)
        if trust is None:
            return opened
        return trust.wrap_socket(opened, server_hostname="localhost")

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        host: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request of a well-meaning client, except for what is given."""
        fields = {"Host": host or self.host, "Connection": "close", **(headers or {})}
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
        return self.send("\r\n".join([*lines, "", ""]).encode(), method=method)

    def send(self, request: bytes, *, method: str = "GET") -> Answer:
        """Send bytes; return the first answer to them."""
        with closing(self.connect()) as opened:
            opened.sendall(request)
            return read_answer(opened, method)

    @contextmanager
    def stream(
        self, path: str = "/v1/events", accept: str = "text/event-stream", **fields: str
    ) -> Iterator[socket.socket]:
        """An open stream, its head read; fields' underscores are hyphens."""
        more = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items())
        with closing(self.connect()) as opened:
            head = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept: {accept}\r\n{more}\r\n"
            opened.sendall(head.encode())
            answer = read_until(opened, b"\r\n\r\n")
            assert b" 200 " in answer.splitlines()[0], answer
            yield opened

    @contextmanager
    def websocket(self, path: str = "/v1/events", **fields: str) -> Iterator[socket.socket]:
        with closing(self.connect()) as opened:
            opened.sendall(self.handshake(path, **fields))
            head = read_until(opened, b"\r\n\r\n")
            assert b" 101 " in head.splitlines()[0], head
            yield opened

    def handshake(self, path: str = "/v1/events", **fields: str) -> bytes:
        more = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in fields.items())
        return (
            f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
        ).encode()

    def rss_bytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert match is not None
        return int(match[1]) * 1024

    def log(self) -> str:
        return (self.directory / "stderr").read_text()

    def is_alive(self) -> bool:
        return self.process.poll() is None and self.ask("GET", "/livez").status == 200


def read_answer(opened: socket.socket, method: str = "GET") -> Answer:
    head = read_until(opened, b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
    status = int(lines[0].split()[1])
    if method == "HEAD" or status in (101, 204, 304):
        return Answer(status, headers, b"")
    if "content-length" in headers:
        return Answer(status, headers, read_count(opened, int(headers["content-length"])))
    return Answer(status, headers, b"")  # a stream


def read_until(opened: socket.socket, mark: bytes) -> bytes:
    """Read byte by byte up to a mark; the rest stays unread. Fails at the end of the connection."""
    got = b""
    while not got.endswith(mark):
        byte = opened.recv(1)
        assert byte, f"the connection ended after {got!r}"
        got += byte
    return got


def read_count(opened: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        chunk = opened.recv(count - len(got))
        assert chunk, "the connection ended within a body"
        got += chunk
    return got


def read_to_end(opened: socket.socket, within_s: float = WITHIN_S) -> bytes:
    """Read until the server closes; fails when it has not in time."""
    ends_at = time.monotonic() + within_s
    got = b""
    while True:
        opened.settimeout(max(ends_at - time.monotonic(), 0.001))
        try:
            chunk = opened.recv(65536)
        except ConnectionResetError:
            return got
        if not chunk:
            return got
        got += chunk


def seconds_until_closed(opened: socket.socket, within_s: float = WITHIN_S) -> float:
    started_s = time.monotonic()
    read_to_end(opened, within_s)
    return time.monotonic() - started_s


async def _fill(path: Path, more: int, pad: int) -> None:
    journal = await SqliteJournal.open(path)
    try:
        await journal.append([draft(RUN, f"a{n}", EVENT) for n in range(3)])
        await journal.append([draft(feed(SECOND, "second"), f"b{n}", EVENT) for n in range(3)])
        await journal.append([draft(KEPT, f"c{n}", EVENT) for n in range(3)])
        for at in range(0, more, 500):
            await journal.append([draft(RUN, f"m{at + n}", EVENT, pad) for n in range(500)])
    finally:
        await journal.close()


@contextmanager
def attacked(
    directory: Path,
    config: str = "",
    *,
    with_auth: bool = False,
    is_tls: bool = False,
    records: int = 0,
    pad: int = 10,
) -> Iterator[Attacked]:
    """Start it; `records` more of about `pad` bytes each lie in its journal."""
    asyncio.run(_fill(directory / "journal.db", records, pad))
    (directory / "tokens.toml").write_text(
        "".join(token_entry(name, *entry) for name, entry in TOKENS.items())
    )
    lines = [f'journal = "sqlite:{directory / "journal.db"}"']
    if with_auth:
        config += f'\n[auth]\ntokens_file = "{directory / "tokens.toml"}"'
    for name in ("default", "second"):  # nobody listens on port 9
        config += f'\n[[accounts]]\nname = "{name}"\nbase_url = "http://127.0.0.1:9"\n'
        config += f'token_env = "{name.upper()}"'
    (directory / "bridge.toml").write_text("\n".join([*lines, config]) + "\n")
    env = environment(None, DEFAULT="mog_" + "d" * 24, SECOND="mog_" + "s" * 24)
    command = [sys.executable, "-m", "bridge", "serve", "--listen", "127.0.0.1:0", "--config"]
    with (directory / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [*command, str(directory / "bridge.toml")],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip
    try:
        yield Attacked(directory, process, _wait_for_port(directory, process), is_tls=is_tls)
    finally:
        process.kill()
        process.wait()


def _wait_for_port(directory: Path, process: subprocess.Popen[bytes]) -> int:
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at:
        text = (directory / "stderr").read_text()
        if match := re.search(r"listens on https?://127\.0\.0\.1:(\d+)", text):
            return int(match[1])
        assert process.poll() is None, text
        time.sleep(0.02)
    raise AssertionError(f"it does not listen: {text}")
