"""The process whose files the tailers read: a real journal, the product's own file output.

Usage: writer.py JSON, with the members of `Order`. It appends records at a steady pace until the
journal has `total`, then ends when all are in the file. SIGUSR1 reopens the file. On stdout: the
head of the journal after each commit, a line each.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import log
from bridge.clock import SystemClock
from bridge.journal.sqlite.journal import SqliteJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Keep, Layout
from tests.unit.outputs.sinks.lines_world import drafts

TURN_S = 0.01  # seconds between commits
LONG_EVERY = 400  # each so many records one that the output has to cut to `line_bytes`
LONG_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Order:
    """What to write where; `rate` in records a second, `size` in characters of message."""

    directory: str
    total: int
    naming: str = "numbered"
    rate: int = 2_000
    size: int = 300
    rotate_bytes: int | None = None
    compress: str = "none"
    keep_files: int | None = None

    def encode(self) -> str:
        return json.dumps(asdict(self))


async def append(journal: SqliteJournal, order: Order) -> None:
    started_s, started = time.monotonic(), journal.head
    while journal.head < order.total:
        due = started + int((time.monotonic() - started_s + TURN_S) * order.rate)
        count = min(due, order.total) - journal.head
        if count > 0:
            first = journal.head + 1
            made = drafts(first, count, size=order.size)
            made = [
                drafts(first + i, 1, size=LONG_CHARS)[0] if (first + i) % LONG_EVERY == 0 else draft
                for i, draft in enumerate(made)
            ]
            await journal.append(made)
            sys.stdout.write(f"{journal.head}\n")
            sys.stdout.flush()
        await asyncio.sleep(TURN_S)


async def main(order: Order) -> None:
    log.configure(lambda line: line, level="warning")
    directory = Path(order.directory)
    journal = await SqliteJournal.open(directory.parent / "journal.db")
    layout = Layout(
        directory / "events.ndjson",
        naming=order.naming,
        rotate_bytes=order.rotate_bytes,
        compress=order.compress,
        keep=Keep(files=order.keep_files),
    )
    sink = Delivery(
        "out", FileTarget(layout, SystemClock()), journal, metrics=Metrics(), clock=SystemClock()
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, sink.reopen)
    await sink.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sink.run())
        await append(journal, order)
        while sink.lag:
            await asyncio.sleep(TURN_S)
        running.cancel()
    await sink.close()
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Order(**json.loads(sys.argv[1]))))
