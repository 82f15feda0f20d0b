"""The closed sets behind the labels, and the bounds of the histograms.

These are the bridge's own words, from the modules that use them; accounts add those of a system.
"""

from __future__ import annotations

from bridge.core.errors import Retry
from bridge.core.status import State

OTHER = "other"
OK = "OK"  # the `code` of a successful request

RETRIES = tuple(retry.value for retry in Retry)
STATES = tuple(state.value for state in State)
WAIT_REASONS = ("budget", "retry_after")
# the bridge's own; sources add theirs with the words of their system
GAP_REASONS = ("unreadable", OTHER)
TRANSPORTS = ("sse", "websocket", "ndjson", "page")
DISCONNECT_REASONS = ("client", "slow", "auth", "lifetime", "shutdown", "ended", "error")
HTTP_GROUPS = ("events", "runs", "feeds", "operation", "page", "gateway", "none")
HTTP_CLASSES = ("2xx", "3xx", "4xx", "5xx")
GATEWAY_READS = ("journal", "upstream")
GATEWAY_STARTS = ("started", "replayed", "limited", "refused", "failed")
SINK_MISS_REASONS = ("retention", "epoch")

# Bucket bounds, seconds unless said otherwise.
RUN_DURATION_S = (10, 30, 60, 120, 300, 600, 1200, 1800, 2400, 3600, 7200)  # runs last 1-40 min
EVENT_LAG_S = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300)  # 0.05: aim of a stream;
# 1-3: a poll of one run; 10 and more: many runs share the 60 requests/min of a token.
REQUEST_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # a healthy reply, up to the time-out
APPEND_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)  # an fsync: flash to bad disk
LAG_RECORDS = (0, 1, 10, 100, 1_000, 10_000, 100_000)  # records; 0 is "up to date"
LOOP_LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
