"""The dashboard of upstream: the budget of each token, who waits for it, and what goes wrong."""

from __future__ import annotations

from typing import Any

from grafana import marks
from grafana.parts import Panel, dashboard, graph, heatmap, row, stat

_RATE = "$__rate_interval"
_REQUESTS = "mogplex_bridge_upstream_requests_total"
_ERRORS = "mogplex_bridge_upstream_errors_total"
_SECONDS = "mogplex_bridge_upstream_request_duration_seconds_bucket"
_REFUSED = 'code=~"UNAUTHORIZED|FORBIDDEN|LOGIN_REDIRECT"'
_GREEN_ORANGE = (("green", None), ("orange", 1))


def _now() -> Panel:
    return row(
        "Now",
        (4, stat(
            "Budget used",
            "max(mogplex_bridge_rate_limit_window_requests{%A}"
            " / (mogplex_bridge_rate_limit_budget_requests{%A} > 0))",
            "Share of the last minute's budget that was used, for the account with the highest share. "
            "Runs without a stream share the whole budget, so nearly 100 % is normal.",
            unit="percentunit", decimals=0, runbooks=("BudgetSaturated",),
        )),
        (4, stat(
            "Lowest budget", "min(mogplex_bridge_rate_limit_budget_requests{%A})",
            "Requests a minute that the bridge allows itself, for the account with the lowest budget. "
            "The bridge lowers it when other programs use the token.",
            unit="suffix: /min", steps=(("red", None), ("orange", 20), ("green", 40)),
            runbooks=("RateLimited",),
        )),
        (4, stat(
            "Refusals (429)", "sum(increase(mogplex_bridge_rate_limit_hits_total{%A}[$__range]))",
            "Requests that upstream refused for the rate limit in this time range.",
            steps=_GREEN_ORANGE, decimals=0, runbooks=("RateLimited",),
        )),
        (4, stat(
            "Suspended tokens", "sum(mogplex_bridge_token_suspended{%A})",
            "Accounts whose token upstream refuses. Their runs wait; every few minutes one request "
            "tests the token.",
            steps=(("green", None), ("red", 1)), decimals=0,
            runbooks=("AuthFailing",),
        )),
        (4, stat(
            "Failed share",
            f"sum(increase({_ERRORS}{{%A}}[$__range]))"
            f" / sum(increase({_REQUESTS}{{%A}}[$__range]))",
            "Share of the requests in this time range that failed, for any reason.",
            unit="percentunit", none="no requests", runbooks=("UpstreamErrors",),
            steps=(("green", None), ("orange", 0.05), ("red", 0.1)),
        )),
        (4, stat(
            "Request p95",
            f"histogram_quantile(0.95, sum by (le) (rate({_SECONDS}{{%A}}[{_RATE}])))",
            "Time from sending a request to the end of its reply; 95 of 100 were faster.",
            unit="s", none="no requests", steps=(("green", None), ("orange", 1), ("red", 5)),
            runbooks=("UpstreamErrors",),
        )),
        height=4,
    )  # fmt: skip


def _budget() -> Panel:
    return row(
        "Budget",
        (8, graph(
            "Requests of the last minute",
            {
                "used {{account}}":
                    "sum by (account) (mogplex_bridge_rate_limit_window_requests{%A})",
                "budget {{account}}":
                    "sum by (account) (mogplex_bridge_rate_limit_budget_requests{%A})",
            },
            "Requests in upstream's rolling minute, and the bridge's budget of upstream's 60.",
            decimals=0, limit=60, runbooks=("BudgetSaturated", "RateLimited"),
        )),
        (8, graph(
            "Time spent waiting",
            {"{{reason}} {{account}}":
                "sum by (account, reason)"
                f" (rate(mogplex_bridge_rate_limit_wait_seconds_total{{%A}}[{_RATE}]))"},
            "Share of time in which requests waited: for the budget (so the bridge paces itself), or "
            "for the end of a pause that upstream demanded.",
            unit="percentunit", runbooks=("BudgetSaturated",),
        )),
        (8, graph(
            "Pause after a 429",
            {"{{account}}":
                "max by (account) (clamp_min("
                "mogplex_bridge_rate_limit_blocked_until_timestamp_seconds{%A} - time(), 0))"},
            "Time until requests resume; 0 while they are not paused.", unit="s",
            runbooks=("RateLimited",),
        )),
        (8, graph(
            "Refusals per account",
            {"{{account}}":
                "sum by (account)"
                f" (increase(mogplex_bridge_rate_limit_hits_total{{%A}}[{_RATE}]))"},
            "429 replies. The bridge stays within the limit, so each means that another program uses "
            "the token.",
            bars=True, runbooks=("RateLimited",),
        )),
        (8, graph(
            "Requests per minute and run",
            {"{{account}}":
                f"sum by (account) (rate({_REQUESTS}{{%A}}[{_RATE}])) * 60"
                " / (sum by (account) (mogplex_bridge_runs{%A}) > 0)"},
            "Requests for each run, on average: near 1 with streams; without, 54 divided by the number "
            "of runs.",
            unit="suffix: /min", runbooks=("BudgetSaturated",),
        )),
        (8, graph(
            "Since last success",
            {"{{account}}":
                "max by (account)"
                " (time() - (mogplex_bridge_last_poll_success_timestamp_seconds{%A} > 0))"},
            "Time since the last successful request. A busy stream needs none.", unit="s",
            limit=360, runbooks=("PollStalled", "AuthFailing"),
        )),
    )  # fmt: skip


