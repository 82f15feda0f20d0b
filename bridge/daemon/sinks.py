"""The outputs: built from settings, run, and replaced while the daemon runs.

The journal stores an output's position under its name (a file's is its path), so an output that
is closed and rebuilt with other settings continues behind its last line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bridge.clock import Clock
from bridge.core.errors import ConfigError
from bridge.core.filter import Filter
from bridge.daemon.exchange import Exchange
from bridge.daemon.only_one import OnlyOne
from bridge.daemon.supervisor import Crew
from bridge.journal.port import Fence, Journal, OwnedJournal
from bridge.metrics import Metrics
from bridge.outputs.sinks.delivery import Delivery
from bridge.outputs.sinks.lines import LineSettings
from bridge.outputs.sinks.settings import OutputSection
from bridge.tasks import TaskGroup


class OutputRefusedError(ConfigError):
    """An output that cannot be opened; `output` holds its settings."""

    def __init__(self, output: OutputSection, reason: str) -> None:
        super().__init__(reason)
        self.output = output


class Sinks:
    """All outputs. `run` is a task; call `change` at any time and `close` at the end."""

    def __init__(
        self,
        journal: OwnedJournal,
        metrics: Metrics,
        clock: Clock,
        *,
        on_end: Callable[[], None],
        replica: str | None = None,
    ) -> None:
        """Start without outputs; `change` adds them.

        Args:
            journal: The journal whose records the outputs write.
            metrics: The registry of this process.
            clock: The source of time.
            on_end: Called when an output ends by itself: only stdout does, when its reader has
                gone.
            replica: The name of this replica, where several share the journal.
        """
        self._journal = journal
        self._replica = replica
        self._metrics = metrics
        self._clock = clock
        self._on_end = on_end
        self._crew = Crew()
        self._sinks: dict[str, Delivery | OnlyOne] = {}
        self._exchange: Exchange[OutputSection] = Exchange(self)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._crew.run()

    def reopen(self) -> None:
        """Check every path again, after SIGHUP or SIGUSR1."""
        for sink in self._sinks.values():
            sink.reopen()

    async def change(self, outputs: Sequence[OutputSection]) -> None:
        """Make these outputs the ones in use; one with unchanged settings is not touched.

        No line is repeated or skipped: each output resumes from what its file holds.

        Raises:
            OutputRefusedError: An output cannot be opened; all outputs are as they were before.
        """
        await self._exchange.to({output.name: output for output in outputs})

    # Keeper

    def take_over(self, name: str, settings: OutputSection) -> bool:
        """See `Keeper`: every change reopens the output."""
        del name, settings
        return False

    async def begin(self, name: str, settings: OutputSection, inherited: bytes) -> None:
        """See `Keeper`. The output resumes from what its file holds."""
        del inherited
        sink = self._build(name, settings)
        try:
            await sink.open()
        except ConfigError as error:
            raise OutputRefusedError(settings, str(error)) from None
        self._sinks[name] = sink
        self._crew.add(f"sink {name}", partial(self._run, sink))

    def _build(self, name: str, output: OutputSection) -> Delivery | OnlyOne:
        make = partial(build_sink, output, self._journal, self._metrics, self._clock)
        if output.where == "once":
            return OnlyOne(name, self._journal, make)
        return make(remembered_as=None if self._replica is None else f"{name}@{self._replica}")

    async def end(self, name: str) -> bytes:
        """See `Keeper`. The output first writes the journal's records, within its deadline."""
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
        """Write the last lines and checkpoints. Call this after `run` was cancelled."""
        async with TaskGroup() as group:
            for name, sink in self._sinks.items():
                group.create_task(sink.close(), name=f"close {name}")

    def checks(self) -> dict[str, Mapping[str, Any]]:
        """The check of each output for /healthz."""
        return {f"sink {name}": sink.status() for name, sink in self._sinks.items()}

    def set_metrics(self) -> None:
        """Update the gauges; called before a scrape."""
        for name, sink in self._sinks.items():
            self._metrics.sink_lag_records.labels(name).set(sink.lag)


def build_sink(
    output: OutputSection,
    journal: Journal,
    metrics: Metrics,
    clock: Clock,
    fence: Fence | None = None,
    remembered_as: str | None = None,
) -> Delivery:
    """Build the delivery of one output; nothing is opened before it starts.

    Args:
        output: The output's settings.
        journal: The journal that is read and that stores the position.
        metrics: The registry of this process.
        clock: The source of time.
        fence: The fence for storing the position; None if the journal has one writer.
        remembered_as: The name of the position where replicas share the journal; None: the output's
            name.
    """
    lines = LineSettings(
        only=Filter(
            ids=frozenset(output.filter.runs),
            types=tuple(output.filter.types),
            accounts=frozenset(output.filter.accounts),
        ),
        format=output.format,
        bytes_max=output.line_bytes,
    )
    target = output.target(clock)
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
