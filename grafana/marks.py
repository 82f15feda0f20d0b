"""Annotations that more than one dashboard shows."""

from __future__ import annotations

from grafana.parts import annotation

ALERTS = annotation(
    "Alerts",
    'ALERTS{alertname=~"MogplexBridge.*", alertstate="firing", job=~"$job"}',
    "red",
    "{{alertname}}",
    "{{account}} {{sink}} {{instance}}",
)
RESTARTS = annotation(
    "Restarts",
    "changes(process_start_time_seconds{%I}[$__rate_interval]) > 0",
    "blue",
    "restarted",
    "{{instance}}",
)
# At the start of a series everything is new for five minutes; Grafana joins such marks into one.
VERSIONS = annotation(
    "New version",
    "mogplex_bridge_build_info{%I} unless on (job, instance, version)"
    " mogplex_bridge_build_info{%I} offset 5m",
    "green",
    "version {{version}}",
    "{{instance}}",
)
REFUSED_CONFIGURATION = annotation(
    "Configuration rejected",
    "mogplex_bridge_config_last_reload_successful{%I} == 0",
    "orange",
    "runs with the previous configuration",
    "{{instance}}",
)
REFUSALS = annotation(
    "Refusals (429)",
    "sum by (account) (increase(mogplex_bridge_rate_limit_hits_total{%A}[$__rate_interval])) > 0",
    "orange",
    "429",
    "{{account}}",
)
GAPS = annotation(
    "Gaps",
    "sum by (account, reason) (increase(mogplex_bridge_gaps_total{%A}[$__rate_interval])) > 0",
    "purple",
    "gap: {{reason}}",
    "{{account}}",
)
FULL_DISK = annotation(
    "Journal not writable",
    "mogplex_bridge_journal_writable{%I} == 0",
    "dark-red",
    "the journal cannot store records",
    "{{instance}}",
)