def _requests() -> Panel:
    return row(
        "Requests and errors",
        (8, graph(
            "Requests per minute",
            {"{{endpoint}} {{code}}":
                f"sum by (endpoint, code) (rate({_REQUESTS}{{%A}}[{_RATE}])) * 60 > 0"},
            "Requests that were answered or failed, by endpoint and result: OK or the error code.",
            unit="suffix: /min", stacked=True, runbooks=("UpstreamErrors",),
        )),
        (8, graph(
            "Failures per minute",
            {"{{code}}, {{retry}}":
                f"sum by (code, retry) (rate({_ERRORS}{{%A}}[{_RATE}])) * 60 > 0"},
            "Requests that failed, by code and by retry class. Dots are exemplars: "
            "each names its run.",
            unit="suffix: /min", stacked=True, exemplars=True, runbooks=("UpstreamErrors",),
        )),
        (8, graph(
            "Token refused",
            {"{{code}} {{account}}":
                f"sum by (code, account) (increase({_ERRORS}{{%A, {_REFUSED}}}[{_RATE}])) > 0"},
            "Replies that refuse the token. After three over 30 s its runs wait until upstream accepts "
            "it or a new token.",
            bars=True, exemplars=True, runbooks=("AuthFailing",),
        )),
        (12, heatmap(
            "Request duration", f"sum by (le) (increase({_SECONDS}{{%A}}[{_RATE}]))",
            "Number of requests by duration. Dots are exemplars: each names its run.",
            runbooks=("UpstreamErrors",),
        )),
        (12, graph(
            "Request duration p95 by endpoint",
            {"{{endpoint}}":
                f"histogram_quantile(0.95, sum by (le, endpoint) (rate({_SECONDS}{{%A}}[{_RATE}])))"},
            "Time from sending a request to the end of its reply; for a stream, to its headers.",
            unit="s", exemplars=True, runbooks=("UpstreamErrors",),
        )),
    )  # fmt: skip


def _spaces() -> Panel:
    return row(
        "Spaces of moot",
        (8, graph(
            "Open streams",
            {"{{account}}": "sum by (account) (mogplex_bridge_stream_connected{%A})"},
            "Spaces whose stream or WebSocket is open; the others are polled, or about to connect.",
            decimals=0, runbooks=("NoStream",),
        )),
        (8, graph(
            "Connects per minute",
            {"{{account}} {{result}}":
                "sum by (account, result)"
                f" (rate(mogplex_bridge_stream_connects_total{{%A}}[{_RATE}])) * 60 > 0"},
            "Connects of streams and WebSockets, by outcome.",
            unit="suffix: /min", runbooks=("NoStream",),
        )),
        (8, graph(
            "Tenant suspended", {"{{account}}": "max by (account) (mogplex_bridge_suspended{%A})"},
            "1 while upstream reports the tenant of the key as suspended.",
            decimals=0, runbooks=("TenantSuspended",),
        )),
        (8, graph(
            "Replayed and skipped per minute",
            {
                "replayed {{account}}":
                    f"sum by (account) (rate(mogplex_bridge_replayed_total{{%A}}[{_RATE}])) * 60",
                "skipped, {{reason}}":
                    "sum by (reason)"
                    f" (rate(mogplex_bridge_skipped_frames_total{{%A}}[{_RATE}])) * 60 > 0",
            },
            "Events that upstream sent again, and frames that cannot be recorded.",
            unit="suffix: /min", runbooks=("NoStream",),
        )),
        (8, graph(
            "Pages per minute",
            {"{{cause}}":
                "sum by (cause)"
                f" (rate(mogplex_bridge_catch_up_pages_total{{%A}}[{_RATE}])) * 60 > 0"},
            "Pages of events that were read, by purpose.",
            unit="suffix: /min", runbooks=("BudgetSaturated",),
        )),
        (8, graph(
            "Discovered",
            {"{{account}}": f"increase(mogplex_bridge_discovered_total{{%A}}[{_RATE}])"},
            "Feeds discovered upstream and followed.",
            decimals=0, runbooks=("NoStream",),
        )),
        folded=True,
    )  # fmt: skip


def _miosa() -> Panel:
    return row(
        "Streams of MIOSA",
        (12, graph(
            "Streams that ended per minute",
            {"{{kind}}, {{reason}}":
                "sum by (kind, reason)"
                f" (rate(mogplex_bridge_stream_reconnects_total{{%A}}[{_RATE}])) * 60 > 0"},
            "Streams that ended and were reopened, by kind and reason. If a stream cannot be resumed, "
            "each end causes a gap.",
            unit="suffix: /min", stacked=True, runbooks=("StreamsCut",),
        )),
        (12, graph(
            "Tickets per minute",
            {"{{result}} {{account}}":
                "sum by (result, account)"
                f" (rate(mogplex_bridge_tickets_total{{%A}}[{_RATE}])) * 60 > 0"},
            "Tickets for streams, by outcome. Each costs one request.",
            unit="suffix: /min", stacked=True, runbooks=("StreamsCut",),
        )),
        folded=True,
    )  # fmt: skip


def board(runbooks: str) -> dict[str, Any]:
    return dashboard(
        "upstream",
        "upstream budget and errors",
        "How is the budget of each token used, what waits for it, and what does upstream answer?",
        [_now(), _budget(), _requests(), _spaces(), _miosa()],
        [marks.ALERTS, marks.RESTARTS, marks.REFUSALS],
        runbooks,
    )
