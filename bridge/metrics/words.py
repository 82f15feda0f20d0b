"""The closed sets behind the labels, and the bounds of the histograms.

Sources: upstream's words from mogplex.md 1.6, 1.7, 1.10 and readers.md; ours from the modules
that use them.
"""

from __future__ import annotations

from collections.abc import Mapping

OTHER = "other"
OK = "OK"  # the `code` of a request that was answered as hoped

# mogplex.md 1.6 and readers.md: the nine words of upstream's enum.
EVENT_TYPES = (
    "started", "status_changed", "tool_started", "tool_finished", "cancel_requested",
    "cancelled", "finished", "failed", "log", OTHER,
)  # fmt: skip
EVENT_TYPE_PREFIX = "com.mogplex.run.event."  # outside.md 2
RUN_STATUSES = (
    "pending", "streaming", "awaiting_input", "success", "failed", "cancelled", OTHER,
)  # fmt: skip
ENDED_STATUSES = ("success", "failed", "cancelled", OTHER)
# mogplex.md 1.10 (nine codes, one of newer servers) and ours (core/errors.py).
ERROR_CODES = (
    "BAD_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "IDEMPOTENCY_CONFLICT",
    "RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "AUTOMATION_REQUIRED",
    "HTTP_ERROR", "INVALID_RESPONSE", "TIMEOUT", "TRANSPORT", "TLS", "LOGIN_REDIRECT", OTHER,
)  # fmt: skip
RETRIES = ("transient", "conditional", "permanent", "auth_suspect", "done", "feature_absent")
# Code -> what may be done about it: the pairs that exist (sources/mogplex/api.py and
# sources/http.py). All
# 102 combinations would be a third of an account's series, and most of them say nothing.
FAILURES: Mapping[str, tuple[str, ...]] = {
    "UNAUTHORIZED": ("auth_suspect",),
    "LOGIN_REDIRECT": ("auth_suspect",),
    "CONFLICT": ("conditional",),
    "IDEMPOTENCY_CONFLICT": ("conditional",),
    "HTTP_ERROR": ("transient", "permanent", "feature_absent"),
    OTHER: RETRIES,
    **dict.fromkeys(
        ("BAD_REQUEST", "FORBIDDEN", "NOT_FOUND", "AUTOMATION_REQUIRED", "TLS"),
        ("permanent",),
    ),
    **dict.fromkeys(
        ("RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "INVALID_RESPONSE", "TIMEOUT",
         "TRANSPORT"),
        ("transient",),
    ),
}  # fmt: skip
ENDPOINTS = ("runs.get", "runs.events", "runs.stream", "repos", "auth.user", OTHER)
WAIT_REASONS = ("budget", "retry_after")
GAP_REASONS = (
    "window_exhausted", "window_jumped", "segment_switched", "joined_late",
    "history_shrank", OTHER,
)  # fmt: skip
TRANSPORTS = ("sse", "websocket", "ndjson", "page")
DISCONNECT_REASONS = ("client", "slow", "auth", "lifetime", "shutdown", "error")
SINK_ERROR_REASONS = ("disk_full", "permission", "missing", "closed_pipe", "io", OTHER)
SINK_MISS_REASONS = ("retention", "epoch")

# Bucket bounds, seconds unless said otherwise.
RUN_DURATION_S = (10, 30, 60, 120, 300, 600, 1200, 1800, 2400, 3600, 7200)  # runs last 1-40 min
EVENT_LAG_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)  # 0.05: aim of a stream;
# 1-3: a poll of one run; 10 and more: many runs share the 60 requests/min of a token.
REQUEST_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # a healthy reply, up to the time-out
APPEND_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)  # an fsync: flash to bad disk
LAG_RECORDS = (0, 1, 10, 100, 1_000, 10_000, 100_000)  # records; 0 is "up to date"
LOOP_LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
