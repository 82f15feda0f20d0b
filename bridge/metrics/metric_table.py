"""Every metric with its name, labels and meaning; nobody else declares one (0016-design.md D9)."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client import disable_created_metrics as _disable_created_metrics
from prometheus_client.exposition import choose_encoder

from bridge import __version__
from bridge.metrics.histogram import BatchHistogram
from bridge.metrics.words import (
    APPEND_S,
    DISCONNECT_REASONS,
    ENDED_STATUSES,
    ENDPOINTS,
    ERROR_CODES,
    EVENT_LAG_S,
    EVENT_TYPE_PREFIX,
    EVENT_TYPES,
    FAILURES,
    GAP_REASONS,
    LAG_RECORDS,
    LOOP_LAG_S,
    OK,
    OTHER,
    REQUEST_S,
    RETRIES,
    RUN_DURATION_S,
    RUN_STATUSES,
    SINK_ERROR_REASONS,
    SINK_MISS_REASONS,
    TRANSPORTS,
    WAIT_REASONS,
)

PREFIX = "mogplex_bridge_"
_EXEMPLAR_CHARS_MAX = 100  # OpenMetrics allows 128 for names and values together

# A `_created` line per series would double their number and nothing reads it.
_disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's omission


class Metrics:
    """All metrics of one bridge, in a registry of its own. Any thread may count.

    `accounts` and `sinks` are names from the configuration, `rules` the names of the redaction
    rules: their series exist at 0 from the start, because a series born at 1 has no increase.
    Each attribute is the metric of its name without `mogplex_bridge_`.
    """

    def __init__(  # noqa: PLR0915 - one statement per metric: this is a table
        self,
        accounts: Iterable[str] = (),
        sinks: Iterable[str] = (),
        *,
        rules: Iterable[str] = (),
        version: str = __version__,
    ) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.catalogue: list[tuple[str, str, tuple[str, ...], str]] = []
        self._rules = (*rules, OTHER)

        # Runs and events
        self.runs = self._gauge(
            "runs", "Runs that are followed now, by upstream's status.", "account", "status"
        )
        self.runs_ended_total = self._counter(
            "runs_ended_total",
            "Followed runs that ended, by last status. Exemplar: run id.",
            "account",
            "status",
        )
        self.run_duration_seconds = self._histogram(
            "run_duration_seconds",
            "From a run's creation to its end, as upstream tells them. Exemplar: run id.",
            RUN_DURATION_S,
            "status",
        )
        self.events_total = self._counter(
            "events_total", "Upstream events journalled, by upstream's type.",
            "account", "event_type",
        )  # fmt: skip
        self.duplicates_total = self._counter(
            "duplicates_total", "Events seen before and dropped: polls overlap.", "account"
        )
        self.gaps_total = self._counter(
            "gaps_total",
            "Holes upstream left and nobody could fill; each is a bridge.gap record. "
            "Exemplar: run id.",
            "account",
            "reason",
        )
        self.redactions_total = self._counter(
            "redactions_total", "Secrets masked before the journal, by rule.", "rule"
        )
        self.event_lag_seconds = self._batch_histogram(
            "event_lag_seconds",
            "From an event's creation upstream to its place in the journal. Exemplar: run id.",
            EVENT_LAG_S,
            "account",
        )

        # Upstream
        self.upstream_requests_total = self._counter(
            "upstream_requests_total",
            "Requests answered or failed; code OK or the error code. Exemplar, if failed: run id.",
            "account", "endpoint", "code",
        )  # fmt: skip
        self.upstream_errors_total = self._counter(
            "upstream_errors_total",
            "Requests that failed, by code and by what may be done about it. Exemplar: run id.",
            "account",
            "code",
            "retry",
        )
        self.upstream_request_duration_seconds = self._histogram(
            "upstream_request_duration_seconds",
            "From sending a request to the end of its reply (a stream: to its headers). "
            "Exemplar: run id.",
            REQUEST_S,
            "account",
            "endpoint",
        )
        self.rate_limit_hits_total = self._counter(
            "rate_limit_hits_total",
            "429 answers: somebody else uses this token. Exemplar: run id.",
            "account",
        )
        self.rate_limit_window_requests = self._gauge(
            "rate_limit_window_requests", "Requests in upstream's rolling minute.", "account"
        )
        self.rate_limit_budget_requests = self._gauge(
            "rate_limit_budget_requests", "Requests this bridge allows itself a minute.", "account"
        )
        self.rate_limit_wait_seconds_total = self._counter(
            "rate_limit_wait_seconds_total", "Time requests waited for the gate.",
            "account", "reason",
        )  # fmt: skip
        self.rate_limit_blocked_until_timestamp_seconds = self._gauge(
            "rate_limit_blocked_until_timestamp_seconds",
            "When the gate opens after a 429, Unix time; 0 if it never closed.",
            "account",
        )
        self.runs_given_up = self._gauge(
            "runs_given_up", "Runs that are wanted, but refused for good.", "account"
        )
        self.token_suspended = self._gauge(
            "token_suspended", "1 while the token is refused and asked about slowly.", "account"
        )
        self.last_poll_success_timestamp_seconds = self._gauge(
            "last_poll_success_timestamp_seconds", "Last good answer, Unix time.", "account"
        )
        self.oldest_poll_timestamp_seconds = self._gauge(
            "oldest_poll_timestamp_seconds",
            "Last news of the followed run that waits longest for some, Unix time.",
            "account",
        )

        # Journal
        self.journal_records = self._gauge("journal_records", "Records kept now.")
        self.journal_bytes = self._gauge("journal_bytes", "Size on disk.")
        self.journal_append_duration_seconds = self._histogram(
            "journal_append_duration_seconds", "From append to durable, per commit.", APPEND_S
        )
        self.journal_head_sequence = self._gauge(
            "journal_head_sequence", "Newest durable sequence."
        )
        self.journal_writable = self._gauge(
            "journal_writable", "0 while the journal cannot store (disk full), else 1."
        )

        # Sinks
        self.sink_records_total = self._counter(
            "sink_records_total", "Records written to an output.", "sink"
        )
        self.sink_lag_records = self._gauge(
            "sink_lag_records", "Journal head minus the output's position.", "sink"
        )
        self.sink_errors_total = self._counter(
            "sink_errors_total", "Failed attempts to write; each is tried again.", "sink", "reason"
        )
        self.sink_missed_records_total = self._counter(
            "sink_missed_records_total",
            "Sequences an output can no longer get: the journal dropped them before it was ready "
            "(retention), or is another journal (epoch, counted once). Not intended.",
            "sink",
            "reason",
        )
        self.sink_truncated_records_total = self._counter(
            "sink_truncated_records_total", "Lines cut to line_bytes; the journal has them whole.",
            "sink",
        )  # fmt: skip
        self.sink_blocked = self._gauge(
            "sink_blocked", "1 while an output cannot write and waits, else 0.", "sink"
        )

        # Subscribers
        self.subscribers = self._gauge("subscribers", "Open streams.", "transport")
        self.deliveries_total = self._counter(
            "deliveries_total", "Records handed to the network.", "transport"
        )
        self.subscriber_disconnects_total = self._counter(
            "subscriber_disconnects_total", "Streams that ended, by who or what ended them.",
            "transport", "reason",
        )  # fmt: skip
        self.subscriber_lag_records = self._histogram(
            "subscriber_lag_records", "Journal head minus a subscriber's position, at each look.",
            LAG_RECORDS,
        )  # fmt: skip

        # Process
        self.event_loop_lag_seconds = self._histogram(
            "event_loop_lag_seconds", "How late a timer of the event loop fires.", LOOP_LAG_S
        )
        self.build_info = self._gauge("build_info", "Always 1.", "version")
        self.config_last_reload_successful = self._gauge(
            "config_last_reload_successful", "0 if the newest configuration was refused, else 1."
        )
        ProcessCollector(registry=self.registry)

        self._fill(self.redactions_total, self._rules)
        self._fill(self.run_duration_seconds, ENDED_STATUSES)
        self._fill(self.subscribers, TRANSPORTS)
        self._fill(self.deliveries_total, TRANSPORTS)
        self._fill(self.subscriber_disconnects_total, TRANSPORTS, DISCONNECT_REASONS)
        self.build_info.labels(version).set(1)
        self.config_last_reload_successful.set(1)
        self.journal_writable.set(1)
        self._events: dict[str, dict[str, Counter]] = {}
        for account in accounts:
            self.add_account(account)
        for sink in sinks:
            self.add_sink(sink)

    # Series

    def add_account(self, account: str) -> None:
        """Make every series of an account exist at 0. Idempotent."""
        one = (account,)
        self._fill(self.runs, one, RUN_STATUSES)
        self._fill(self.runs_ended_total, one, ENDED_STATUSES)
        self._fill(self.duplicates_total, one)
        self._fill(self.gaps_total, one, GAP_REASONS)
        self.event_lag_seconds.labels(account=account)
        self._fill(self.upstream_requests_total, one, ENDPOINTS, (OK, *ERROR_CODES))
        for code, retries in FAILURES.items():
            self._fill(self.upstream_errors_total, one, (code,), retries)
        self._fill(self.upstream_request_duration_seconds, one, ENDPOINTS)
        self._fill(self.rate_limit_wait_seconds_total, one, WAIT_REASONS)
        for metric in (
            self.rate_limit_hits_total, self.rate_limit_window_requests,
            self.rate_limit_budget_requests, self.rate_limit_blocked_until_timestamp_seconds,
            self.token_suspended, self.runs_given_up,
            self.last_poll_success_timestamp_seconds, self.oldest_poll_timestamp_seconds,
        ):  # fmt: skip
            self._fill(metric, one)
        words = {word: self.events_total.labels(account, word) for word in EVENT_TYPES}
        self._events[account] = words | {EVENT_TYPE_PREFIX + w: c for w, c in words.items()}

    def add_sink(self, sink: str, reasons: Iterable[str] = SINK_ERROR_REASONS) -> None:
        """Make every series of an output exist at 0. Idempotent."""
        for metric in (
            self.sink_records_total, self.sink_lag_records, self.sink_truncated_records_total,
            self.sink_blocked,
        ):  # fmt: skip
            self._fill(metric, (sink,))
        self._fill(self.sink_errors_total, (sink,), reasons)
        self._fill(self.sink_missed_records_total, (sink,), SINK_MISS_REASONS)

    def remove_account(self, account: str) -> None:
        """Forget the series of an account that is no longer configured."""
        self._events.pop(account, None)
        self._remove("account", account)

    def remove_sink(self, sink: str) -> None:
        """Forget the series of an output that is no longer configured."""
        self._remove("sink", sink)

    def _remove(self, label: str, value: str) -> None:
        for metric in self.__dict__.values():
            if isinstance(metric, BatchHistogram):
                metric.remove(label, value)
            elif isinstance(metric, Counter | Gauge | Histogram) and label in metric._labelnames:
                metric.remove_by_labels({label: value})

    # Counting, with upstream's words mapped to the closed sets

    def count_events(
        self,
        account: str,
        types: Iterable[str],
        lags_s: Sequence[float] = (),
        run_id: str | None = None,
    ) -> None:
        """Count one journalled batch: types as words or CloudEvents types, lags where known."""
        if account not in self._events:
            self.add_account(account)
        children = self._events[account]
        for type_, count in Tally(types).items():
            (children.get(type_) or children[OTHER]).inc(count)
        if lags_s:
            self.event_lag_seconds.labels(account=account).observe_many(lags_s, _exemplar(run_id))

    def count_request(
        self, account: str, endpoint: str, code: str, duration_s: float, run_id: str | None = None
    ) -> None:
        """Count one request; `code` is OK or the failure's code."""
        endpoint = _known(endpoint, ENDPOINTS)
        code = code if code == OK else _known(code, ERROR_CODES)
        self.upstream_requests_total.labels(account, endpoint, code).inc(
            1, None if code == OK else _exemplar(run_id)
        )
        self.upstream_request_duration_seconds.labels(account, endpoint).observe(
            duration_s, _exemplar(run_id)
        )

    def count_failure(self, account: str, code: str, retry: str, run_id: str | None = None) -> None:
        """Count one `Failure`; a 429 is also a rate limit hit."""
        assert retry in RETRIES, retry
        if code == "RATE_LIMITED":
            self.rate_limit_hits_total.labels(account).inc(1, _exemplar(run_id))
        if retry not in FAILURES.get(code, ()):
            code = OTHER  # a pair that nobody expects must not be a series born at 1
        self.upstream_errors_total.labels(account, code, retry).inc(1, _exemplar(run_id))

    def count_gap(self, account: str, reason: str, run_id: str | None = None) -> None:
        reason = _known(reason, GAP_REASONS)
        self.gaps_total.labels(account, reason).inc(1, _exemplar(run_id))

    def count_run_ended(
        self, account: str, status: str | None, duration_s: float | None, run_id: str | None = None
    ) -> None:
        """Count an ended run; its duration only if both of its times are known."""
        status = _known(status, ENDED_STATUSES)
        self.runs_ended_total.labels(account, status).inc(1, _exemplar(run_id))
        if duration_s is not None:
            self.run_duration_seconds.labels(status).observe(duration_s, _exemplar(run_id))

    def count_redactions(self, counts: Mapping[str, int]) -> None:
        """Count masked secrets by rule name."""
        for rule, count in counts.items():
            self.redactions_total.labels(_known(rule, self._rules)).inc(count)

    def set_runs(self, account: str, counts: Mapping[str | None, int]) -> None:
        """Set the number of followed runs by raw status (None: not asked yet, shown as pending)."""
        by_status = dict.fromkeys(RUN_STATUSES, 0)
        for status, count in counts.items():
            by_status["pending" if status is None else _known(status, RUN_STATUSES)] += count
        for status, count in by_status.items():
            self.runs.labels(account, status).set(count)

    def render(self, accept: str | None = None) -> tuple[bytes, str]:
        """Return (body, content type): OpenMetrics when `accept` asks for it, else plain text."""
        encode, content_type = choose_encoder(accept or "")
        return encode(self.registry), content_type

    # Declaring

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        self._list(name, "counter", labels, meaning)
        return Counter(PREFIX + name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        self._list(name, "gauge", labels, meaning)
        return Gauge(PREFIX + name, meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, bounds: Sequence[float], *labels: str
    ) -> Histogram:
        self._list(name, "histogram", labels, meaning)
        return Histogram(PREFIX + name, meaning, labels, registry=self.registry, buckets=bounds)

    def _batch_histogram(
        self, name: str, meaning: str, bounds: Sequence[float], label: str
    ) -> BatchHistogram:
        self._list(name, "histogram", (label,), meaning)
        metric = BatchHistogram(PREFIX + name, meaning, label, bounds)
        self.registry.register(metric)
        return metric

    def _list(self, name: str, kind: str, labels: Sequence[str], meaning: str) -> None:
        self.catalogue.append((PREFIX + name, kind, tuple(labels), meaning))

    @staticmethod
    def _fill(metric: Counter | Gauge | Histogram, *values: Iterable[str]) -> None:
        for labels in product(*values):
            metric.labels(*labels)


def _known(word: str | None, closed_set: Sequence[str]) -> str:
    return word if word is not None and word in closed_set else OTHER


def _exemplar(run_id: str | None) -> dict[str, str] | None:
    return {"run_id": run_id} if run_id and len(run_id) <= _EXEMPLAR_CHARS_MAX else None
