"""Declares every metric with its name, labels and meaning (0016-design.md D9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from prometheus_client import ProcessCollector
from prometheus_client import disable_created_metrics as _disable_created_metrics

from bridge.core.words import SystemWords
from bridge.metrics.declaring import Declaring
from bridge.metrics.words import (
    APPEND_S,
    DISCONNECT_REASONS,
    EVENT_LAG_S,
    GAP_REASONS,
    GATEWAY_READS,
    GATEWAY_STARTS,
    HTTP_CLASSES,
    HTTP_GROUPS,
    LAG_RECORDS,
    LOOP_LAG_S,
    OK,
    OTHER,
    REQUEST_S,
    RETRIES,
    RUN_DURATION_S,
    SINK_MISS_REASONS,
    STATES,
    TRANSPORTS,
    WAIT_REASONS,
)

_EXEMPLAR_CHARS_MAX = 100  # OpenMetrics allows 128 for names and values together

# A `_created` line per series would double their number, and nothing reads it.
_disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's omission


class MetricTable(Declaring):
    """Each attribute is the metric of its name without `mogplex_bridge_`."""

    def __init__(self, rules: Iterable[str], version: str) -> None:
        """`rules`: names of the redaction rules."""
        super().__init__()

        # Feeds and events
        self.feeds = self._gauge(
            "feeds", "Feeds followed now, by state.", "account", "kind", "state",
            fill=lambda words: product(words.kinds, STATES),
        )  # fmt: skip
        self.feeds_ended_total = self._counter(
            "feeds_ended_total",
            "Followed feeds that ended, by last state. Exemplar: the feed's id.",
            "account",
            "kind",
            "state",
            fill=lambda words: product(words.kinds, STATES),
        )
        self.runs = self._gauge(
            "runs",
            "Runs followed now, by upstream's status.",
            "account",
            "status",
            fill=lambda words: each_or_other(words.statuses),
        )
        self.runs_ended_total = self._counter(
            "runs_ended_total",
            "Followed runs that ended, by last status. Exemplar: run id.",
            "account",
            "status",
            fill=lambda words: each_or_other(words.ended_statuses),
        )
        self.run_duration_seconds = self._histogram(
            "run_duration_seconds",
            "From a run's creation to its end, as reported upstream. Exemplar: run id.",
            RUN_DURATION_S,
            "status",
        )
        self.events_total = self._counter(
            "events_total", "Upstream events stored, by upstream's type.",
            "account", "event_type",
            fill=lambda words: _each((*words.event_types, OTHER)),
        )  # fmt: skip
        self.duplicates_total = self._counter(
            "duplicates_total", "Repeated events dropped, because polls overlap.", "account"
        )
        self.gaps_total = self._counter(
            "gaps_total",
            "Gaps that the bridge could not fill; each is a bridge.gap record. Exemplar: run id.",
            "account",
            "reason",
            fill=lambda words: _each((*words.gap_reasons, *GAP_REASONS)),
        )
        self.redactions_total = self._counter(
            "redactions_total",
            "Secrets redacted before storing, by rule.",
            "rule",
            fill=_each((*rules, OTHER)),
        )
        self.event_lag_seconds = self._batch_histogram(
            "event_lag_seconds",
            "From an event's creation upstream to its commit in the journal. Exemplar: run id.",
            EVENT_LAG_S,
            "account",
        )

        # Upstream
        self.upstream_requests_total = self._counter(
            "upstream_requests_total",
            "Requests answered or failed; code OK or the error code. Exemplar, if failed: run id.",
            "account", "endpoint", "code",
            fill=_requests,
        )  # fmt: skip
        self.upstream_errors_total = self._counter(
            "upstream_errors_total",
            "Requests that failed, by code and by retry class. Exemplar: run id.",
            "account",
            "code",
            "retry",
            fill=_errors,
        )
        self.upstream_request_duration_seconds = self._histogram(
            "upstream_request_duration_seconds",
            "From sending a request to the end of its reply (a stream: to its headers). "
            "Exemplar: run id.",
            REQUEST_S,
            "account",
            "endpoint",
            fill=lambda words: _each((*words.endpoints, OTHER)),
        )
        self.rate_limit_hits_total = self._counter(
            "rate_limit_hits_total",
            "429 replies: others use this token too. Exemplar: run id.",
            "account",
        )
        self.rate_limit_window_requests = self._gauge(
            "rate_limit_window_requests", "Requests in upstream's rolling minute.", "account"
        )
        self.rate_limit_budget_requests = self._gauge(
            "rate_limit_budget_requests", "Requests this bridge allows itself a minute.", "account"
        )
        self.rate_limit_wait_seconds_total = self._counter(
            "rate_limit_wait_seconds_total",
            "Time that requests waited for the budget or a Retry-After.",
            "account", "reason",
            fill=lambda _: _each(WAIT_REASONS),
        )  # fmt: skip
        self.rate_limit_blocked_until_timestamp_seconds = self._gauge(
            "rate_limit_blocked_until_timestamp_seconds",
            "When requests resume after a 429, Unix time; 0 if they never paused.",
            "account",
        )
        self.runs_given_up = self._gauge(
            "runs_given_up", "Wanted runs that upstream refuses permanently.", "account"
        )
        self.token_suspended = self._gauge(
            "token_suspended", "1 while the token is refused and probed slowly, else 0.", "account"
        )
        self.last_poll_success_timestamp_seconds = self._gauge(
            "last_poll_success_timestamp_seconds", "Last successful reply, Unix time.", "account"
        )
        self.oldest_poll_timestamp_seconds = self._gauge(
            "oldest_poll_timestamp_seconds",
            "Last contact with the followed run that was read least recently, Unix time.",
            "account",
        )

        # Journal
        self.journal_records = self._gauge("journal_records", "Records in the journal.")
        self.journal_bytes = self._gauge("journal_bytes", "Size on disk, with the write-ahead log.")
        self.journal_append_duration_seconds = self._histogram(
            "journal_append_duration_seconds", "From append to durable, per commit.", APPEND_S
        )
        self.journal_head_sequence = self._gauge(
            "journal_head_sequence", "Newest durable sequence."
        )
        self.journal_writable = self._gauge(
            "journal_writable", "0 while the journal cannot store (disk full), else 1."
        )

        self._add_shares()

        # Sinks
        self.sink_records_total = self._counter(
            "sink_records_total", "Records written to an output.", "sink"
        )
        self.sink_lag_records = self._gauge(
            "sink_lag_records", "Journal head minus the output's position.", "sink"
        )
        self.sink_errors_total = self._counter(
            "sink_errors_total",
            "Failed writes; each is retried.",
            "sink",
            "reason",
            fill=_each,
        )
        self.sink_missed_records_total = self._counter(
            "sink_missed_records_total",
            "Sequences that an output can no longer get: the journal dropped them before they were "
            "written (retention) or was replaced (epoch, counted once).",
            "sink",
            "reason",
            fill=lambda _: _each(SINK_MISS_REASONS),
        )
        self.sink_truncated_records_total = self._counter(
            "sink_truncated_records_total", "Lines truncated to line_bytes; the journal has all.",
            "sink",
        )  # fmt: skip
        self.sink_blocked = self._gauge(
            "sink_blocked", "1 while an output cannot write and waits, else 0.", "sink"
        )

        # Subscribers
        self.subscribers = self._gauge(
            "subscribers", "Open streams.", "transport", fill=_each(TRANSPORTS)
        )
        self.deliveries_total = self._counter(
            "deliveries_total",
            "Records handed to the network.",
            "transport",
            fill=_each(TRANSPORTS),
        )
        self.subscriber_disconnects_total = self._counter(
            "subscriber_disconnects_total", "Streams that ended, by reason.",
            "transport", "reason",
            fill=product(TRANSPORTS, DISCONNECT_REASONS),
        )  # fmt: skip
        self.subscriber_lag_records = self._histogram(
            "subscriber_lag_records", "Journal head minus a subscriber's position, sampled.",
            LAG_RECORDS,
        )  # fmt: skip

        # Requests
        self.http_requests_total = self._counter(
            "http_requests_total", "HTTP responses, by group of routes; a stream counts when it"
            " begins.", "group", "code",
            fill=product(HTTP_GROUPS, HTTP_CLASSES),
        )  # fmt: skip
        self.gateway_reads_total = self._counter(
            "gateway_reads_total",
            "Reads of the vendor's API that the gateway answered, by source.",
            "source",
            fill=product(GATEWAY_READS),
        )
        self.gateway_run_starts_total = self._counter(
            "gateway_run_starts_total",
            "Run starts requested from the gateway, by outcome.",
            "outcome",
            fill=product(GATEWAY_STARTS),
        )

        # Process
        self.event_loop_lag_seconds = self._histogram(
            "event_loop_lag_seconds", "How late a timer of the event loop fires.", LOOP_LAG_S
        )
        self.build_info = self._gauge(
            "build_info", "1, with the version of this program.", "version"
        )
        self.config_last_reload_successful = self._gauge(
            "config_last_reload_successful", "0 if the newest configuration was rejected, else 1."
        )
        ProcessCollector(registry=self.registry)

        self.build_info.labels(version).set(1)
        self.config_last_reload_successful.set(1)
        self.journal_writable.set(1)

    def _add_shares(self) -> None:
        """Add the metrics of replicas that share a journal, and of processes that share a port."""
        self.leases_held = self._gauge(
            "leases_held", "1 if this replica follows the account, else 0.", "account"
        )
        self.lease_takeovers_total = self._counter(
            "lease_takeovers_total", "Accounts that this replica took over.", "account"
        )
        self.leases_lost_total = self._counter(
            "leases_lost_total",
            "Accounts that this replica lost: it could not renew its lease in time.",
            "account",
        )
        self.fence_refusals_total = self._counter(
            "fence_refusals_total",
            "Appends refused because another replica holds the account.",
            "account",
        )
        self.workers = self._gauge(
            "workers",
            "Separate processes that serve clients; 0 if this one serves them.",
        )
        self.worker_restarts_total = self._counter(
            "worker_restarts_total", "Worker processes that died and were replaced."
        )


def _each(words: Iterable[str]) -> Iterable[Sequence[str]]:
    """Return series for one label, one per word."""
    return [(word,) for word in dict.fromkeys(words)]


def each_or_other(words: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return series for one label: each of a system's words and `other`; none without words."""
    return _each((*words, OTHER)) if words else ()


def _requests(words: SystemWords) -> Iterable[Sequence[str]]:
    codes = (OK, *words.failures, OTHER)
    return product((*words.endpoints, OTHER), codes)


def _errors(words: SystemWords) -> Iterable[Sequence[str]]:
    for code, retries in words.failures.items():
        yield from ((code, retry.value) for retry in retries)
    yield from ((OTHER, retry) for retry in RETRIES)
