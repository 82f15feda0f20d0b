"""The dashboard of the runs: what they do, how they end, and how fresh their events are."""

from __future__ import annotations

from typing import Any

from grafana import marks
from grafana.parts import Panel, dashboard, graph, heatmap, row, stat

_RATE = "$__rate_interval"
_ENDED = "mogplex_bridge_runs_ended_total"
_LAG = "mogplex_bridge_event_lag_seconds"
_DURATION = "mogplex_bridge_run_duration_seconds_bucket"


def _quantile(q: float, bucket: str, selector: str, *labels: str) -> str:
    by = ", ".join(("le", *labels))
    return f"histogram_quantile({q}, sum by ({by}) (rate({bucket}{{{selector}}}[{_RATE}])))"


def _now() -> Panel:
    return row(
        "Now",
        (4, stat(
            "Followed", "sum(mogplex_bridge_runs{%A})", "Runs followed now.",
        )),
        (4, stat(
            "Working", 'sum(mogplex_bridge_runs{%A, status=~"pending|streaming"})',
            "Followed runs that upstream calls pending or streaming.",
        )),
        (4, stat(
            "Waiting for input", 'sum(mogplex_bridge_runs{%A, status="awaiting_input"})',
            "Followed runs that wait for a person's input.", steps=(("green", None), ("orange", 1)),
        )),
        (4, stat(
            "Ended", f"sum(increase({_ENDED}{{%A}}[$__range]))",
            "Followed runs that ended in this time range.", decimals=0,
        )),
        (4, stat(
            "Failed share",
            f'sum(increase({_ENDED}{{%A, status="failed"}}[$__range]))'
            f" / sum(increase({_ENDED}{{%A}}[$__range]))",
            "Share of the runs that ended in this time range which failed.",
            unit="percentunit", none="none ended", runbooks=("RunsFail",),
            steps=(("green", None), ("orange", 0.25), ("red", 0.5)),
        )),
        (4, stat(
            "Gaps", "sum(increase(mogplex_bridge_gaps_total{%A}[$__range]))",
            "Events that are missing upstream and cannot be recovered, in this time range.",
            steps=(("green", None), ("orange", 1)), decimals=0, runbooks=("Gaps",),
        )),
        height=4,
    )  # fmt: skip


def _runs() -> Panel:
    return row(
        "Runs",
        (8, graph(
            "Followed runs by status",
            {
                "{{status}}": "sum by (status) (mogplex_bridge_runs{%A})",
                "refused": "sum(mogplex_bridge_runs_given_up{%A})",
            },
            "Runs followed now, by upstream's status. A run that was not polled yet counts as "
            "pending. Refused: wanted, but upstream refuses it permanently, so it is not followed.",
            stacked=True, decimals=0, runbooks=("RunsGivenUp",),
        )),
        (8, graph(
            "Runs ended per hour",
            {"{{status}}": f"sum by (status) (rate({_ENDED}{{%A}}[{_RATE}])) * 3600"},
            "Followed runs that ended, by last status.", unit="suffix: /h", stacked=True,
            runbooks=("RunsFail",),
        )),
        (8, graph(
            "Run duration",
            {"p50": _quantile(0.5, _DURATION, "%I"), "p95": _quantile(0.95, _DURATION, "%I")},
            "From a run's creation to its end, as upstream reports them. Dots are exemplars: each "
            "names its run.",
            unit="s", exemplars=True,
        )),
    )  # fmt: skip


