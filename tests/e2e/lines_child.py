"""The process that the kill tests kill: a real journal, a writer of events, one output.

Usage: lines_child.py DIRECTORY OUTPUT TOTAL, with OUTPUT numbered, fixed or stdout. It appends
events until the journal has TOTAL, copies them to the output and ends when all are there. On
stderr: one line "ready", then the head after each commit.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from bridge import log
from bridge.clock import SystemClock
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from bridge.outputs.sinks.stdout import PipeTarget
from tests.unit.outputs.sinks.lines_world import drafts


def output(kind: str, journal: SqliteJournal, directory: Path) -> Delivery:
    metrics, clock = Metrics(), SystemClock()
    if kind == "stdout":
        return Delivery("out", PipeTarget(), journal, metrics=metrics, clock=clock)
    layout = Layout(
        directory / "events.ndjson",
        naming=kind,
        rotate_bytes=60_000,
        compress="zstd" if kind == "numbered" else "none",
    )
    return Delivery("out", FileTarget(layout, clock), journal, metrics=metrics, clock=clock)


async def main(directory: Path, kind: str, total: int) -> None:
    log.configure(str, level="error")
    journal = await SqliteJournal.open(directory / "journal.db")
    sink = output(kind, journal, directory)
    await sink.open()
    sys.stderr.write("ready\n")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sink.run())
        while journal.head < total:
            count = min(random.randint(1, 300), total - journal.head)
            size = random.choice([0, 0, 200, 20_000])
            await journal.append(drafts(journal.head, count if size < 1000 else 3, size=size))
            sys.stderr.write(f"{journal.head}\n")
            sys.stderr.flush()
        while sink.lag:
            await asyncio.sleep(0.005)
        running.cancel()
    await sink.close()
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
