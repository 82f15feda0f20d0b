"""The dashboard for whoever is on duty: is it working, and if not, which of the others to open."""

from __future__ import annotations

from typing import Any

from grafana import marks
from grafana.parts import Panel, dashboard, graph, row, stat, table

_RATE = "$__rate_interval"
_GREEN_ORANGE = (("green", None), ("orange", 1))


def _is_it_working() -> Panel:
    return row(
        "Is it working",
        (3, stat(
            "Alerts firing",
            'count(ALERTS{alertname=~"MogplexBridge.*", alertstate="firing", job=~"$job"})'
            " or vector(0)",
            "Alerts of deploy/prometheus/rules.yml that fire now. The table below links each to its "
            "runbook.",
            steps=(("green", None), ("red", 1)),
        )),
        (3, stat(
            "Bridges up", "avg(up{%I})",
            "Share of its bridge targets that Prometheus can scrape; green at 100 %.",
            unit="percentunit", steps=(("red", None), ("green", 1)), none="none known", decimals=0,
            runbooks=("Down", "Restarting"),
        )),
        (3, stat(
            "Runs failed",
            'sum(increase(mogplex_bridge_runs_ended_total{%A, status="failed"}[$__range]))'
            " / sum(increase(mogplex_bridge_runs_ended_total{%A}[$__range]))",
            "Share of the runs that ended in this time range which failed. The bridge's live page shows "
            "the reason of each.",
            unit="percentunit", none="none ended", runbooks=("RunsFail",), decimals=0,
            steps=(("green", None), ("orange", 0.25), ("red", 0.5)),
        )),
        (3, stat(
            "Since last success",
            "max((time() - (mogplex_bridge_last_poll_success_timestamp_seconds{%A} > 0))"
            " and on (job, instance, account)"
            " (sum by (job, instance, account) (mogplex_bridge_runs{%A}) > 0))",
            "Time since the last successful request upstream, for the account with followed runs "
            "where it is longest. A busy stream needs no requests, so minutes are normal while events "
            "arrive.",
            unit="s", steps=(("green", None), ("orange", 360), ("red", 900)), none="no runs",
            decimals=0, runbooks=("PollStalled", "AuthFailing"),
        )),
        (3, stat(
            "Failed requests", "sum(increase(mogplex_bridge_upstream_errors_total{%A}[$__range]))",
            "Requests to upstream that failed in this time range, 429s included. The upstream dashboard "
            "shows them by code.",
            steps=_GREEN_ORANGE, decimals=0, runbooks=("UpstreamErrors",),
        )),
        (3, stat(
            "Refusals (429)", "sum(increase(mogplex_bridge_rate_limit_hits_total{%A}[$__range]))",
            "Requests that upstream refused for the rate limit in this time range. The bridge stays "
            "within the limit, so each means that another program uses the token.",
            steps=_GREEN_ORANGE, decimals=0, runbooks=("RateLimited",),
        )),
        (3, stat(
            "Gaps", "sum(increase(mogplex_bridge_gaps_total{%A}[$__range]))",
            "Events that are missing upstream and cannot be recovered, in this time range. A bridge.gap "
            "record reports each gap.",
            steps=_GREEN_ORANGE, decimals=0, runbooks=("Gaps",),
        )),
        (3, stat(
            "Journal", "min(mogplex_bridge_journal_writable{%I})",
            "Whether the journal can store records. If not, the disk is most often full, and the "
            "bridge reads nothing from upstream.",
            unit="none", none="unknown", runbooks=("JournalNotWritable",),
            words={"0": ("not writable", "red"), "1": ("writable", "green")},
        )),
        height=4,
    )  # fmt: skip


def _what_is_wrong() -> Panel:
    return row(
        "What is wrong",
        (12, table(
            "Alerts now",
            'ALERTS{alertname=~"MogplexBridge.*", alertstate=~"firing|pending", job=~"$job"}',
            "Alerts that fire or are pending; click a name to open its runbook.",
            hide=("Value",), none="none",
            link=("alertname", "Runbook", "${runbooks}/${__data.fields.alertname}.md"),
        )),
        (12, graph(
            "Errors over time",
            {
                "429 {{account}}":
                    "sum by (account)"
                    f" (increase(mogplex_bridge_rate_limit_hits_total{{%A}}[{_RATE}])) > 0",
                "gaps {{account}}":
                    f"sum by (account) (increase(mogplex_bridge_gaps_total{{%A}}[{_RATE}])) > 0",
                "failed requests {{account}}":
                    "sum by (account)"
                    f" (increase(mogplex_bridge_upstream_errors_total{{%A}}[{_RATE}])) > 0",
                "failed writes {{sink}}":
                    f"sum by (sink) (increase(mogplex_bridge_sink_errors_total{{%I}}[{_RATE}])) > 0",
                "slow readers disconnected {{transport}}":
                    "sum by (transport) (increase("
                    f'mogplex_bridge_subscriber_disconnects_total{{%I, reason="slow"}}[{_RATE}])) > 0',
            },
            "All kinds of errors, by time. The other dashboards, linked above, show details.",
            bars=True,
        )),
    )  # fmt: skip