def _freshness() -> Panel:
    late = "job_account:bridge_events_late:ratio_rate"
    return row(
        "Freshness",
        (12, heatmap(
            "Event lag", f"sum by (le) (increase({_LAG}_bucket{{%A}}[{_RATE}]))",
            "Number of events by their time from upstream to the journal. Dots are exemplars: each "
            "names its run.",
            runbooks=("FreshnessBurnFast",),
        )),
        (12, graph(
            "Event lag by account",
            {
                "p50 {{account}}": _quantile(0.5, f"{_LAG}_bucket", "%A", "account"),
                "p99 {{account}}": _quantile(0.99, f"{_LAG}_bucket", "%A", "account"),
            },
            "Quantiles of the time from an event's creation upstream to its commit in the journal.",
            unit="s", exemplars=True, runbooks=("FreshnessBurnFast",),
        )),
        (8, graph(
            "Mean event lag",
            {"{{account}}":
                f"sum by (account) (rate({_LAG}_sum{{%A}}[{_RATE}]))"
                f" / sum by (account) (rate({_LAG}_count{{%A}}[{_RATE}]))"},
            "Mean of the same time. docs/capacity.md predicts it for a number of runs.",
            unit="s", runbooks=("FreshnessBurnFast",),
        )),
        (8, graph(
            "Longest time without contact",
            {"{{account}}":
                "max by (account)"
                " (time() - (mogplex_bridge_oldest_poll_timestamp_seconds{%A} > 0))"},
            "Time since the last contact with the followed run that was read least recently. A run with "
            "an open stream is always in contact.",
            unit="s", limit=120, runbooks=("BudgetSaturated", "PollStalled"),
        )),
        (8, graph(
            "Late events",
            {
                "5 min {{account}}": late + '5m{job=~"$job", account=~"$account"}',
                "1 h {{account}}": late + '1h{job=~"$job", account=~"$account"}',
            },
            "Share of events that took more than 10 s, from the recording rules. Above the dashed line "
            "the month's allowance of 1 % is used up too fast, and the alert fires.",
            unit="percentunit", limit=0.144, runbooks=("FreshnessBurnFast",),
        )),
    )  # fmt: skip


def _events() -> Panel:
    events, repeats = "mogplex_bridge_events_total", "mogplex_bridge_duplicates_total"
    return row(
        "Events",
        (8, graph(
            "Events by type",
            {"{{event_type}}": f"sum by (event_type) (rate({events}{{%A}}[{_RATE}])) > 0"},
            "Upstream events stored in the journal.", unit="suffix: /s", stacked=True,
        )),
        (8, graph(
            "Gaps by reason",
            {"{{reason}} {{account}}":
                f"sum by (reason, account) (increase(mogplex_bridge_gaps_total{{%A}}[{_RATE}]))"},
            "Events that are missing upstream and cannot be recovered. The bridge.gap records name the "
            "runs.",
            bars=True, exemplars=True, runbooks=("Gaps",),
        )),
        (4, graph(
            "Repeated events",
            {"{{account}}":
                f"sum by (account) (rate({repeats}{{%A}}[{_RATE}]))"
                f" / (sum by (account) (rate({repeats}{{%A}}[{_RATE}]))"
                f" + sum by (account) (rate({events}{{%A}}[{_RATE}])))"},
            "Share of received events that were known and dropped. Polls overlap, so most may be "
            "repeats.",
            unit="percentunit", top=1,
        )),
        (4, graph(
            "Redactions",
            {"{{rule}}":
                f"sum by (rule) (rate(mogplex_bridge_redactions_total{{%I}}[{_RATE}])) > 0"},
            "Secrets redacted before storing, by rule.", unit="suffix: /s",
        )),
    )  # fmt: skip


def _feeds() -> Panel:
    return row(
        "Systems",
        (12, graph(
            "Followed feeds by kind and state",
            {"{{kind}} {{state}}":
                "sum by (kind, state) (mogplex_bridge_feeds{%A}) > 0"},
            "Feeds followed now, on every system: runs, spaces, sandboxes, builds, ...",
            stacked=True, decimals=0,
        )),
        (12, graph(
            "Feeds that ended",
            {"{{kind}} {{state}}":
                f"sum by (kind, state) (increase(mogplex_bridge_feeds_ended_total{{%A}}[{_RATE}])) > 0"},
            "Feeds that ended, by last state.", stacked=True, decimals=0,
            runbooks=("RunsFail",),
        )),
    )  # fmt: skip


def board(runbooks: str) -> dict[str, Any]:
    return dashboard(
        "runs",
        "runs and freshness",
        "What do the followed runs do, how do they end, and how long do their events take?",
        [_now(), _runs(), _freshness(), _events(), _feeds()],
        [marks.ALERTS, marks.RESTARTS, marks.GAPS, marks.REFUSALS],
        runbooks,
    )
