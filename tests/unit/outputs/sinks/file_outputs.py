"""File outputs of one directory for tests, and ways to run, kill and wait for them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.clock import SystemClock
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files import FileTarget, Layout
from bridge.outputs.sinks.lines import LineSettings


class Outputs:
    """Makes sinks in one directory and lets go of all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.metrics = Metrics()
        self._made: list[Delivery] = []

    async def open(
        self, journal, *, name="out", file="events.ndjson", lines=None, intervals=None, **layout
    ):
        clock = SystemClock()
        target = FileTarget(
            Layout(self.directory / file, **layout), clock, intervals=intervals, clean_s=0.02
        )
        sink = Delivery(
            name, target, journal, lines or LineSettings(), metrics=self.metrics, clock=clock
        )
        self._made.append(sink)
        await sink.open()
        return sink

    def kill(self, sink: Delivery) -> None:
        """What kill -9 leaves: nothing is flushed, cut or remembered."""
        target = sink.target
        target._thread.shutdown(wait=True)
        target._cleaner.shutdown(wait=True)
        target._file.drop()
        target._is_closed = sink._is_closed = True

    def metric(self, name: str, **labels) -> float:
        return self.metrics.registry.get_sample_value(f"mogplex_bridge_{name}", labels)

    def kill_all(self) -> None:
        for sink in self._made:
            self.kill(sink)


@asynccontextmanager
async def running(*sinks):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sink.run()) for sink in sinks]
        yield tasks
        for task in tasks:
            task.cancel()


async def until(condition, within_s=5.0):
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


async def copy_all(sink):
    while await sink._copy_once():
        pass
