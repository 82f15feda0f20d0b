"""NDJSON outputs: records/s into files and stdout, beside `cat` of the same bytes (0016-design.md).

    python -m bench.ndjson [--records 200000] [--rounds 3] [--directory DIR]

The records stand in an in-memory journal (the last row: in SQLite), so that reading them costs
little. Every way ends with the bytes forced to the disk. Best of the rounds, which take turns;
machine and load decide the numbers, the ratio to `cat` says more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # also as a script

from bridge import log
from bridge.clock import SystemClock
from bridge.core.event import Draft, Feed
from bridge.journal.memory import MemoryJournal
from bridge.journal.port import Journal
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.stdout import PipeTarget
from bridge.wire.cloudevents import Encoder

RUN = "3f0c1c52-6a3e-4f0e-9d3b-0d8f3c5b7a10"
TIME = "2026-08-03T15:00:33.104992Z"
PIECE = 64 * 1024
AIM = 150_000  # records/s written
EVERYTHING = LineSettings()


def make_drafts(count: int) -> list[Draft]:
    """Tool events of some 600 bytes, each with an id of its own."""
    feed = Feed("mogplex", "default", "run", RUN, f"/mogplex/default/runs/{RUN}")
    encoder = Encoder(source=feed.source, subject=RUN, account="default")
    type_ = "com.mogplex.run.event.tool_finished"
    made = []
    for i in range(count):
        id_ = f"0c1d7e88-93d4-4c0a-b6f2-{i:012x}"
        data = {
            "id": id_, "type": "tool_finished", "toolName": "shell", "message": "ran the tests",
            "payload": {"kind": "tool", "toolCallId": f"call_{i}", "state": "success"},
            "createdAt": TIME,
        }  # fmt: skip
        halves = encoder.encode(id_, type_, time=TIME, recorded=TIME, status="streaming", data=data)
        made.append(Draft(feed, id_, type_, *halves))
    return made


async def fill(journal: Journal, drafts: list[Draft]) -> None:
    for i in range(0, len(drafts), 1000):
        await journal.append(drafts[i : i + 1000])


async def to_files(journal: Journal, directory: Path, lines: LineSettings, layout: Layout) -> None:
    del directory
    clock = SystemClock()
    target = FileTarget(layout, clock)
    sink = Delivery("bench", target, journal, lines, metrics=Metrics(), clock=clock)
    await sink.open()
    await drain(sink)


async def drain(sink: Delivery) -> None:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sink.run())
        while sink.lag:  # noqa: ASYNC110 - an output has no event for "done": it never is
            await asyncio.sleep(0.002)
        task.cancel()
    await sink.close(60.0)


@contextmanager
def reader() -> Iterator[int]:
    """A pipe into `cat > /dev/null`."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        yield process.stdin.fileno()
        process.stdin.close()


async def to_stdout(journal: Journal) -> None:
    with reader() as fd:
        sink = Delivery("bench", PipeTarget(fd), journal, metrics=Metrics(), clock=SystemClock())
        await sink.open()
        await drain(sink)


def raw_pipe(data: bytes) -> None:
    with reader() as fd:
        for i in range(0, len(data), PIECE):
            os.write(fd, data[i : i + PIECE])


def raw_file(data: bytes, path: Path, piece: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for i in range(0, len(data), piece):
        os.write(fd, data[i : i + piece])
    os.fsync(fd)
    os.close(fd)


def cat_file(source: Path, path: Path) -> None:
    with path.open("wb") as target:
        subprocess.run(["cat", str(source)], stdout=target, check=True)
        os.fsync(target.fileno())


def line_by_line(lines: list[bytes], path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in lines:
        os.write(fd, line)
    os.fsync(fd)
    os.close(fd)


async def measure(records: int, rounds: int, directory: Path) -> None:
    drafts = make_drafts(records)
    lines = [d.head + b"%020d" % (i + 1) + d.tail + b"\n" for i, d in enumerate(drafts)]
    data = b"".join(lines)
    source = directory / "source"
    source.write_bytes(data)

    async def memory() -> MemoryJournal:
        journal = MemoryJournal(records_max=records + 1, bytes_max=1 << 40)
        await fill(journal, drafts)
        return journal

    async def ours(place: Path, *, lines: LineSettings = EVERYTHING, **settings: object) -> float:
        journal = await memory()  # a checkpoint in it would end the second round at once
        layout = Layout(place / "events.ndjson", **settings)  # type: ignore[arg-type]
        return await timed(to_files(journal, place, lines, layout))

    async def stdout(_: Path) -> float:
        return await timed(to_stdout(await memory()))

    async def sqlite(place: Path) -> float:
        journal = await SqliteJournal.open(place / "journal.db", synchronous="normal")
        await fill(journal, drafts)
        seconds = await timed(
            to_files(journal, place, LineSettings(), Layout(place / "events.ndjson"))
        )
        await journal.close()
        return seconds

    def plainly(work: Callable[[Path], None]) -> Callable[[Path], Awaitable[float]]:
        async def run(place: Path) -> float:
            start = time.perf_counter()
            work(place)
            return time.perf_counter() - start

        return run

    ways: dict[str, Callable[[Path], Awaitable[float]]] = {
        "cat": plainly(lambda p: cat_file(source, p / "x")),
        "os.write, 64 KiB": plainly(lambda p: raw_file(data, p / "x", PIECE)),
        "os.write, a line each": plainly(lambda p: line_by_line(lines, p / "x")),
        "files": ours,
        "files, 16 MiB segments": lambda p: ours(p, rotate_bytes=16 << 20),
        "files, 16 MiB, zstd": lambda p: ours(p, rotate_bytes=16 << 20, compress="zstd"),
        "files, fsync always": lambda p: ours(p, fsync="always"),
        "files, fsync never": lambda p: ours(p, fsync="never"),
        "files, upstream's format": lambda p: ours(p, lines=LineSettings(format="mogplex")),
        "files from SQLite": sqlite,
        "os.write, pipe to cat": plainly(lambda _: raw_pipe(data)),
        "stdout, pipe to cat": stdout,
    }
    best = dict.fromkeys(ways, float("inf"))
    for round_ in range(rounds):
        for number, (name, way) in enumerate(ways.items()):
            place = directory / f"{round_}-{number}"
            place.mkdir()
            best[name] = min(best[name], await way(place))
            for path in place.iterdir():
                path.unlink()
    print(f"{records} records of {len(data) // records} bytes, best of {rounds}")
    print(f"{'way':<26}{'records/s':>12}{'MB/s':>8}{'us/record':>11}{'x cat':>8}")
    for name, seconds in best.items():
        rate, megabytes = records / seconds, len(data) / seconds / 1e6
        share = best["cat"] / seconds
        print(f"{name:<26}{rate:>12,.0f}{megabytes:>8.0f}{1e6 / rate:>11.2f}{share:>8.2f}")
    for name in ("files", "files from SQLite"):
        rate = records / best[name]
        print(f"aim (0016-design.md): at least {AIM:,} records/s; {name}: {rate:,.0f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of this process, all records held three times: {peak} MiB")


async def timed(work: Awaitable[None]) -> float:
    start = time.perf_counter()
    await work
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="on the disk to be measured")
    arguments = parser.parse_args()
    log.configure(str, level="error")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        asyncio.run(measure(arguments.records, arguments.rounds, Path(name)))


if __name__ == "__main__":
    main()
