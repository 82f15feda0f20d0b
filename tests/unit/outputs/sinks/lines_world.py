"""What the tests of line outputs share: a clock set by hand, drafts, and a strict reader of files.

The reader of files knows nothing of the package: it is the oracle.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import zstandard

from bridge.core.event import Draft, Feed
from bridge.outputs.sinks.files.layout import Layout
from bridge.outputs.sinks.files.writer import FileWriter
from bridge.wire.cloudevents import Encoder

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
LOG = "com.mogplex.run.event.log"
TIME = "2026-08-03T15:00:33.104992Z"


class HandClock:
    """Both times, moved by the test."""

    def __init__(self) -> None:
        self.monotonic_s = 1000.0
        self.wall_s = 1_800_000_000.0

    def monotonic(self) -> float:
        return self.monotonic_s

    def wall(self) -> float:
        return self.wall_s

    def forward(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.wall_s += seconds


def feed(run_id: str = RUN, account: str = "default") -> Feed:
    return Feed("mogplex", account, "run", run_id, f"/mogplex/{account}/runs/{run_id}")


def drafts(first: int, count: int, *, run_id: str = RUN, size: int = 0) -> list[Draft]:
    """Drafts with the ids `e<first>`, `e<first+1>`, ...; `size` characters of message."""
    of = feed(run_id)
    encoder = Encoder(source=of.source, subject=of.id, account=of.account)
    made = []
    for i in range(first, first + count):
        data = {"id": f"e{i}", "type": "log", "message": "m" * size + str(i), "payload": {}}
        head, tail = encoder.encode(
            f"e{i}", LOG, time=TIME, recorded=TIME, status="streaming", data=data
        )
        made.append(Draft(of, f"e{i}", LOG, head, tail))
    return made


def output_files(directory: Path) -> list[Path]:
    """Files with a number in their name, oldest first."""
    found = [p for p in directory.iterdir() if re.search(r"^[^.].*\.\d{6,}", p.name)]
    return sorted(found, key=lambda p: int(re.search(r"\.(\d{6,})", p.name)[1]))


def content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


def records(paths: Sequence[Path]) -> list[dict]:
    """All records; fails on anything that is not a whole line of JSON."""
    found = []
    for path in paths:
        data = content(path)
        assert not data or data.endswith(b"\n"), f"{path.name}: torn {data[-80:]!r}"
        for line in data.splitlines():
            found.append(json.loads(line))
    return found


def sequences(paths: Sequence[Path]) -> list[int]:
    return [int(record["sequence"]) for record in records(paths)]


def lines(first: int, count: int, size: int = 0) -> list[bytes]:
    return [
        d.head + b"%020d" % (first + i) + d.tail + b"\n"
        for i, d in enumerate(drafts(first, count, size=size))
    ]


class World:
    """A writer in a directory, opened and closed by the test."""

    def __init__(self, directory: Path, **settings) -> None:
        self.directory = directory
        self.clock = HandClock()
        self.layout = Layout(directory / "events.ndjson", **settings)
        self.writer = FileWriter(self.layout, self.clock)

    def open(self, *, owned: bool = True, number_min: int = 0):
        return self.writer.open(owned=owned, number_min=number_min)

    def killed(self) -> None:
        """What a kill -9 leaves: descriptors are closed, nothing else happens."""
        self.writer.drop()
        self.writer = FileWriter(self.layout, self.clock)
