"""The dashboard of the readers: outputs, subscribers, and the journal that both read."""

from __future__ import annotations

from typing import Any

from grafana import marks
from grafana.parts import Panel, dashboard, graph, heatmap, row, stat

_RATE = "$__rate_interval"
_LAG = "mogplex_bridge_subscriber_lag_records"
_ENDED = "mogplex_bridge_subscriber_disconnects_total"


def _now() -> Panel:
    return row(
        "Now",
        (4, stat("Open streams", "sum(mogplex_bridge_subscribers{%I})", "Open streams.")),
        (4, stat(
            "Subscriber lag p99",
            f"histogram_quantile(0.99, sum by (le) (rate({_LAG}_bucket{{%I}}[{_RATE}])))",
            "Records behind the journal; 99 of 100 samples were lower.",
            none="no streams", decimals=0, steps=(("green", None), ("orange", 1000)),
            runbooks=("SubscribersSlow",),
        )),
        (4, stat(
            "Outputs blocked", "sum(mogplex_bridge_sink_blocked{%I})",
            "Outputs that cannot write now.", steps=(("green", None), ("red", 1)),
            none="no outputs", runbooks=("SinkStalled",),
        )),
        (4, stat(
            "Longest output lag", "max(mogplex_bridge_sink_lag_records{%I})",
            "Records in the journal that the slowest output has not processed yet.",
            none="no outputs", decimals=0, steps=(("green", None), ("orange", 1000)),
            runbooks=("SinkStalled",),
        )),
        (4, stat(
            "Records missed",
            "sum(increase(mogplex_bridge_sink_missed_records_total{%I}[$__range]))",
            "Records that an output lost in this time range, because the journal no longer has them.",
            none="no outputs", decimals=0, steps=(("green", None), ("red", 1)),
            runbooks=("SinkMissed",),
        )),
        (4, stat(
            "Journal", "min(mogplex_bridge_journal_writable{%I})",
            "Whether the journal can store records. If not, readers get stored records and nothing new.",
            unit="none", none="unknown", runbooks=("JournalNotWritable",),
            words={"0": ("not writable", "red"), "1": ("writable", "green")},
        )),
        height=4,
    )  # fmt: skip


def _subscribers() -> Panel:
    return row(
        "Subscribers",
        (8, graph(
            "Open streams by transport",
            {"{{transport}}": "sum by (transport) (mogplex_bridge_subscribers{%I})"},
            "Open streams by transport.", stacked=True, decimals=0,
        )),
        (8, graph(
            "Records delivered",
            {"{{transport}}":
                f"sum by (transport) (rate(mogplex_bridge_deliveries_total{{%I}}[{_RATE}]))"},
            "Records sent to subscribers.", unit="suffix: /s", stacked=True,
        )),
        (8, graph(
            "Streams ended per minute",
            {"{{transport}} {{reason}}":
                f"sum by (transport, reason) (rate({_ENDED}{{%I}}[{_RATE}])) * 60 > 0"},
            "Streams that ended, by reason. Slow: the bridge disconnected them, because slow readers "
            "together held too much memory.",
            unit="suffix: /min", stacked=True, runbooks=("SubscribersSlow",),
        )),
        (12, heatmap(
            "Subscriber lag", f"sum by (le) (increase({_LAG}_bucket{{%I}}[{_RATE}]))",
            "Number of samples by how many records a subscriber was behind the journal.",
            unit="short", runbooks=("SubscribersSlow",),
        )),
        (12, graph(
            "Subscriber lag quantiles",
            {
                "p50":
                    f"histogram_quantile(0.5, sum by (le) (rate({_LAG}_bucket{{%I}}[{_RATE}])))",
                "p99":
                    f"histogram_quantile(0.99, sum by (le) (rate({_LAG}_bucket{{%I}}[{_RATE}])))",
            },
            "Records that subscribers are behind the journal.",
            runbooks=("SubscribersSlow",),
        )),
    )  # fmt: skip


def _outputs() -> Panel:
    return row(
        "Outputs",
        (8, graph(
            "Records written by output",
            {"{{sink}} {{instance}}":
                "sum by (sink, instance)"
                f" (rate(mogplex_bridge_sink_records_total{{%I}}[{_RATE}]))"},
            "Records written to files and stdout.", unit="suffix: /s",
            runbooks=("SinkStalled",),
        )),
        (8, graph(
            "Output lag",
            {"{{sink}} {{instance}}":
                "max by (sink, instance) (mogplex_bridge_sink_lag_records{%I})"},
            "Records in the journal that an output has not processed yet.", decimals=0,
            runbooks=("SinkStalled",),
        )),
        (8, graph(
            "Blocked outputs",
            {"{{sink}} {{instance}}":
                "max by (sink, instance) (mogplex_bridge_sink_blocked{%I})"},
            "1 while an output cannot write and waits.", decimals=0, top=1,
            runbooks=("SinkStalled",),
        )),
        (12, graph(
            "Failed writes per minute",
            {"{{reason}}: {{sink}} {{instance}}":
                "sum by (reason, sink, instance)"
                f" (rate(mogplex_bridge_sink_errors_total{{%I}}[{_RATE}])) * 60 > 0"},
            "Failed writes, by reason; the bridge retries each.", unit="suffix: /min", bars=True,
            runbooks=("SinkStalled",),
        )),
        (12, graph(
            "Records missed or truncated",
            {
                "missed, {{reason}}: {{sink}}":
                    "sum by (sink, reason)"
                    f" (increase(mogplex_bridge_sink_missed_records_total{{%I}}[{_RATE}])) > 0",
                "truncated: {{sink}}":
                    "sum by (sink)"
                    f" (increase(mogplex_bridge_sink_truncated_records_total{{%I}}[{_RATE}])) > 0",
            },
            "Records that an output lost, by reason, and lines that were truncated to line_bytes.",
            bars=True, decimals=0, runbooks=("SinkMissed",),
        )),
    )  # fmt: skip


