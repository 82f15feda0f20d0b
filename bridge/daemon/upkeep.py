"""The journal's retention, and the measurement of the event loop's lateness."""

from __future__ import annotations

import asyncio

from bridge.clock import Clock
from bridge.core.errors import JournalUnavailableError
from bridge.journal.port import OwnedJournal
from bridge.log import get_logger
from bridge.metrics import Metrics

# Size of the write-ahead log to report; an `export` holds some of it for a moment.
HELD_BYTES_TOLD = 16 * 1024 * 1024
RETAIN_S = 60.0  # between checks for records to drop
LOOP_LAG_S = 0.5  # length of the sleep whose lateness is measured

log = get_logger()


class Upkeep:
    """`retain` and `measure_loop` are tasks."""

    def __init__(
        self, journal: OwnedJournal, retention: tuple[float, int], metrics: Metrics, clock: Clock
    ) -> None:
        """`retention` is age in seconds and size in bytes; 0 is no limit. May change."""
        self.retention = retention
        self._journal = journal
        self._metrics = metrics
        self._clock = clock

    async def retain(self) -> None:
        """Drop records beyond the limits of `retention`, until cancelled."""
        while True:
            await asyncio.sleep(RETAIN_S)
            age_s, bytes_max = self.retention
            try:
                done = await self._journal.retain(
                    older_than_s=age_s or None,
                    bytes_max=bytes_max or None,
                    now_s=self._clock.wall(),
                )
                if done.held_bytes > HELD_BYTES_TOLD:
                    log.warning("journal.log_held", bytes=done.held_bytes)
            except JournalUnavailableError as error:
                log.warning("journal.retention_failed", reason=str(error))

    async def measure_loop(self) -> None:
        """See the function `measure_loop`."""
        await measure_loop(self._metrics, self._clock)

    def set_metrics(self) -> None:
        """Update the gauges; called before a scrape."""
        metrics, stats = self._metrics, self._journal.stats()
        if stats.records is not None:
            metrics.journal_records.set(stats.records)
        metrics.journal_bytes.set(stats.bytes + stats.wal_bytes)
        metrics.journal_head_sequence.set(self._journal.head)
        metrics.journal_writable.set(self._journal.trouble is None)


async def measure_loop(metrics: Metrics, clock: Clock) -> None:
    """Measure how late a sleep ends: that is how long other work blocked the event loop."""
    while True:
        started = clock.monotonic()
        await asyncio.sleep(LOOP_LAG_S)
        late_s = clock.monotonic() - started - LOOP_LAG_S
        metrics.event_loop_lag_seconds.observe(max(0.0, late_s))
