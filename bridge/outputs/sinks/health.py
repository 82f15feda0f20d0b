"""How one output fails and recovers: reasons, waits, log lines and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.clock import Clock
from bridge.core.backoff import Backoff
from bridge.core.counted import counted
from bridge.core.errors import JournalUnavailableError
from bridge.log import Repeated, get_logger
from bridge.metrics import OTHER, Metrics
from bridge.outputs.sinks.lines import Batch
from bridge.outputs.sinks.port import TargetError

_log = get_logger()

BACKOFF_BASE_S = 0.25  # the bridge's own retention may free a full disk at once
BACKOFF_CAP_S = 5.0  # one small write per 5 s costs little and recovers soon enough


class SinkHealth:
    """Counts the failures of one output, sets the wait, and logs."""

    def __init__(
        self, sink: str, place: str, reasons: Sequence[str], metrics: Metrics, clock: Clock
    ) -> None:
        """`reasons`: the closed set of failure reasons of the target."""
        metrics.add_sink(sink, reasons)
        self._sink, self._place, self._clock = sink, place, clock
        self._errors = metrics.sink_errors_total
        self._blocked = metrics.sink_blocked.labels(sink)
        self._records = metrics.sink_records_total.labels(sink)
        self._truncated = metrics.sink_truncated_records_total.labels(sink)
        self._missed = metrics.sink_missed_records_total
        self._lag = metrics.sink_lag_records.labels(sink)
        self._repeated = Repeated()
        self._backoff = Backoff(base_s=BACKOFF_BASE_S, cap_s=BACKOFF_CAP_S)
        self.last_error: str | None = None  # of the current failure; None while writing

    def failed(self, error: TargetError | JournalUnavailableError) -> float:
        """Note a failure; return the seconds to wait before the next attempt."""
        reason = error.reason if isinstance(error, TargetError) else OTHER
        self.last_error = str(error)
        self._errors.labels(self._sink, reason).inc()
        self._blocked.set(1)
        failures = self._repeated.failed(self._clock.monotonic())
        if failures is not None:
            _log.warning(
                "sink.blocked", sink=self._sink, place=self._place, reason=reason,
                error=self.last_error, failures=failures,
            )  # fmt: skip
        # A single writer needs no jitter.
        return self._backoff.after_failure(jitter=0.0)

    def abandoned(self, error: TargetError) -> None:
        """Note that the reader has gone for good: no error, and no further attempt."""
        self.last_error = str(error)
        self._errors.labels(self._sink, error.reason).inc()
        self._blocked.set(1)
        _log.info("sink.reader_gone", sink=self._sink, place=self._place)

    def succeeded(self) -> None:
        """Note that writing works."""
        if self.last_error is None:
            return
        self.last_error = None
        self._backoff.reset()
        self._blocked.set(0)
        _log.info("sink.recovered", sink=self._sink, failures=self._repeated.recovered())

    def wrote(self, batch: Batch) -> None:
        """Count written lines."""
        self._records.inc(len(batch.lines) - batch.marks)
        if batch.truncated:
            self._truncated.inc(batch.truncated)
        if batch.is_broken:
            missing = batch.missing
            self._missed.labels(self._sink, "retention").inc(1 if missing is None else missing)
            _log.error("sink.missed", sink=self._sink, records=missing, reason="retention")

    def reset(self, asked: str | None, after: int) -> None:
        """Count a change of journal: the lines before came from another one."""
        self._missed.labels(self._sink, "epoch").inc()
        _log.warning("sink.epoch_changed", sink=self._sink, asked=asked, position=after)

    def lagging(self, records: int) -> None:
        """Set the lag: how many records of the journal the output has not written yet."""
        self._lag.set(records)

    def status(self, position: int, lag: int) -> Mapping[str, Any]:
        """The check for /healthz: `ok`, `detail`, `position`, `lag`, `place`."""
        detail = f"{counted(lag, 'record')} behind" if lag else "up to date"
        if self.last_error is not None:
            detail = f"cannot write {self._place}: {self.last_error}; {detail}; retrying"
        return {
            "ok": self.last_error is None, "detail": detail, "place": self._place,
            "position": position, "lag": lag,
        }  # fmt: skip
