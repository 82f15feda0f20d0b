"""The outputs in use: built from settings, run, and exchanged while the daemon runs.

An output's place in the journal is stored under its name (its path), so one that is closed and
built again with other settings goes on behind its last line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bridge.clock import Clock
from bridge.config import NdjsonOutput
from bridge.core.errors import ConfigError
from bridge.core.filter import Filter
from bridge.daemon.supervisor import Crew
from bridge.journal.port import Journal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files.layout import Keep, Layout
from bridge.outputs.sinks.files.target import FileTarget
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.port import Target
from bridge.outputs.sinks.stdout import PipeTarget

log = structlog.get_logger()

STDOUT = "-"


class OutputRefusedError(ConfigError):
    """An output that cannot be opened; says which."""

    def __init__(self, output: NdjsonOutput, reason: str) -> None:
        super().__init__(reason)
        self.output = output


class Sinks:
    """All outputs. `open`, then `run` as a task; `change` at any time; `close` at the end."""

    def __init__(
        self,
        journal: Journal,
        metrics: Metrics,
        clock: Clock,
        *,
        on_end: Callable[[], None],
    ) -> None:
        """`on_end` is called when an output ends by itself: only stdout does, when nobody reads."""
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._on_end = on_end
        self._crew = Crew()
        self._sinks: dict[str, tuple[NdjsonOutput, Delivery]] = {}

    async def open(self, outputs: Sequence[NdjsonOutput]) -> None:
        """Find the place of each. Raises OutputRefusedError: the operator must act."""
        for output in outputs:
            await self._begin(output)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._crew.run()

    def reopen(self) -> None:
        """Look at every path again (SIGHUP, SIGUSR1)."""
        for _, sink in self._sinks.values():
            sink.reopen()

    async def change(self, outputs: Sequence[NdjsonOutput]) -> None:
        """Have these outputs from now on; one with the same settings is not touched.

        Nothing is written twice or left out: what is in the files says where each goes on.
        Raises OutputRefusedError when one cannot be opened; all are then as they were before.
        """
        wanted = {sink_name(output): output for output in outputs}
        # Ended before others begin: the same file may have got another name.
        ended = [held for name, (held, _) in self._sinks.items() if wanted.get(name) != held]
        for output in ended:
            await self._end(sink_name(output))
        begun: list[NdjsonOutput] = []
        try:
            for name, output in wanted.items():
                if name not in self._sinks:
                    await self._begin(output)
                    begun.append(output)
        except ConfigError:
            await self._restore(begun, ended)
            raise
        for output in ended:
            if sink_name(output) not in wanted:
                self._metrics.remove_sink(sink_name(output))

    async def _restore(self, begun: list[NdjsonOutput], ended: list[NdjsonOutput]) -> None:
        for output in begun:
            await self._end(sink_name(output))
        for output in ended:
            try:
                await self._begin(output)
            except ConfigError as error:  # it wrote a moment ago; the others must not go with it
                log.error("sink.not_restored", sink=sink_name(output), reason=str(error))
        kept = {sink_name(output) for output in ended} | set(self._sinks)
        for output in begun:
            if sink_name(output) not in kept:
                self._metrics.remove_sink(sink_name(output))

    async def _begin(self, output: NdjsonOutput) -> None:
        sink = build_sink(output, self._journal, self._metrics, self._clock)
        try:
            await sink.open()
        except ConfigError as error:
            if sink.name not in self._sinks:
                self._metrics.remove_sink(sink.name)
            raise OutputRefusedError(output, str(error)) from None
        self._sinks[sink.name] = output, sink
        self._crew.add(f"sink {sink.name}", partial(self._run, sink))

    async def _end(self, name: str) -> None:
        """Stop one; what the journal has for it is written first, within its deadline."""
        await self._crew.remove(f"sink {name}")
        _, sink = self._sinks[name]
        await sink.close()
        del self._sinks[name]

    async def _run(self, sink: Delivery) -> None:
        await sink.run()
        self._on_end()

    async def close(self) -> None:
        """Write the last lines and checkpoints of all. After `run` was cancelled."""
        async with asyncio.TaskGroup() as group:
            for _, sink in self._sinks.values():
                group.create_task(sink.close(), name=f"close {sink.name}")

    def checks(self) -> dict[str, Mapping[str, Any]]:
        """The check of each for /healthz."""
        return {f"sink {name}": sink.status() for name, (_, sink) in self._sinks.items()}

    def set_metrics(self) -> None:
        """Bring the gauges up to date; called when somebody reads them."""
        for name, (_, sink) in self._sinks.items():
            self._metrics.sink_lag_records.labels(name).set(sink.lag)


def sink_name(output: NdjsonOutput) -> str:
    return "stdout" if output.path == STDOUT else output.path


def build_sink(output: NdjsonOutput, journal: Journal, metrics: Metrics, clock: Clock) -> Delivery:
    lines = LineSettings(
        only=Filter(
            runs=frozenset(output.filter.runs),
            types=tuple(output.filter.types),
            accounts=frozenset(output.filter.accounts),
        ),
        format=output.format,
        bytes_max=output.line_bytes,
    )
    target = _target(output, clock)
    return Delivery(sink_name(output), target, journal, lines, metrics=metrics, clock=clock)


def _target(output: NdjsonOutput, clock: Clock) -> Target:
    if output.path == STDOUT:
        return PipeTarget()
    layout = Layout(
        Path(output.path).expanduser(),
        naming=output.naming,
        rotate_bytes=output.rotate.bytes,
        rotate_every_s=output.rotate.every,
        keep=Keep(files=output.keep.files, age_s=output.keep.age, bytes=output.keep.bytes),
        compress=output.compress,
        fsync=output.fsync,
    )
    return FileTarget(layout, clock)
