"""What the tests of tailers share: the writing process, a place where lines arrive, programs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from tests.tailers.writer import Order

ROOT = Path(__file__).parents[2]
SETTLE_S = 15.0  # for the last lines to arrive after the writer has ended


def sequence_of(line: bytes) -> int:
    """The sequence of a whole line; anything else is an error."""
    return int(json.loads(line)["sequence"])


def missing_and_repeats(sequences: Sequence[int], total: int) -> tuple[int, int]:
    """How many of 1..total never came, and how many came again."""
    known = set(sequences)
    return len(set(range(1, total + 1)) - known), len(sequences) - len(known)


def verified(logs: Path) -> str:
    """What `mogplex-bridge verify` says of the files when nothing is wrong."""
    code, said = verify(logs)
    assert code == 0, said
    return said


def verify(logs: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "bridge", "verify", *map(str, sorted(logs.iterdir()))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return result.returncode, result.stdout + result.stderr


class Reader(Protocol):
    """Something that has read lines."""

    name: str

    def lines(self) -> list[bytes]: ...


def expect_each_once(reader: Reader, total: int) -> None:
    """The order after a pause is up to the tailer, which has many files to read by then."""
    until(lambda: len(reader.lines()) >= total)
    time.sleep(0.2)  # a repeat would come after the last
    sequences = [sequence_of(line) for line in reader.lines()]
    assert missing_and_repeats(sequences, total) == (0, 0), reader.name


class Writer:
    """A process that writes files; `kill` it, start it again with `start`. Killed at the end."""

    def __init__(self, order: Order) -> None:
        self.order = order
        Path(order.directory).mkdir(exist_ok=True)
        self.start()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._process.returncode is None:
            self.kill()

    def start(self) -> None:
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-m", "tests.tailers.writer", self.order.encode()],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        line = self._process.stdout.readline()
        assert line or self.order.total == 0, self._process.stderr.read().decode()
        self._heads = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._heads.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def finish(self, within_s: float = 40.0) -> None:
        code = self._process.wait(within_s)
        errors = self._end()
        assert code == 0, errors[-2000:]

    def _end(self) -> str:
        self._process.wait()
        self._heads.join()
        errors = self._process.stderr.read().decode()
        self._process.stdout.close()
        self._process.stderr.close()
        return errors


class Arrivals:
    """A TCP port that takes lines from any number of connections, in the order they come."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._stopping = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            if self._stopping:
                connection.close()
                return
            thread = threading.Thread(target=self._read, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _read(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            for line in stream:
                self.lines.append(line)

    def sequences(self) -> list[int]:
        return [sequence_of(line) for line in list(self.lines)]

    def close(self) -> None:
        self._stopping = True
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join()
        self._server.close()


class LokiPort:
    """A port that takes Loki's push requests: `lines` as they come, `streams` the label sets."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.streams: set[tuple[tuple[str, str], ...]] = set()
        self.times: list[int] = []  # nanoseconds since 1970, one a line
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.take(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, body: dict[str, Any]) -> None:
        for stream in body["streams"]:
            self.streams.add(tuple(sorted(stream["stream"].items())))
            for value in stream["values"]:
                self.times.append(int(value[0]))
                self.lines.append(value[1].encode())

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def until(condition: Callable[[], bool], within_s: float = SETTLE_S) -> bool:
    """Wait for a condition; whether it came true."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> str:
    """End a program that was started with its output in pipes; returns what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return ((out or b"") + (err or b"")).decode(errors="replace")
