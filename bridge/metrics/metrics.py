"""The metrics of one bridge: creates series with accounts and outputs, and counts."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import product

from prometheus_client import Counter, Gauge
from prometheus_client.exposition import choose_encoder

from bridge import __version__
from bridge.core.errors import Failure, Fault
from bridge.core.state import FeedState
from bridge.core.words import OwnMetric, SystemWords
from bridge.metrics.metric_table import MetricTable, each_or_other
from bridge.metrics.sums import Sums
from bridge.metrics.words import GAP_REASONS, OK, OTHER, STATES

_EXEMPLAR_CHARS_MAX = 100  # OpenMetrics allows 128 for names and values together


class Metrics(MetricTable):
    """All metrics of one bridge, in a registry of its own. Any thread may count.

    `accounts` are names from the configuration with the words of their systems, `sinks` names of
    outputs with their failure reasons, `rules` the names of the redaction rules. Their series exist
    at 0 from the start, because PromQL sees no increase in a series that begins at 1. Each
    attribute is the metric of its name without `mogplex_bridge_`; those of one system only are in
    `own`.
    """

    def __init__(
        self,
        accounts: Mapping[str, SystemWords] | None = None,
        sinks: Mapping[str, Iterable[str]] | None = None,
        *,
        rules: Iterable[str] = (),
        version: str = __version__,
    ) -> None:
        super().__init__(rules, version)
        self._rules = (*rules, OTHER)
        self.own: dict[str, Counter | Gauge] = {}
        self._words: dict[str, SystemWords] = {}  # by account
        self._events: dict[str, dict[str, Counter]] = {}
        for account, words in (accounts or {}).items():
            self.add_account(account, words)
        for sink, reasons in (sinks or {}).items():
            self.add_sink(sink, reasons)

    # Series

    def add_account(self, account: str, words: SystemWords) -> None:
        """Create every series of an account at 0. Idempotent."""
        for metric in words.metrics:
            self._declare(metric)
            for values in product(*metric.labels.values()):
                self.own[metric.name].labels(account, *values)
        self._words[account] = words
        self._add("account", account, words)
        for (status,) in each_or_other(words.ended_statuses):
            self.run_duration_seconds.labels(status)
        types = (*words.event_types, OTHER)
        self._events[account] = {type_: self.events_total.labels(account, type_) for type_ in types}

    def _declare(self, metric: OwnMetric) -> None:
        if metric.name not in self.own:
            declare = self._counter if metric.kind == "counter" else self._gauge
            declared = declare(
                metric.name, metric.meaning, "account", *metric.labels, fill=lambda _: ()
            )
            self.own[metric.name] = declared

    def add_sink(self, sink: str, reasons: Iterable[str]) -> None:
        """Create every series of an output at 0. Idempotent.

        Args:
            sink: The output's name.
            reasons: The closed set of its failure reasons.
        """
        self._add("sink", sink, reasons)

    def remove_account(self, account: str) -> None:
        """Remove the series of an account that is no longer configured."""
        self._events.pop(account, None)
        words = self._words.pop(account, None)
        self._remove("account", account)
        for metric in words.metrics if words is not None else ():
            self.own[metric.name].remove_by_labels({"account": account})

    def remove_sink(self, sink: str) -> None:
        """Remove the series of an output that is no longer configured."""
        self._remove("sink", sink)

    def _of(self, account: str) -> SystemWords:
        """Return the words of an account; for an unknown account every word is `other`."""
        if account not in self._words:
            self.add_account(account, SystemWords())
        return self._words[account]

    # Counting, with upstream's words mapped to the closed sets

    def count_events(
        self,
        account: str,
        types: Iterable[str],
        lags_s: Sequence[float] = (),
        run_id: str | None = None,
    ) -> None:
        """Count one journaled batch: types as words or CloudEvents types, lags where known."""
        self._of(account)
        children = self._events[account]
        for type_, count in Tally(types).items():
            word = type_.partition(".event.")[2] or type_
            (children.get(word) or children[OTHER]).inc(count)
        if lags_s:
            self.event_lag_seconds.labels(account=account).observe_many(lags_s, _exemplar(run_id))

    def count_request(
        self, account: str, endpoint: str, code: str, duration_s: float, run_id: str | None = None
    ) -> None:
        """Count one request; `code` is OK or the failure's code."""
        words = self._of(account)
        endpoint = _known(endpoint, words.endpoints)
        code = code if code == OK else _known(code, words.failures)
        self.upstream_requests_total.labels(account, endpoint, code).inc(
            1, None if code == OK else _exemplar(run_id)
        )
        self.upstream_request_duration_seconds.labels(account, endpoint).observe(
            duration_s, _exemplar(run_id)
        )

    def count_failure(self, account: str, failure: Failure, run_id: str | None = None) -> None:
        """Count one `Failure`; a 429 is also a rate limit hit."""
        if failure.fault is Fault.RATE:
            self.rate_limit_hits_total.labels(account).inc(1, _exemplar(run_id))
        code = failure.code
        if failure.retry not in self._of(account).failures.get(code, ()):
            code = OTHER  # an unexpected pair must not create a series that begins at 1
        self.upstream_errors_total.labels(account, code, failure.retry.value).inc(
            1, _exemplar(run_id)
        )

    def count_gap(self, account: str, reason: str, run_id: str | None = None) -> None:
        """Count one gap record."""
        reason = _known(reason, (*self._of(account).gap_reasons, *GAP_REASONS))
        self.gaps_total.labels(account, reason).inc(1, _exemplar(run_id))

    def count_ended(self, state: FeedState, duration_s: float | None) -> None:
        """Count a feed that ended, and its duration if that is known."""
        feed = state.feed
        words, exemplar = self._of(feed.account), _exemplar(feed.id)
        self.feeds_ended_total.labels(feed.account, feed.kind, state.state.value).inc(1, exemplar)
        if not words.ended_statuses:
            return
        status = _known(state.status, words.ended_statuses)
        self.runs_ended_total.labels(feed.account, status).inc(1, exemplar)
        if duration_s is not None:
            self.run_duration_seconds.labels(status).observe(duration_s, exemplar)

    def count_redactions(self, counts: Mapping[str, int]) -> None:
        """Count masked secrets by rule name."""
        for rule, count in counts.items():
            self.redactions_total.labels(_known(rule, self._rules)).inc(count)

    def set_feeds(self, accounts: Iterable[str], followed: Iterable[FeedState]) -> None:
        """Set how many feeds of each account are followed, by state and by upstream's status.

        Feeds of accounts that are not configured now have no series.
        """
        names = set(accounts)
        by_state: Tally[tuple[str, str, str]] = Tally()
        by_status: Tally[tuple[str, str]] = Tally()
        for state in followed:
            feed = state.feed
            if feed.account not in names:
                continue
            by_state[feed.account, feed.kind, state.state.value] += 1
            statuses = self._of(feed.account).statuses
            if statuses:
                word = statuses[0] if state.status is None else _known(state.status, statuses)
                by_status[feed.account, word] += 1
        for account in names:
            words = self._of(account)
            for kind, state_word in product(words.kinds, STATES):
                count = by_state[account, kind, state_word]
                self.feeds.labels(account, kind, state_word).set(count)
            for status in (*words.statuses, OTHER) if words.statuses else ():
                self.runs.labels(account, status).set(by_status[account, status])

    def render(self, accept: str | None = None, sums: Sums | None = None) -> tuple[bytes, str]:
        """Render all metrics.

        Args:
            accept: The `Accept` header; OpenMetrics if it allows that, else plain text.
            sums: The sums of this and other processes.

        Returns:
            The body and its content type.
        """
        encode, content_type = choose_encoder(accept or "")
        return encode(sums or self.registry), content_type


def _known(word: str | None, closed_set: Container[str]) -> str:
    return word if word is not None and word in closed_set else OTHER


def _exemplar(run_id: str | None) -> dict[str, str] | None:
    return {"run_id": run_id} if run_id and len(run_id) <= _EXEMPLAR_CHARS_MAX else None
