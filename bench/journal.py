"""How fast the embedded journal is, as ratios to bare SQLite measured in the same run.

    python -m bench.journal [--quick] [--directory DIR]

Bodies of 700 bytes, random UUIDs as ids. The variants of one row take turns, and a row shows
medians: wall-clock on a shared machine is noise, the ratio is what to look at. The floor of
appending is `executemany` into a table without dedupe index, dictionary or sequence in the body,
with the same durability; the floor of reading is `fetchall` of the same pages.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import shutil
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.core.event import Draft, feed_of
from bridge.journal.port import Retained
from bridge.journal.sqlite.file import Synchronous
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.journal.sqlite.reader import SqliteReader
from bridge.journal.wake_ups import Growth

BODY_BYTES = 700
FEEDS = [feed_of("mogplex", "default", "run", f"run{n}") for n in range(20)]
HEAD = b'{"specversion":"1.0","data":"' + b"h" * (BODY_BYTES // 2 - 50) + b'","sequence":"'
TAIL = b'","more":"' + b"t" * (BODY_BYTES - len(HEAD) - 20 - 12) + b'"}'
BATCHES = (1, 10, 100, 500)
ROWS: dict[str, tuple[Timed, Timed]] = {}  # what was printed: ours, the floor
RATIO_AIM, READ_AIM = 0.5, 300_000  # 0016-design.md
TYPE = "com.mogplex.run.event.message"


@dataclass
class Timed:
    per_s: float
    cpu_us: float  # process CPU per record


def make_batches(batch: int, count: int) -> list[list[Draft]]:
    """Each batch belongs to one run, as a page of a source does."""
    feeds = itertools.cycle(FEEDS)
    return [
        [Draft(feed, str(uuid.uuid4()), TYPE, HEAD, TAIL) for _ in range(batch)]
        for feed, _ in zip(feeds, range(count), strict=False)
    ]


def measured(records: int, begun: tuple[float, float]) -> Timed:
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return Timed(records / wall, cpu / records * 1e6)


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def append_floor(directory: Path, batches: list[list[Draft]], synchronous: Synchronous) -> Timed:
    """Rows are made beforehand: only SQLite is timed."""
    db = sqlite3.connect(directory / "floor.db", isolation_level=None)
    db.execute("PRAGMA page_size=8192")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={synchronous}")
    db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, feed, type, id, body)")
    seq = itertools.count(1)
    rows = [
        [(next(seq), 1, 1, d.id, b"%b%020d%b" % (d.head, 0, d.tail)) for d in batch]
        for batch in batches
    ]
    begun = now()
    for batch in rows:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO record VALUES (?,?,?,?,?)", batch)
        db.execute("COMMIT")
    result = measured(sum(map(len, rows)), begun)
    db.close()
    return result


async def append_ours(
    directory: Path, batches: list[list[Draft]], synchronous: Synchronous, producers: int = 1
) -> Timed:
    journal = await SqliteJournal.open(directory / "ours.db", synchronous=synchronous)
    waiting = iter(batches)

    async def produce() -> None:
        for batch in waiting:
            await journal.append(batch)

    begun = now()
    async with asyncio.TaskGroup() as group:
        for _ in range(producers):
            group.create_task(produce())
    result = measured(sum(map(len, batches)), begun)
    assert journal.head == sum(map(len, batches))
    await journal.close()
    return result


def read_floor(path: Path, total: int, page: int) -> Timed:
    db = sqlite3.connect(path)
    begun = now()
    after = got = 0
    while after < total:
        rows = db.execute(
            "SELECT seq, feed, type, id, body FROM record WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, page),
        ).fetchall()
        after, got = rows[-1][0], got + len(rows)
    result = measured(got, begun)
    db.close()
    return result


async def read_ours(path: Path, total: int, page: int) -> Timed:
    """From disk, as an export or a late subscriber reads."""
    reader = await SqliteReader.open(path)
    begun = now()
    after = got = 0
    while after < total:
        records, after = await reader.read(after, page)
        got += len(records)
    result = measured(got, begun)
    assert got == total
    await reader.close()
    return result


async def listener_latencies_ms(directory: Path, count: int, pause_s: float) -> list[float]:
    """From the call of `append` to the listener in the same process, synchronous=full."""
    journal = await SqliteJournal.open(directory / "tail.db")
    heard_s: list[float] = []
    journal.add_listener(lambda _: heard_s.append(time.perf_counter()))
    begun_s: list[float] = []
    for batch in make_batches(1, count):
        begun_s.append(time.perf_counter())
        await journal.append(batch)
        await asyncio.sleep(pause_s)
    await journal.close()
    return sorted((h - b) * 1000 for b, h in zip(begun_s, heard_s, strict=True))


async def retention_latencies_ms(
    directory: Path, records: int, pause_s: float
) -> tuple[list[float], list[float], float]:
    """Appends of ten records at an even pace: alone, then while retention drops `records` old ones
    and gives their pages back. Both sorted; and records dropped per second.
    """
    journal = await SqliteJournal.open(directory / "old.db")
    for batch in make_batches(500, records // 500):
        await journal.append(batch)
    dropping: asyncio.Task[Retained] | None = None
    times: tuple[list[float], list[float]] = ([], [])

    async def append_once(into: list[float]) -> None:
        (batch,) = make_batches(10, 1)
        begun = time.perf_counter()
        await journal.append(batch)
        into.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(pause_s)

    for _ in range(200):
        await append_once(times[0])
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        dropping = group.create_task(
            journal.retain(older_than_s=None, bytes_max=1 << 20, now_s=time.time())
        )
        while not dropping.done():
            await append_once(times[1])
    per_s = dropping.result().dropped / (time.perf_counter() - begun)
    await journal.close()
    return sorted(times[0]), sorted(times[1]), per_s


async def wake_us(waiters: int, rounds: int) -> float:
    """CPU per coroutine that waits for growth and is woken by an append."""
    growth = Growth(0)

    async def follow() -> None:
        seq = 0
        while seq < rounds:
            await growth.wait_above(seq)
            seq = growth.head

    async with asyncio.TaskGroup() as group:
        for _ in range(waiters):
            group.create_task(follow())
        await asyncio.sleep(0)
        begun = now()
        for number in range(1, rounds + 1):
            growth.announce(number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    return measured(waiters * rounds, begun).cpu_us


async def alternate(
    root: Path, rounds: int, variants: list[Callable[[Path], Awaitable[Timed]]]
) -> list[Timed]:
    """Run the variants in turn, each in an empty directory; the medians of each."""
    results: list[list[Timed]] = [[] for _ in variants]
    for _ in range(rounds):
        for variant, got in zip(variants, results, strict=True):
            directory = Path(tempfile.mkdtemp(dir=root))
            got.append(await variant(directory))
            shutil.rmtree(directory)
    return [
        Timed(statistics.median(r.per_s for r in got), statistics.median(r.cpu_us for r in got))
        for got in results
    ]


def row(name: str, ours: Timed, floor: Timed) -> None:
    ROWS[name] = (ours, floor)
    print(
        f"| {name} | {ours.per_s:,.0f} | {ours.cpu_us:.1f} | {floor.per_s:,.0f} |"
        f" {floor.cpu_us:.1f} | {ours.per_s / floor.per_s:.2f} | {ours.cpu_us / floor.cpu_us:.2f} |"
    )


async def append_rows(root: Path, rounds: int, scale: int) -> None:
    for synchronous in ("full", "normal"):
        for batch in BATCHES:
            batches = make_batches(batch, max(40, 400 * scale // max(1, batch // 10)))
            await append_row(root, rounds, batches, synchronous)
    for batch in (1, 10):
        await append_row(root, rounds, make_batches(batch, 2000 * scale), "full", producers=16)


async def append_row(
    root: Path,
    rounds: int,
    batches: list[list[Draft]],
    synchronous: Synchronous,
    producers: int = 1,
) -> None:
    async def floor(directory: Path) -> Timed:
        return append_floor(directory, batches, synchronous)

    async def ours(directory: Path) -> Timed:
        return await append_ours(directory, batches, synchronous, producers)

    measured_floor, measured_ours = await alternate(root, rounds, [floor, ours])
    name = f"{producers} producers" if producers > 1 else "batches"
    row(f"append, {synchronous}, {name} of {len(batches[0])}", measured_ours, measured_floor)


async def read_rows(root: Path, rounds: int, total: int) -> None:
    path = root / "read.db"
    journal = await SqliteJournal.open(path)
    for batch in make_batches(500, total // 500):
        await journal.append(batch)
    await journal.close()
    for page in (100, 500):

        async def floor(_: Path, page: int = page) -> Timed:
            return read_floor(path, total, page)

        async def ours(_: Path, page: int = page) -> Timed:
            return await read_ours(path, total, page)

        measured_floor, measured_ours = await alternate(root, rounds, [floor, ours])
        row(f"read from disk, pages of {page}", measured_ours, measured_floor)


async def main(root: Path, *, quick: bool) -> None:
    rounds, scale = (3, 1) if quick else (7, 3)
    print(f"SQLite {sqlite3.sqlite_version}, {rounds} rounds, bodies of {BODY_BYTES} bytes\n")
    print("| | ours, records/s | CPU µs | floor, records/s | CPU µs | ratio | CPU ratio |")
    print("|---|---|---|---|---|---|---|")
    await append_rows(root, rounds, scale)
    await read_rows(root, rounds, 20_000 * scale)
    print("\n| append to listener, same process, full | p50 ms | p99 ms | max ms |")
    print("|---|---|---|---|")
    for per_s in (100, 1000):
        directory = Path(tempfile.mkdtemp(dir=root))
        got = await listener_latencies_ms(directory, 300 * scale, 1 / per_s)
        p50, p99 = got[len(got) // 2], got[len(got) * 99 // 100]
        print(f"| about {per_s}/s | {p50:.2f} | {p99:.2f} | {got[-1]:.2f} |")
    print("\n| append of 10, full, about 500/s | p50 ms | p99 ms | max ms |")
    print("|---|---|---|---|")
    directory = Path(tempfile.mkdtemp(dir=root))
    alone, beside, dropped = await retention_latencies_ms(directory, 60_000 * scale, 0.002)
    for name, got in (("alone", alone), (f"while {dropped:,.0f} old records/s go", beside)):
        p50, p99 = got[len(got) // 2], got[len(got) * 99 // 100]
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {got[-1]:.2f} |")
    print("\n| waiters woken per growth | CPU µs per waiter |")
    print("|---|---|")
    for waiters in (100, 1000, 10_000):
        print(f"| {waiters:,} | {await wake_us(waiters, max(5, 20_000 // waiters)):.2f} |")
    print("\n| aim (0016-design.md) | here |")
    print("|---|---|")
    for batch in (100, 500):
        ours, floor = ROWS[f"append, full, batches of {batch}"]
        ratio = ours.per_s / floor.per_s
        print(f"| append, batches of {batch}: at least {RATIO_AIM} of the floor | {ratio:.2f} |")
    ours, _ = ROWS["read from disk, pages of 500"]
    print(f"| read: at least {READ_AIM:,} records/s | {ours.per_s:,.0f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a third of the work, fewer rounds")
    parser.add_argument("--directory", type=Path, default=None, help="on the disk to measure")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        asyncio.run(main(Path(made), quick=chosen.quick))