def _in_and_out() -> Panel:
    return row(
        "In and out",
        (8, graph(
            "Runs by status", {"{{status}}": "sum by (status) (mogplex_bridge_runs{%A})"},
            "Runs followed now, by upstream's status. A run that was not polled yet counts as "
            "pending.",
            stacked=True, decimals=0,
        )),
        (8, graph(
            "Events in",
            {"{{account}}": f"sum by (account) (rate(mogplex_bridge_events_total{{%A}}[{_RATE}]))"},
            "Upstream events stored in the journal.", unit="suffix: /s", stacked=True,
        )),
        (8, graph(
            "Records out",
            {
                "{{transport}}":
                    f"sum by (transport) (rate(mogplex_bridge_deliveries_total{{%I}}[{_RATE}]))",
                "{{sink}}":
                    f"sum by (sink) (rate(mogplex_bridge_sink_records_total{{%I}}[{_RATE}]))",
            },
            "Records sent to subscribers and written to outputs.", unit="suffix: /s",
        )),
    )  # fmt: skip


def _process() -> Panel:
    return row(
        "Process",
        (6, graph(
            "Memory", {"{{instance}}": "process_resident_memory_bytes{%I}"},
            "Resident memory of the process.", unit="bytes",
        )),
        (6, graph(
            "CPU", {"{{instance}}": f"rate(process_cpu_seconds_total{{%I}}[{_RATE}])"},
            "Share of one core. Without workers the bridge uses little more than one.", unit="percentunit",
        )),
        (6, graph(
            "Open files", {"{{instance}}": "process_open_fds{%I} / process_max_fds{%I}"},
            "Share of the process's limit of open files. Each stream uses one.",
            unit="percentunit", top=1,
        )),
        (6, graph(
            "Event loop lag p99",
            {"{{instance}}":
                "histogram_quantile(0.99, sum by (instance, le)"
                f" (rate(mogplex_bridge_event_loop_lag_seconds_bucket{{%I}}[{_RATE}])))"},
            "How late a timer of the event loop fires. Everything in the process waits that long.",
            unit="s", limit=0.5, runbooks=("EventLoopSlow",),
        )),
        (6, graph(
            "Journal commit p99",
            {"{{instance}}":
                "histogram_quantile(0.99, sum by (instance, le)"
                f" (rate(mogplex_bridge_journal_append_duration_seconds_bucket{{%I}}[{_RATE}])))"},
            "From an append to its commit on disk.", unit="s",
        )),
        (6, graph(
            "Journal size", {"{{instance}}": "mogplex_bridge_journal_bytes{%I}"},
            "Size of the journal on disk, limited by retention.bytes.", unit="bytes",
            runbooks=("JournalNotWritable",),
        )),
        (6, graph(
            "Journal records", {"{{instance}}": "mogplex_bridge_journal_records{%I}"},
            "Records in the journal.", decimals=0,
        )),
        (6, graph(
            "Series", {"{{instance}}": "scrape_samples_post_metric_relabeling{%I}"},
            "Samples of each scrape. Their number depends on accounts and outputs, never on runs.",
            decimals=0, runbooks=("Cardinality",),
        )),
        (6, graph(
            "Scrape duration", {"{{instance}}": "scrape_duration_seconds{%I}"},
            "Time that Prometheus waits for the metrics.", unit="s",
        )),
        (6, stat(
            "Configuration", "min(mogplex_bridge_config_last_reload_successful{%I})",
            "Whether the newest configuration is in force, or was rejected at a reload.",
            unit="none", none="unknown", runbooks=("ConfigReloadFailed",),
            words={"0": ("an older one", "red"), "1": ("in force", "green")},
        )),
        (6, stat(
            "Version", "count by (version) (mogplex_bridge_build_info{%I})",
            "Running versions, and the number of bridges with each.", legend="{{version}}",
        )),
        (6, stat(
            "Up for", "min(time() - process_start_time_seconds{%I})",
            "Time since the latest start of a bridge.", unit="s", decimals=0, runbooks=("Restarting",),
        )),
        height=6,
    )  # fmt: skip


def board(runbooks: str) -> dict[str, Any]:
    return dashboard(
        "overview",
        "overview",
        "Is the bridge working, and if not, what is wrong? Runs, delivery and upstream have "
        "dashboards of their own, linked above.",
        [_is_it_working(), _what_is_wrong(), _in_and_out(), _process()],
        [
            marks.ALERTS,
            marks.RESTARTS,
            marks.VERSIONS,
            marks.REFUSED_CONFIGURATION,
            marks.FULL_DISK,
        ],
        runbooks,
    )
