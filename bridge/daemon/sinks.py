"""The outputs in use: built from settings, run, and exchanged while the daemon runs.

An output's place in the journal is stored under its name (its path), so one that is closed and
built again with other settings goes on behind its last line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bridge.clock import Clock
from bridge.config import AnyOutput, NdjsonOutput
from bridge.config.outputs import STDOUT
from bridge.core.errors import ConfigError
from bridge.core.filter import Filter
from bridge.daemon.exchange import Exchange
from bridge.daemon.only_one import OnlyOne
from bridge.daemon.supervisor import Crew
from bridge.journal.port import Fence, Journal, OwnedJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.files.layout import Keep, Layout
from bridge.outputs.sinks.files.target import FileTarget
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.port import Target
from bridge.outputs.sinks.stdout import PipeTarget
from bridge.tasks import TaskGroup


class OutputRefusedError(ConfigError):
    """An output that cannot be opened; says which."""

    def __init__(self, output: AnyOutput, reason: str) -> None:
        super().__init__(reason)
        self.output = output


class Sinks:
    """All outputs. `run` is a task; `change` at any time; `close` at the end."""

    def __init__(
        self,
        journal: OwnedJournal,
        metrics: Metrics,
        clock: Clock,
        *,
        on_end: Callable[[], None],
        replica: str | None = None,
    ) -> None:
        """`replica` is this one's name, where several share the journal.

        `on_end` is called when an output ends by itself: only stdout does, when nobody reads."""
        self._journal = journal
        self._replica = replica
        self._metrics = metrics
        self._clock = clock
        self._on_end = on_end
        self._crew = Crew()
        self._sinks: dict[str, Delivery | OnlyOne] = {}
        self._exchange: Exchange[AnyOutput] = Exchange(self)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._crew.run()

    def reopen(self) -> None:
        """Look at every path again (SIGHUP, SIGUSR1)."""
        for sink in self._sinks.values():
            sink.reopen()

    async def change(self, outputs: Sequence[AnyOutput]) -> None:
        """Have these outputs from now on; one with the same settings is not touched.

        Nothing is written twice or left out: what is in the files says where each goes on.
        Raises OutputRefusedError when one cannot be opened; all are then as they were before.
        """
        await self._exchange.to({output.name: output for output in outputs})

    # Keeper

    def take_over(self, name: str, settings: AnyOutput) -> bool:
        """See `Keeper`: an output is opened anew for every change."""
        del name, settings
        return False

    async def begin(self, name: str, settings: AnyOutput, inherited: bytes) -> None:
        """See `Keeper`. What is in its file says where an output goes on."""
        del inherited
        sink = self._build(name, settings)
        try:
            await sink.open()
        except ConfigError as error:
            raise OutputRefusedError(settings, str(error)) from None
        self._sinks[name] = sink
        self._crew.add(f"sink {name}", partial(self._run, sink))

    def _build(self, name: str, output: AnyOutput) -> Delivery | OnlyOne:
        make = partial(build_sink, output, self._journal, self._metrics, self._clock)
        if output.where == "once":
            return OnlyOne(name, self._journal, make)
        return make(remembered_as=None if self._replica is None else f"{name}@{self._replica}")

    async def end(self, name: str) -> bytes:
        """See `Keeper`: what the journal has for it is written first, within its deadline."""
        await self._crew.remove(f"sink {name}")
        await self._sinks.pop(name).close()
        return b""

    def forget(self, name: str) -> None:
        """See `Keeper`."""
        self._metrics.remove_sink(name)

    async def _run(self, sink: Delivery | OnlyOne) -> None:
        await sink.run()
        self._on_end()

    async def close(self) -> None:
        """Write the last lines and checkpoints of all. After `run` was cancelled."""
        async with TaskGroup() as group:
            for name, sink in self._sinks.items():
                group.create_task(sink.close(), name=f"close {name}")

    def checks(self) -> dict[str, Mapping[str, Any]]:
        """The check of each for /healthz."""
        return {f"sink {name}": sink.status() for name, sink in self._sinks.items()}

    def set_metrics(self) -> None:
        """Bring the gauges up to date; called when somebody reads them."""
        for name, sink in self._sinks.items():
            self._metrics.sink_lag_records.labels(name).set(sink.lag)


def build_sink(
    output: AnyOutput,
    journal: Journal,
    metrics: Metrics,
    clock: Clock,
    fence: Fence | None = None,
    remembered_as: str | None = None,
) -> Delivery:
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
    return Delivery(
        output.name,
        target,
        journal,
        lines,
        metrics=metrics,
        clock=clock,
        fence=fence,
        remembered_as=remembered_as,
    )


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