def _journal() -> Panel:
    return row(
        "Journal",
        (6, graph(
            "Records stored",
            {"{{instance}}": f"rate(mogplex_bridge_journal_head_sequence{{%I}}[{_RATE}])"},
            "Records stored per second.", unit="suffix: /s",
        )),
        (6, graph(
            "Journal commits",
            {
                "p50 {{instance}}":
                    "histogram_quantile(0.5, sum by (instance, le)"
                    f" (rate(mogplex_bridge_journal_append_duration_seconds_bucket{{%I}}[{_RATE}])))",
                "p99 {{instance}}":
                    "histogram_quantile(0.99, sum by (instance, le)"
                    f" (rate(mogplex_bridge_journal_append_duration_seconds_bucket{{%I}}[{_RATE}])))",
            },
            "From an append to its commit on disk.", unit="s",
        )),
        (6, graph(
            "Writable", {"{{instance}}": "mogplex_bridge_journal_writable{%I}"},
            "0 while the journal cannot store records.", decimals=0, top=1,
            runbooks=("JournalNotWritable",),
        )),
        (6, graph(
            "Size", {"{{instance}}": "mogplex_bridge_journal_bytes{%I}"},
            "Size of the journal on disk, limited by retention.bytes.", unit="bytes",
            runbooks=("JournalNotWritable",),
        )),
    )  # fmt: skip


def _requests() -> Panel:
    return row(
        "HTTP and gateway",
        (8, graph(
            "Answers by group and status",
            {"{{group}} {{code}}":
                f"sum by (group, code) (rate(mogplex_bridge_http_requests_total{{%I}}[{_RATE}])) > 0"},
            "HTTP responses; a stream counts when it begins.", unit="suffix: /s",
            stacked=True,
        )),
        (8, graph(
            "Gateway reads by source",
            {"{{source}}":
                f"sum by (source) (rate(mogplex_bridge_gateway_reads_total{{%I}}[{_RATE}]))"},
            "Reads of the vendor's API, by the source of the answer. Answers from the journal cost no "
            "request upstream.", unit="suffix: /s", stacked=True,
        )),
        (8, graph(
            "Run starts through the gateway",
            {"{{outcome}}":
                f"sum by (outcome) (increase(mogplex_bridge_gateway_run_starts_total{{%I}}[{_RATE}]))"},
            "Run starts requested from the gateway, by outcome.", stacked=True,
            decimals=0,
        )),
    )  # fmt: skip


def _replicas() -> Panel:
    return row(
        "Replicas and workers",
        (6, graph(
            "Accounts followed", {"{{instance}} {{account}}": "mogplex_bridge_leases_held{%A}"},
            "1 at the replica that follows the account. The sum over all replicas is 1.",
            decimals=0, runbooks=("NobodyFollows",),
        )),
        (6, graph(
            "Accounts taken over",
            {"{{instance}} {{account}}":
                f"increase(mogplex_bridge_lease_takeovers_total{{%A}}[{_RATE}])"},
            "Accounts that a replica took over, because another one died, stopped or lost NATS.", bars=True, decimals=0,
        )),
        (6, graph(
            "Accounts lost",
            {
                "{{instance}} {{account}}":
                    f"increase(mogplex_bridge_leases_lost_total{{%A}}[{_RATE}])",
                "refused {{instance}} {{account}}":
                    f"increase(mogplex_bridge_fence_refusals_total{{%A}}[{_RATE}])",
            },
            "Accounts that a replica lost, because it could not renew its lease in time; refused: "
            "appends of a former holder, which NATS refused.",
            bars=True, decimals=0, runbooks=("LeasesLost",),
        )),
        (6, graph(
            "Workers",
            {
                "{{instance}}": "mogplex_bridge_workers{%I}",
                "replaced {{instance}}":
                    f"increase(mogplex_bridge_worker_restarts_total{{%I}}[{_RATE}])",
            },
            "Worker processes that serve clients, and workers that were replaced after they died or "
            "hung.", decimals=0, runbooks=("WorkersRestart",),
        )),
    )  # fmt: skip


def board(runbooks: str) -> dict[str, Any]:
    return dashboard(
        "delivery",
        "delivery",
        "Do the readers get what the journal has: subscribers over HTTP, files and stdout?",
        [_now(), _subscribers(), _outputs(), _requests(), _journal(), _replicas()],
        [marks.ALERTS, marks.RESTARTS, marks.FULL_DISK],
        runbooks,
    )
